package world

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// defaultDelay is how long a message takes when the script does not say.
const defaultDelay = time.Millisecond

// link is one direction between two leaders, or between a client and a leader.
type link struct {
	script.Quality
	cut    bool
	chance *rand.Rand
	fired  Fired
	last   time.Duration // when the message before arrives: links keep order unless told otherwise
}

// path is the direction of a link. Replies to a client go from the leader.
type path struct{ from, to string }

// link is the link of a path, made on first use.
func (w *World) link(p path) *link {
	l := w.links[p]
	if l == nil {
		l = &link{chance: w.chance("link " + p.from + ">" + p.to), fired: w.Fired}
		if !w.isClient(p.from) && !w.isClient(p.to) && w.mended&Links == 0 {
			l.Delay = defaultDelay
		}
		w.links[p] = l
	}
	return l
}

// chance is a source of its own for one purpose. Its hash stays FNV: what seeds have been
// written down for would play otherwise with another.
func (w *World) chance(purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(w.cfg.Seed, h.Sum64()))
}

// arrivals is when copies of a message sent now arrive: none if it is lost.
func (l *link) arrivals(now time.Duration) []time.Duration {
	if l.cut || l.happens(l.Loss.Fraction()) {
		l.fired["message lost"]++
		return nil
	}
	at := []time.Duration{l.arrival(now)}
	if l.happens(l.Duplicate.Fraction()) {
		l.fired["message duplicated"]++
		at = append(at, l.arrival(now))
	}
	return at
}

// arrival draws one delay. A message that is not overtaken never arrives before
// the one sent before it.
func (l *link) arrival(now time.Duration) time.Duration {
	at := now + l.Delay
	if l.Jitter > 0 {
		at += time.Duration(l.chance.Int64N(int64(l.Jitter)))
	}
	if l.happens(l.Reorder.Fraction()) {
		l.fired["message overtaken"]++
		return at + l.Delay + time.Duration(l.chance.Int64N(int64(4*l.Delay+1)))
	}
	l.last = max(l.last, at)
	return l.last
}

func (l *link) happens(p float64) bool { return p > 0 && l.chance.Float64() < p }

// send carries a message from one leader to another. The trace has ops on their way;
// heartbeats and acknowledgements are not part of the story.
func (w *World) send(from *leader, s replica.Send) {
	to := string(s.To)
	arrivals := w.link(path{from.name, to}).arrivals(w.now)
	enter := w.at
	switch m := s.Message.(type) {
	case *replica.Batch:
		ev := trace.Event{At: w.now, Kind: trace.Missed, Where: from.name, Peer: to}
		if len(arrivals) > 0 {
			ev.Kind, ev.Arrives = trace.Shipped, slices.Min(arrivals)
		}
		for _, op := range m.Ops {
			w.shipment(ev, op)
		}
	case *replica.Status:
		enter = w.routinely
	}
	in := replica.Received{From: replica.Leader(from.name), Message: w.carry(s.Message)}
	for _, at := range arrivals {
		enter(at, func() {
			if !w.refused(from.name, to) {
				w.leaders[to].receive(in)
			}
		})
	}
}

func (w *World) between(match func(from, to string) bool) []*link {
	var all []*link
	for _, a := range w.names {
		for _, b := range w.names {
			if a != b && match(a, b) {
				all = append(all, w.link(path{a, b}))
			}
		}
	}
	return all
}

// heal ends cuts, on one path or everywhere.
func (w *World) heal(p script.Path) {
	if !p.All() {
		w.link(path{p.From, p.To}).cut = false
		return
	}
	for _, l := range w.links {
		l.cut = false
	}
}

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

// shipment records that an op goes from one leader to another, as the event has it. What goes again and
// again in vain is in the trace once, with how often: ops that nobody acknowledges are sent
// again for as long as that lasts.
func (w *World) shipment(ev trace.Event, op *resolve.Op) {
	way := path{ev.Where, ev.Peer}
	s := w.sent[way]
	if s == nil {
		s = &shipments{origins: map[logical.Origin][]lastEvent{}}
		w.sent[way] = s
	}
	last := s.last(op.Dot)
	if *last != 0 && *last == eventAt(last.index(), ev.Kind) && (ev.Kind == trace.Missed || w.vain(way.to, op.Dot)) {
		w.Trace.Repeat(last.index(), w.now)
		return
	}
	ev.Label, ev.Key = w.Label(op.Dot), op.Key
	*last = eventAt(w.Trace.Add(ev), ev.Kind)
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
