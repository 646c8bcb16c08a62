package replica

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// A value with a deadline ends twice. From its deadline on, by the wall clock of
// whoever is asked, no read shows it; leaders whose clocks differ may disagree
// for as long as their clocks do. And its leader deletes it, by an op like any
// other, so that leaders with equal frontiers hold equal objects: state never
// depends on a local clock, only what is shown of it does.
//
// One leader deletes, the one that accepted the value, so that several do not
// pile up deletions of one value that know nothing of each other. Where it is
// gone for good the value stays stored and is not shown. Whoever writes over an
// expired value deletes it first, wherever that is.

// now is by which deadline a read of this step goes.
func (t *turn) now() wallclock.Instant { return t.m.Wall.Midpoint() }

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
	ended := panel.Ended(object, in.Now, nil)
	if len(ended) == 0 || len(ended) > MaxDots {
		return object
	}
	end := t.expire(panel, object, ended)
	object = t.r.Object(object.Key)
	in.Exact, in.Shown = true, append(slices.Clip(t.shows(panel, object).Dots), end)
	slices.SortFunc(in.Shown, logical.Dot.Compare)
	in.Shown = slices.Compact(in.Shown)
	return object
}

// expire accepts the deletion of the versions ended, which the key shows. What is
// written over it in the same step is stamped later. Nothing may be done with
// object afterwards.
func (t *turn) expire(panel resolve.Panel, object *resolve.Object, ended []logical.Dot) logical.Dot {
	op, err := panel.Draft(object, t.st.Origin, resolve.Intent{Kind: resolve.Delete, Exact: true, Shown: ended}, t.r)
	if err != nil {
		panic("replica: a deletion has no outcome that could be refused: " + err.Error())
	}
	t.accept(panel, object, &op, true)
	return op.Dot
}

// sweep deletes what of the keys named has expired and was accepted here.
func (t *turn) sweep(s Sweep) {
	for _, key := range s.Keys {
		panel, object := t.panel(key), t.r.Object(key)
		ended := slices.DeleteFunc(panel.Ended(object, t.now(), nil), func(d logical.Dot) bool { return !t.sweeps(object, d) })
		if n := len(ended); n > 0 {
			t.expire(panel, object, ended[:min(n, MaxDots)])
		}
	}
}

// sweeps reports whether d is this leader's to delete, and now: a deletion that
// a stamp resolver would not let win would change nothing, and be made again and
// again. A value from a faster clock waits until ours has passed it.
func (t *turn) sweeps(object *resolve.Object, d logical.Dot) bool {
	if d.Origin != t.st.Origin && !slices.Contains(t.cfg.Lives, d.Origin) {
		return false
	}
	i, ok := object.Find(d)
	if !ok {
		return false
	}
	v := &object.Versions[i]
	return v.Wall.Before(t.m.Wall) && v.HLC.Compare(t.st.HLC.Next(int64(t.now()))) < 0
}
