package state

import "kvd/wallclock"

// expiries counts keys by when they expire, so that expired ones need not be swept to count
// no more. It holds no keys: deadlines fall into spans of one width, which
// begins at a millisecond and doubles whenever there are too many. The zero expiries
// is empty.
type expiries struct {
	shift  uint // the width is a millisecond shifted by it
	counts map[int64]int64
}

// maxExpiries is how many spans there are at most, of about 32 bytes each: with a
// million deadlines spread over a day each is about a second wide.
const maxExpiries = 1 << 16

// expiry is a change: one key more that expires then, or one less.
type expiry struct {
	at wallclock.Instant
	n  int64
}

func (e *expiries) span(at wallclock.Instant) int64 { return int64(at) / 1e6 >> e.shift }

// add counts n keys more that expire at that time; zero: never, and they are not counted.
func (e *expiries) add(at wallclock.Instant, n int64) {
	if at != 0 {
		e.put(e.span(at), n)
	}
}

func (e *expiries) put(span, n int64) {
	if e.counts == nil {
		e.counts = map[int64]int64{}
	}
	if e.counts[span] += n; e.counts[span] == 0 {
		delete(e.counts, span)
	}
	for len(e.counts) > maxExpiries {
		e.widen()
	}
}

// widen doubles the width.
func (e *expiries) widen() {
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
func (e *expiries) join(other *expiries, n int64) {
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

func (e *expiries) clone() expiries {
	c := expiries{shift: e.shift, counts: make(map[int64]int64, len(e.counts))}
	for span, n := range e.counts {
		c.counts[span] = n
	}
	return c
}

// before is how many expire in spans that are over at now.
func (e *expiries) before(now wallclock.Instant) (n int64) {
	last := e.span(now)
	for span, k := range e.counts {
		if span < last {
			n += k
		}
	}
	return n
}
