package replica

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/wallclock"
)

// waiting is a request that this leader is behind.
type waiting struct {
	req   *Request
	since wallclock.Mono
}

// Join is what whoever holds both tokens has seen.
func (t Token) Join(o Token) Token {
	t.Frontier, t.Lamport = t.Frontier.Join(o.Frontier), t.Lamport.Merge(o.Lamport)
	if o.HLC.Compare(t.HLC) > 0 {
		t.HLC = o.HLC
	}
	return t
}

// token is everything that whoever is answered now has seen.
func (t *turn) token() Token { return t.State().Token() }

// covers reports whether this leader has applied all that the client has seen.
// An op that named parents or dependencies its leader lacks would make applied
// sets causally open.
func (t *turn) covers(q *Request) bool {
	if !t.st.Frontier.Includes(q.Token.Frontier) {
		return false
	}
	return !q.exact() || !slices.ContainsFunc(q.Shown, func(d logical.Dot) bool { return !t.st.Frontier.Covers(d) })
}

// Readable reports whether a leader at frontier f can answer q from what it
// holds, without a step: a well-formed Get of what f covers. A step would answer
// the same.
func (q *Request) Readable(f logical.Frontier) bool {
	return q.Verb == Get && f.Includes(q.Token.Frontier) && q.check() == nil
}

// absorb hears the client's clocks: it is a channel between leaders like any
// other. Each is absorbed within its guard.
func (t *turn) absorb(tok Token) {
	t.mergeLamport(tok.Lamport, logical.Dot{})
	t.mergeHLC(tok.HLC, logical.Dot{})
}

// mergeHLC absorbs a hybrid stamp unless it runs too far ahead of our clock. The
// dot is whose stamp it is; zero for a client's token.
func (t *turn) mergeHLC(stamp logical.HLC, d logical.Dot) {
	wall, ok := int64(t.m.Wall.Midpoint()), false
	if t.st.HLC, ok = t.st.HLC.Merge(stamp, wall, t.cfg.MaxDrift); !ok {
		t.event(ClockAhead{Dot: d, Ahead: wallclock.Instant(stamp.Wall).Sub(wallclock.Instant(wall))})
	}
}

// park lets a request wait, if not too many do.
func (t *turn) park(q *Request) {
	n := q.footprint()
	if len(t.waiting) >= t.cfg.WaitingReqs || t.waiters > 0 && t.waiters+n > t.cfg.WaitBytes {
		t.refuse(q, fmt.Errorf("%s %q: %w (%d of %d bytes); try again later or at another leader", q.Verb, q.Key, ErrOverloaded, len(t.waiting), t.waiters))
		return
	}
	t.waiting = append(t.waiting, waiting{q, t.m.Mono})
	t.waiters += n
}

// footprint is about what the request takes in memory. What Decide holds on to is
// not known here; whoever made it bounds it.
func (q *Request) footprint() int {
	return 256 + len(q.Key) + len(q.Value) + 16*(len(q.Shown)+q.Token.Frontier.Len())
}

// serveWaiting asks again, once the frontier has grown, in the order of
// arrival.
func (t *turn) serveWaiting() {
	if !t.moved {
		return
	}
	t.moved = false
	t.waiting = slices.DeleteFunc(t.waiting, func(w waiting) bool {
		if !t.covers(w.req) {
			return false
		}
		t.event(TokenWaited{ID: w.req.ID, Since: w.since})
		t.waiters -= w.req.footprint()
		t.serve(w.req)
		return true
	})
}

// giveUpWaiting answers those that have waited long enough. All wait equally
// long, so the oldest are in front.
func (t *turn) giveUpWaiting() {
	n := 0
	for n < len(t.waiting) && t.m.Mono >= t.deadline(t.waiting[n]) {
		w := t.waiting[n]
		t.event(TokenWaited{ID: w.req.ID, GaveUp: true, Since: w.since})
		t.waiters -= w.req.footprint()
		t.refuse(w.req, fmt.Errorf("%s %q: %w after %s; try again here later, or at the leader that gave the token",
			w.req.Verb, w.req.Key, ErrBehind, t.m.Mono.Sub(w.since)))
		n++
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
}

func (t *turn) deadline(w waiting) wallclock.Mono { return w.since.Add(t.cfg.TokenWait) }
