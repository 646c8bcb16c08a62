package replica

import (
	"slices"

	"kvd/logical"
	"kvd/replica/internal/ends"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/wallclock"
)

// A value with a deadline ends twice. From its deadline on no read shows it. And its
// leader deletes it, by an op like any other, so that leaders with equal frontiers
// hold equal objects: state never depends on a local clock, only what is shown of
// it does.
//
// Both go by the time that the leader and its peers agree on, so that no single
// clock can end a value (see wallclock.Agreement); deadlines that are counted from
// now are counted from it as well.
//
// One leader deletes, the one that accepted the value, so that several do not
// pile up deletions of one value that know nothing of each other; of a counter the
// one that accepted its deadline. Where it is gone for good the value stays stored
// and is not shown. Whoever writes over an expired value deletes it first, wherever
// that is.

// Agreed is the time that this leader and its peers agree on, as of the last step.
// It goes on by the stopwatch.
func (c *Core) Agreed() wallclock.Agreement { return c.clocks.Agreed() }

// now is by which deadline a read of this step goes.
func (t *turn) now() wallclock.Instant { return t.Agreed().Time(t.m.Mono) }

// reading is the same as wide as our own clock claims to be wrong.
func (t *turn) reading() wallclock.Interval {
	wall, now := t.m.Wall, t.now()
	half := wall.Midpoint()
	return wallclock.Interval{Earliest: now - (half - wall.Earliest), Latest: now + (wall.Latest - half)}
}

// shows is what the key shows now. Every reply reads through it.
func (t *turn) shows(panel resolve.Panel, object *resolve.Object) resolve.Reading {
	r, _ := panel.ReadAt(object, t.r, t.now())
	return r
}

// expireFirst deletes what the key shows that has expired, so that a write goes
// over its end and not over the value. The write's author is taken to have been
// shown that end. It returns the object to go on with.
//
// An author that said what it had been shown overwrites that and nothing else.
func (t *turn) expireFirst(panel resolve.Panel, object *resolve.Object, in *resolve.Intent) *resolve.Object {
	if in.Exact {
		return object
	}
	ended := panel.Expired(object, in.Now, nil)
	if len(ended) == 0 || len(ended) > limits.Dots {
		return object
	}
	end := t.expire(panel, object, ended)
	object = t.r.Object(object.Key)
	in.Exact, in.Shown = true, append(slices.Clip(t.shows(panel, object).Dots), end)
	slices.SortFunc(in.Shown, logical.Dot.Compare)
	in.Shown = slices.Compact(in.Shown)
	return object
}

// expire accepts the deletion of the versions ended, which the key shows. Its stamps
// stand just above theirs, so that it ends them and beats nothing that is newer;
// what the clocks showed it says apart. What is written over it in the same step is
// stamped later. Nothing may be done with object afterwards.
func (t *turn) expire(panel resolve.Panel, object *resolve.Object, ended []logical.Dot) logical.Dot {
	in := resolve.Intent{Kind: resolve.Delete, Exact: true, Shown: ended, Expires: ends.Deadline(panel, object, ended)}
	op, err := panel.Draft(object, t.st.Origin, in, t.r)
	if err != nil {
		panic("replica: a deletion has no outcome that could be refused: " + err.Error())
	}
	t.stamp(&op)
	op.Expired = object.JustAbove(ended)
	op.Expired.At = t.now()
	t.begin(panel, object, &op)
	return op.Dot
}

// sweep deletes what of the keys named has expired and is this leader's to delete.
// It waits where another clock could still contradict ours. A leader that refuses
// writes writes nothing of its own either; one whose clock alone is in quarantine does,
// since an end is stamped by what it ends.
func (t *turn) sweep(s Sweep) {
	if t.refusesAll() || !t.sure() {
		return
	}
	now := t.Agreed().Surely(t.m.Mono)
	for _, key := range s.Keys {
		panel, object := t.panel(key), t.r.Object(key)
		ended := Due(panel, object, now, t.own)
		if n := len(ended); n > 0 {
			t.expire(panel, object, ended[:min(n, limits.Dots)])
		}
	}
}

// sure reports whether any peer's clock that there is has been heard, or time
// enough has passed without. Who begins again has peers although it has met none.
func (t *turn) sure() bool {
	if !t.clocks.Alone() || t.m.Mono.Sub(t.clocks.Began()) >= t.cfg.ClockHold {
		return true
	}
	return len(t.peers) == 0 && !t.knowsOthers()
}

// knowsOthers reports whether any op here was accepted by another leader.
func (t *turn) knowsOthers() bool {
	for d := range t.st.Frontier.All() {
		if !t.own(d.Origin) {
			return true
		}
	}
	return false
}

// own reports whether an origin is this leader's, now or before.
func (t *turn) own(o logical.Origin) bool {
	return o == t.st.Origin || slices.Contains(t.cfg.PastOrigins, o)
}

// Due is the dots of what has ended at now and is to be deleted by the leader whose
// origins own names. A counter is deleted as a whole or not at all.
func Due(panel resolve.Panel, object *resolve.Object, now wallclock.Instant, own func(logical.Origin) bool) []logical.Dot {
	return ends.Due(panel, object, now, own)
}
