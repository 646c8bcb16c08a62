package host

import "kvd/wallclock"

// endings counts keys by when they end, so that what has ended need not be swept to
// count no more. It holds no keys: deadlines fall into spans of one width, which
// begins at a millisecond and doubles whenever there are too many. The zero endings
// is empty.
type endings struct {
	shift  uint // the width is a millisecond shifted by it
	counts map[int64]int64
}

// maxEndings is how many spans there are at most, of about 32 bytes each: with a
// million deadlines spread over a day each is about a second wide.
const maxEndings = 1 << 16

// ending is a change: one key more that ends then, or less.
type ending struct {
	at wallclock.Instant
	n  int64
}

func (e *endings) span(at wallclock.Instant) int64 { return int64(at) / 1e6 >> e.shift }

// add counts n keys more that end at at; zero: never, and they are not counted.
func (e *endings) add(at wallclock.Instant, n int64) {
	if at != 0 {
		e.put(e.span(at), n)
	}
}

func (e *endings) put(span, n int64) {
	if e.counts == nil {
		e.counts = map[int64]int64{}
	}
	if e.counts[span] += n; e.counts[span] == 0 {
		delete(e.counts, span)
	}
	for len(e.counts) > maxEndings {
		e.widen()
	}
}

// widen doubles the width.
func (e *endings) widen() {
	was := e.counts
	e.counts = make(map[int64]int64, len(was)/2)
	for span, n := range was {
		if e.counts[span>>1] += n; e.counts[span>>1] == 0 {
			delete(e.counts, span>>1)
		}
	}
	e.shift++
}

// join adds n times what other counts, which may be made as wide.
func (e *endings) join(other *endings, n int64) {
	for e.shift < other.shift {
		e.widen()
	}
	for other.shift < e.shift {
		other.widen()
	}
	for span, k := range other.counts {
		e.put(span>>(e.shift-other.shift), n*k)
	}
}

func (e *endings) clone() endings {
	c := endings{shift: e.shift, counts: make(map[int64]int64, len(e.counts))}
	for span, n := range e.counts {
		c.counts[span] = n
	}
	return c
}

// before is how many end in spans that are over at now.
func (e *endings) before(now wallclock.Instant) (n int64) {
	last := e.span(now)
	for span, k := range e.counts {
		if span < last {
			n += k
		}
	}
	return n
}
