package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvd/logical"
	"kvd/resolve"
)

// Stats is what was measured of the keys under one prefix.
type Stats struct {
	Prefix  string
	Serving resolve.ID
	Panel   resolve.Mask // who has judged: only they have losses to count

	Writes     int // accepted, deletions among them
	Blind      int // plain or exact writes whose author had been shown nothing
	Deletes    int
	Increments int // additions
	Alike      int // writes that look like increments: of a number a little off the one that was read
	Numbers    int // other writes of a number
	Others     int // all other writes

	Lost       [16]Losing // by resolver
	Siblings   int        // most values one key shows
	Conflicted int        // keys that show more than one
	// Evicted is how many rows of the serving resolver's the ledger has given up, of
	// whatever prefix: what they told of is not among Lost.
	Evicted int64
}

// Losing is what one resolver lost.
type Losing struct {
	Inverted, Concurrent int
	Increments           int // of these: additions
	Alike                int // of these: writes that look like increments
	Deletes              int // of these
}

// Total is all of it.
func (l Losing) Total() int { return l.Inverted + l.Concurrent }

// Observe counts an accepted op.
func (s *Stats) Observe(op *resolve.Op) {
	s.Writes++
	if len(op.Parents) == 0 {
		s.Blind++
	}
	switch classOf(op.Kind, op.Delta.Clamp(), len(op.Parents)) {
	case Deletion:
		s.Deletes++
	case Increment:
		countIncrement(op, &s.Increments, &s.Alike)
	default:
		if _, err := strconv.ParseInt(string(op.Value), 10, 64); err == nil {
			s.Numbers++
		} else {
			s.Others++
		}
	}
}

// ObserveLoss counts a row of the ledger; op is nil when the log no longer holds
// it.
func (s *Stats) ObserveLoss(l *resolve.Loss, op *resolve.Op) {
	if int(l.Resolver) >= len(s.Lost) {
		return
	}
	x := &s.Lost[l.Resolver]
	if l.Relation == resolve.Inverted {
		x.Inverted++
	} else {
		x.Concurrent++
	}
	if op == nil {
		return
	}
	switch classOf(op.Kind, op.Delta.Clamp(), len(op.Parents)) {
	case Deletion:
		x.Deletes++
	case Increment:
		countIncrement(op, &x.Increments, &x.Alike)
	}
}

// countIncrement keeps apart what was asked for and what only looks like it.
func countIncrement(op *resolve.Op, added, alike *int) {
	if op.Kind == resolve.Add {
		*added++
	} else {
		*alike++
	}
}

// ObserveKey counts how many values a key shows.
func (s *Stats) ObserveKey(values int) {
	s.Siblings = max(s.Siblings, values)
	if values > 1 {
		s.Conflicted++
	}
}

// Advice is which resolver would serve a prefix better, by what was measured of it.
type Advice struct {
	*Stats
	Better  resolve.ID
	Because Cause
}

// Cause is what an advice rests on.
type Cause uint8

// The causes.
const (
	// LostIncrements: numbers were lost that a counter adds up, and the prefix holds
	// nothing else.
	LostIncrements Cause = 1 + iota
	// LostAmongOthers: as before, and the prefix holds other values too.
	LostAmongOthers
	// LosesLess: another resolver that shows one value lost clearly less.
	LosesLess
	// LosesNone: only one that keeps all versions would not have lost.
	LosesNone
	// NobodyMerges: one key shows very many values.
	NobodyMerges
)

// manySiblings is how many values one key may show before somebody should merge
// them.
const manySiblings = 8

// Advise says what would serve the prefix better; false: nothing measured says
// that anything would.
func (s *Stats) Advise() (Advice, bool) {
	lost := s.Lost[s.Serving]
	numbers := lost.Increments + lost.Alike
	switch {
	case numbers > 0 && s.Others == 0:
		return Advice{s, resolve.Counter, LostIncrements}, true
	case numbers > 0 && numbers*2 >= lost.Total():
		return Advice{s, resolve.Counter, LostAmongOthers}, true
	case lost.Total() > 0:
		if better, ok := s.single(lost); ok {
			return Advice{s, better, LosesLess}, true
		}
		return Advice{s, resolve.Siblings, LosesNone}, true
	case s.Siblings >= manySiblings:
		return Advice{s, resolve.Causal, NobodyMerges}, true
	}
	return Advice{}, false
}

// single is whoever shows one value, was on the panel, and lost clearly less: by
// a tenth at least.
func (s *Stats) single(lost Losing) (resolve.ID, bool) {
	best, found := resolve.ID(0), false
	for _, id := range [...]resolve.ID{resolve.Causal, resolve.HLC, resolve.Lamport} {
		n := s.Lost[id].Total()
		if id == s.Serving || !s.Panel.Has(id) || n*10 > lost.Total()*9 {
			continue
		}
		if !found || n < s.Lost[best].Total() {
			best, found = id, true
		}
	}
	return best, found
}

// Measure gathers what Advise needs, for keys that begin with each prefix; the
// longest counts. It reads the whole log, the ledger, and the objects of keys
// that the ledger names.
func (r *Reader) Measure(prefixes []string) ([]Stats, error) {
	m := measuring{Reader: r}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(prefixes))) {
		panel := r.cfg.Policy.Panel(p)
		m.stats = append(m.stats, Stats{Prefix: p, Serving: panel.Serving, Panel: panel.Mask(), Evicted: r.cfg.Evicted[panel.Serving]})
	}
	err := r.each(func(op *resolve.Op) {
		if s := m.of(op.Key); s != nil {
			s.Observe(op)
		}
	}, r.tell)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	if err := r.ledger.LossesFrom("", logical.Dot{}, m.loss); err != nil || m.err != nil {
		return nil, fmt.Errorf("measure: %w", cmp.Or(err, m.err))
	}
	return m.stats, nil
}

type measuring struct {
	*Reader
	stats []Stats
	shown string // the last key whose values have been counted
	err   error

	lost   logical.Dot // the last loser, and its op
	lostOp *resolve.Op
}

// of is the statistics of the longest prefix of key.
func (m *measuring) of(key string) *Stats {
	for i := len(m.stats) - 1; i >= 0; i-- {
		if strings.HasPrefix(key, m.stats[i].Prefix) {
			return &m.stats[i] // of two prefixes of one key the longer sorts later
		}
	}
	return nil
}

func (m *measuring) loss(l resolve.Loss) bool {
	s := m.of(l.Key)
	if s == nil {
		return true
	}
	if l.Loser != m.lost { // rows come by key and dot, and every resolver that lost it counts it
		m.lost = l.Loser
		if m.lostOp, _, m.err = m.store.Op(m.lost); m.err != nil {
			return false
		}
	}
	s.ObserveLoss(&l, m.lostOp)
	if m.shown != l.Key { // rows come by key
		m.shown = l.Key
		q := m.about(l.Key)
		reading, _ := q.panel.ReadAt(q.object, q, m.cfg.deadlines())
		s.ObserveKey(len(reading.Values))
		m.err = q.err
	}
	return m.err == nil
}
