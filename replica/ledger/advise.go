package ledger

import (
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
	case Undone:
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
	case Undone:
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

// Advice is one sentence and what it rests on.
type Advice struct {
	Prefix   string
	Serving  resolve.ID
	Better   resolve.ID
	Sentence string
	Evidence []string
}

// Text is the sentence with its evidence.
func (a *Advice) Text() string {
	return a.Sentence + " (" + strings.Join(a.Evidence, "; ") + ")"
}

// manySiblings is how many values one key may show before somebody should merge
// them.
const manySiblings = 8

// Advise says what would serve the prefix better; false: nothing measured says
// that anything would.
func (s *Stats) Advise() (Advice, bool) {
	a := Advice{Prefix: s.Prefix, Serving: s.Serving}
	lost := s.Lost[s.Serving]
	numbers := lost.Increments + lost.Alike
	switch {
	case numbers > 0 && s.Others == 0:
		a.Better = resolve.Counter
		a.Sentence = fmt.Sprintf("%s under %s: a counter would have lost none.", s.lostIncrements(lost), s.Serving)
	case numbers > 0 && numbers*2 >= lost.Total():
		a.Better = resolve.Counter
		a.Sentence = fmt.Sprintf("%s under %s; a counter would have lost none of them, but the prefix holds other values too: give the numbers a prefix of their own.", s.lostIncrements(lost), s.Serving)
	case lost.Total() > 0:
		return s.keepMore(a, lost)
	case s.Siblings >= manySiblings:
		a.Better = resolve.Causal
		a.Sentence = fmt.Sprintf("One key shows %d values under %s: clients do not merge what they are shown; let them write with the token they read with, or serve the prefix by causal, which shows one.", s.Siblings, s.Serving)
	default:
		return Advice{}, false
	}
	a.Evidence = s.evidence(a.Better)
	return a, true
}

// keepMore looks for who loses less.
func (s *Stats) keepMore(a Advice, lost Losing) (Advice, bool) {
	a.Better = resolve.Siblings
	if better, ok := s.single(lost); ok {
		a.Better = better
		a.Sentence = fmt.Sprintf("%s under %s: %s, which shows one value as well, would have lost %d; siblings would have lost none.",
			s.lostOf(lost.Total(), "write"), s.Serving, better, s.Lost[better].Total())
	} else {
		a.Sentence = fmt.Sprintf("%s under %s: siblings would have lost none, and clients would have been shown the values to merge.",
			s.lostOf(lost.Total(), "write"), s.Serving)
	}
	a.Evidence = s.evidence(a.Better)
	return a, true
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

func (s *Stats) lostOf(n int, one string) string { return s.lostHere(count(n, one)) }

func (s *Stats) lostIncrements(lost Losing) string {
	var said []string
	if lost.Increments > 0 {
		said = append(said, count(lost.Increments, "increment"))
	}
	switch {
	case lost.Alike == 1:
		said = append(said, "1 write that looks like an increment")
	case lost.Alike > 0:
		said = append(said, count(lost.Alike, "write")+" that look like increments")
	}
	return s.lostHere(joined(said))
}

func (s *Stats) lostHere(what string) string {
	said := what + " lost"
	if s.Prefix != "" {
		said += " on " + word([]byte(s.Prefix))
	}
	return said
}

// evidence is the numbers behind the sentence.
func (s *Stats) evidence(better resolve.ID) []string {
	lost := s.Lost[s.Serving]
	alike := ""
	if s.Alike > 0 {
		alike = fmt.Sprintf("%d that look like increments, ", s.Alike)
	}
	out := []string{fmt.Sprintf("%d writes accepted, %d of them increments, %s%d blind", s.Writes, s.Increments, alike, s.Blind)}
	if lost.Total() > 0 {
		out = append(out, fmt.Sprintf("%d inverted and %d concurrent under %s", lost.Inverted, lost.Concurrent, s.Serving))
	}
	if better.Loses() && s.Panel.Has(better) {
		out = append(out, fmt.Sprintf("%d lost by %s, which watched", s.Lost[better].Total(), better))
	}
	if s.Evicted > 0 {
		out = append(out, fmt.Sprintf("%s of this leader's ledger given up, of this prefix or others: what they told of is not counted", count(int(s.Evicted), "row")))
	}
	if s.Siblings > 1 {
		out = append(out, fmt.Sprintf("up to %d values at once", s.Siblings))
	}
	return out
}

// Measure gathers what Advise needs, for keys that begin with each prefix; the
// longest counts. It reads the whole log, the ledger, and the objects of keys
// that the ledger names.
func (a *Account) Measure(prefixes []string) ([]Stats, error) {
	m := measuring{Account: a}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(prefixes))) {
		panel := a.cfg.Policy.Panel(p)
		m.stats = append(m.stats, Stats{Prefix: p, Serving: panel.Serving, Panel: panel.Mask(), Evicted: a.cfg.Evicted[panel.Serving]})
	}
	read, all := 0, float64(a.logged())
	err := a.each(func(op *resolve.Op) {
		if read++; read%scanOps == 0 {
			a.tell(float64(read) / all)
		}
		m.op(op)
	})
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	if err := a.ledger.LossesFrom("", logical.Dot{}, m.loss); err != nil || m.err != nil {
		return nil, fmt.Errorf("measure: %w", firstOf(err, m.err))
	}
	return m.stats, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// measuring is a measurement under way.
type measuring struct {
	*Account
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

func (m *measuring) op(op *resolve.Op) {
	if s := m.of(op.Key); s != nil {
		s.Observe(op)
	}
}

func (m *measuring) loss(l resolve.Loss) bool {
	s := m.of(l.Key)
	if s == nil {
		return true
	}
	if l.Loser != m.lost { // rows come by key and dot
		if m.lost = l.Loser; !m.read() {
			return false
		}
	}
	s.ObserveLoss(&l, m.lostOp)
	if m.shown != l.Key { // rows come by key
		m.shown = l.Key
		m.values(s, l.Key)
	}
	return m.err == nil
}

// read looks up the loser: every resolver that lost it counts it.
func (m *measuring) read() bool {
	m.lostOp, _, m.err = m.reader.Op(m.lost)
	return m.err == nil
}

// values counts what a key shows.
func (m *measuring) values(s *Stats, key string) {
	q := m.about(key)
	reading, _ := q.panel.ReadAt(q.object, q, m.cfg.deadlines())
	s.ObserveKey(len(reading.Values))
	m.err = firstOf(m.err, q.err)
}
