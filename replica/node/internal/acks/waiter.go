package acks

import (
	"fmt"
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/wallclock"
)

// waiter is a call whose writes are durable here.
type waiter struct {
	replies  []replica.Reply
	levels   []int // by reply; below 2: nothing is waited for
	wants    []want
	past     wallclock.Mono // when all stamps are past; zero: nobody asks
	began    time.Time
	deadline time.Time
	done     func([]replica.Reply)
}

// want is a dot that so many leaders are to hold; they then hold what its origin gave
// before, too.
type want struct {
	dot logical.Dot
	n   int
}

// want lets the call wait for a dot. Of each origin and level the greatest is enough.
func (w *waiter) want(d logical.Dot, n int) {
	for i := range w.wants {
		if o := &w.wants[i]; o.n == n && o.dot.Origin == d.Origin {
			o.dot.Seq = max(o.dot.Seq, d.Seq)
			return
		}
	}
	w.wants = append(w.wants, want{d, n})
}

// held reports whether enough leaders hold all that the call wrote, and forgets what they
// do hold.
func (w *waiter) held(count func(logical.Dot) int) bool {
	w.wants = slices.DeleteFunc(w.wants, func(o want) bool { return count(o.dot) >= o.n })
	return len(w.wants) == 0
}

// left is how long it takes until all stamps of the call are past; not above zero: they are.
func (w *waiter) left(now wallclock.Mono) time.Duration {
	if w.past == 0 {
		return 0
	}
	return w.past.Sub(now)
}

// doubt answers a call that nobody waits for any longer: the writes that enough leaders
// hold, and whose stamps are past, are acknowledged, of the others it says what is not known.
func (k *Keeper) doubt(w *waiter, when string) {
	for i := range w.replies {
		r := &w.replies[i]
		if r.Err != nil || r.Dot.IsZero() {
			continue
		}
		if w.levels[i] > 1 {
			if n := k.cfg.Held(r.Dot); n < w.levels[i] {
				r.Err = fmt.Errorf("%w: %s, %d of %d leaders are known to hold write %s, which is stored at %s and will reach the others; a retry with the same request id is the same write at any leader",
					replica.ErrInDoubt, when, n, w.levels[i], r.Dot, k.cfg.Leader)
				continue
			}
		}
		if r.Past == 0 {
			continue
		}
		if left := r.Past.Sub(k.cfg.Now().Mono); left > 0 {
			r.Err = fmt.Errorf("%w: %s, the stamp of write %s is not surely past for another %s; it is stored at %s, and until then the stamp of a write that begins later may end before this one; a retry with the same request id is the same write",
				replica.ErrInDoubt, when, r.Dot, left.Round(time.Millisecond), k.cfg.Leader)
		}
	}
	w.done(w.replies)
}
