package world

import (
	"maps"
	"slices"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/merge"
	"kvd/scenarios/script"
)

// What has a deadline ends by an op that no client asked for: the leader that accepted it
// deletes it, once it is told to look (replica.Sweep). Real leaders look through their keys
// all the time; here they are told of the key when its deadline comes, and again until
// nothing of it has a deadline any more. That is news, so leaders are awake for it.

// The first look is this long after the deadline, and each one after that twice as long after
// the one before: agreed time may be behind true time, and whose value it is may be down.
const (
	firstLook = 100 * time.Millisecond
	lastLook  = time.Minute
	// afterChange is when a leader looks once more after its clock was changed: by then it
	// has compared it with the others'.
	afterChange = time.Second
)

// touch is what an operation makes of what its leader shows.
func (op *operation) touch(p replica.Present) (replica.Write, error) {
	w := replica.Write{Verb: replica.Touch}
	if op.Kind == script.OpExpire {
		w.Expires = p.Now.Midpoint().Add(op.TTL)
	}
	return w, nil
}

// noteDeadline plans to look at the op's key when its deadline has come.
func (w *World) noteDeadline(op *resolve.Op) {
	if op.Expires == 0 || op.IsExpiry() {
		return
	}
	deadline := op.Expires.Sub(zero)
	if first, known := w.expiring[op.Key]; !known || deadline < first {
		w.expiring[op.Key] = deadline
	}
	w.at(deadline, func() { w.look(op.Key, firstLook) })
}

// look has all leaders end what they can of the key, and looks again while any has more.
func (w *World) look(key string, pause time.Duration) {
	left := false
	for _, n := range w.names {
		l := w.leaders[n]
		if l.pump == nil {
			left = true // it may come back with a value that ends
			continue
		}
		if len(replica.Due(w.cfg.Policy.Panel(key), l.pump.Reader().Object(key), w.instant(), anybodys)) > 0 {
			left = true
			w.noteNews()
			l.receive(replica.Sweep{Keys: []string{key}})
		}
	}
	if left {
		w.after(pause, func() { w.look(key, min(2*pause, lastLook)) })
	}
}

// sweepAll has a leader look at all keys that ever had a deadline, as real ones do all the
// time: its clock was changed.
func (l *leader) sweepAll() {
	if len(l.w.expiring) == 0 {
		return
	}
	for _, d := range [...]time.Duration{0, afterChange} {
		l.w.after(d, func() {
			l.w.noteNews()
			l.receive(replica.Sweep{Keys: slices.Sorted(maps.Keys(l.w.expiring))})
		})
	}
}

// told is what the oracle is told that a leader showed. Between its deadline and the op that
// ends it a value is there and no read shows it; which leaders have that op is no matter of
// what they acknowledged. So of such a reading the oracle is told what the leader holds.
// Before any deadline of the key can have come it is told what was shown, so that a value that
// is hidden too early contradicts what was acknowledged.
func (w *World) told(leader, key string, r resolve.Reading) history.Reading {
	first, expiring := w.expiring[key]
	if l := w.leaders[leader]; expiring && w.now >= first-afterChange && l.pump != nil && w.hides(key, &r) {
		r = l.reads(key)
	}
	return reading(r)
}

// hides reports whether the reading names values that it does not show.
func (w *World) hides(key string, r *resolve.Reading) bool {
	values := map[merge.Request]bool{} // duplicates of one request are shown once
	for _, d := range r.Dots {
		if k := w.known[d]; k.kind == resolve.Put || k.kind == resolve.Add {
			values[k.request] = true
		}
	}
	if w.cfg.Policy.Panel(key).Serving == resolve.Counter {
		return len(r.Values) == 0 && len(values) > 0
	}
	return len(r.Values) < len(values)
}

func anybodys(logical.Origin) bool { return true }

// tellEnd gives the oracle the end of values: a deletion by the leader itself, which nobody
// is told of.
func (w *World) tellEnd(l *leader, op *resolve.Op, after *resolve.Reading) {
	var ended []string
	for _, d := range op.Parents {
		ended = append(ended, w.Label(d))
	}
	label := "end of " + strings.Join(ended, ", ")
	k := w.known[op.Dot]
	k.label = label
	w.known[op.Dot] = k
	id := "end." + op.Dot.String()
	w.History.Sent(w.now, history.Request{ID: id, Label: label, Client: l.name, Leader: l.name, Key: op.Key, Verb: script.OpDelete, Exact: true, Shown: op.Parents})
	a := history.Acceptance{Dot: op.Dot, Over: op.Parents, Unseen: after == nil}
	if after != nil {
		a.After = w.told(l.name, op.Key, *after)
	}
	w.History.Accepted(w.now, l.name, id, a)
}
