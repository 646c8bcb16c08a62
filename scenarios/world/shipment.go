package world

import (
	"kvd/logical"
	"kvd/resolve"
	"kvd/scenarios/trace"
)

// shipments is, for one path, the trace's last event of each op's journey there.
type shipments struct {
	origins map[logical.Origin][]lastEvent // by sequence less one
}

// lastEvent is the index of an event and whether it was dropped; zero: none.
type lastEvent uint32

func eventAt(index int, kind trace.Kind) lastEvent {
	t := lastEvent(index+1) << 1
	if kind == trace.Missed {
		t |= 1
	}
	return t
}

func (t lastEvent) index() int { return int(t>>1) - 1 }

// shipment records that an op goes from one leader to another. What goes again and
// again in vain is in the trace once, with how often: ops that nobody acknowledges are sent
// again for as long as that lasts.
func (w *World) shipment(from, to string, op *resolve.Op, kind trace.Kind) {
	s := w.sent[path{from, to}]
	if s == nil {
		s = &shipments{origins: map[logical.Origin][]lastEvent{}}
		w.sent[path{from, to}] = s
	}
	last := s.last(op.Dot)
	if *last != 0 && *last == eventAt(last.index(), kind) && (kind == trace.Missed || w.vain(to, op.Dot)) {
		w.Trace.Repeat(last.index(), w.now)
		return
	}
	*last = eventAt(w.Trace.Add(trace.Event{At: w.now, Kind: kind, Where: from, Peer: to, Label: w.Label(op.Dot), Key: op.Key}), kind)
}

// last is where the op's last event is remembered. Sequences have no gaps.
func (s *shipments) last(d logical.Dot) *lastEvent {
	all := s.origins[d.Origin]
	for len(all) < int(d.Seq) {
		all = append(all, 0)
	}
	s.origins[d.Origin] = all
	return &all[d.Seq-1]
}

// vain reports whether what is sent to the leader now tells it nothing: it has the
// op, it does not run, or it has not read what was sent before.
func (w *World) vain(to string, d logical.Dot) bool {
	l := w.leaders[to]
	return !l.awake() || l.pump.State().Frontier.Covers(d)
}
