package blackbox

import (
	"cmp"
	"slices"

	"kvd/resolve"
	"kvd/wallclock"
)

// Relation is how a lost update stands to what survives.
type Relation string

// The relations.
const (
	Inverted   Relation = "inverted"   // its author had been shown what survives
	Concurrent Relation = "concurrent" // its author had not
	Unrelated  Relation = "unknown"    // what it went over nobody observed, or what survives is not known
)

// Loss is one acknowledged update that is gone.
type Loss struct {
	Line         int
	Client, Node string
	Key          string
	Verb         Verb
	Value        string // of an Incr: the number it was answered
	Start, End   wallclock.Instant
	Relation     Relation
	By           *Survivor // nil: nothing survives, or what does is not known
}

// Survivor is an update that survives in place of a lost one.
type Survivor struct {
	Line   int
	Client string
	Node   string
	Value  string
	End    wallclock.Instant
}

// survivors is the updates that are shown at the end and that no other such update went
// over; none where that is not known.
func (h *keyHistory) survivors() []int32 {
	under := make([]bool, len(h.updates))
	for i := range h.updates {
		if h.updates[i].fate == present {
			for _, p := range h.updates[i].parents {
				under[p] = true
			}
		}
	}
	var top []int32
	for i := range h.updates {
		if h.updates[i].fate == present && !under[i] {
			top = append(top, int32(i))
		}
	}
	return top
}

// relate says of each lost update how it stands to the survivors, and lists it while there
// is room.
func (h *keyHistory) relate(r *KindReport, list func(Loss), names *names) {
	top := h.survivors()
	below := h.descendants(top)
	for i := range h.updates {
		u := &h.updates[i]
		if u.fate != lost || u.outcome != Acked {
			continue
		}
		relation := h.relation(int32(i), top, below)
		switch relation {
		case Inverted:
			r.Inverted++
		case Concurrent:
			r.Concurrent++
		default:
			r.Unrelated++
		}
		l := Loss{Line: int(u.line), Client: names.clients[u.client], Node: names.nodes[u.node], Key: h.key, Verb: u.verb, Value: u.value, Start: u.start, End: u.end, Relation: relation}
		if u.verb == Incr && len(u.shown) == 1 {
			l.Value = u.shown[0]
		}
		if by := h.victor(u, top); by != nil {
			l.By = &Survivor{int(by.line), names.clients[by.client], names.nodes[by.node], h.written(by.entry), by.until}
		}
		list(l)
	}
}

// descendants is the updates whose authors had been shown one of some others.
func (h *keyHistory) descendants(of []int32) []bool {
	below := make([]bool, len(h.updates))
	for i := range h.updates { // parents come first, but for those beside
		for _, p := range h.updates[i].parents {
			if below[p] || slices.Contains(of, p) {
				below[i] = true
				break
			}
		}
	}
	return below
}

func (h *keyHistory) relation(i int32, top []int32, below []bool) Relation {
	u := &h.updates[i]
	switch {
	case len(top) == 0:
		return Unrelated
	case below[i]:
		return Inverted
	case len(u.maybe) > 0:
		return Unrelated
	case u.blind() && slices.ContainsFunc(top, func(t int32) bool { return h.updates[t].start < u.until && h.updates[t].node != u.node }):
		return Unrelated
	}
	return Concurrent
}

// victor is the survivor that is named beside a lost update: the first that was begun
// after it, else the last.
func (h *keyHistory) victor(u *update, top []int32) *update {
	if len(top) == 0 {
		return nil
	}
	at, _ := slices.BinarySearchFunc(top, u.middle(), func(t int32, m wallclock.Instant) int { return cmp.Compare(h.updates[t].middle(), m) })
	return &h.updates[top[min(at, len(top)-1)]]
}

// bound adds what the key says of the clocks: last-write-wins would have kept the one
// survivor only if its stamp was above those of all other updates.
func (h *keyHistory) bound(c *clockBounds) {
	top := h.survivors()
	if len(top) != 1 || h.kind == SetKey && !h.overwritten() {
		return
	}
	s := &h.updates[top[0]]
	c.keys++
	for i := range h.updates {
		u := &h.updates[i]
		if int32(i) == top[0] || u.fate == unknown {
			continue
		}
		c.add(u.node, s.node, int64(u.start-s.until), int(u.line), int(s.line))
	}
}

// overwritten reports whether a set was written as a whole each time.
func (h *keyHistory) overwritten() bool {
	return !slices.ContainsFunc(h.updates, func(u update) bool { return !u.exact() })
}

// resolvers is who can judge the key: a counter adds numbers.
func (h *keyHistory) resolvers() resolve.Mask {
	if h.kind == CounterKey {
		return resolve.All
	}
	return resolve.All &^ resolve.Counter.Mask()
}
