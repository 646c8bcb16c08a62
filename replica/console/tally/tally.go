package tally

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// What is held at most. Keys longer than maxKey are counted by prefix and resolver alone.
const (
	maxKeys   = 256 // counters of keys
	maxRecent = 128 // losses of resolvers that serve, and as many of those that only watch
	maxKey    = 1 << 10
)

// Loss is one verdict about a lost write, or that takes one back.
type Loss struct {
	Number    uint64 // 1 for the first since the leader started
	At        wallclock.Instant
	Key       string
	Loser     logical.Dot
	Winner    logical.Dot // zero: it is not known
	Relation  resolve.Relation
	Resolvers resolve.Mask
	Serving   bool // one of the resolvers serves the key, so that clients lost the write
	Retracted bool // the write turned out not to be lost
}

// Cell is a rule of the policy and a resolver that judged keys of it.
type Cell struct {
	Prefix   string // empty: keys that no rule names
	Resolver resolve.ID
}

// Counts is how often that resolver lost a write there, and took that back.
type Counts struct{ Inverted, Concurrent, Retracted uint64 }

// Key is how many writes to one key were lost by the resolver that serves it.
type Key struct {
	Key  string
	Lost uint64 // at most, and at least Lost-Over
	Over uint64 // zero: Lost is exact
	Last wallclock.Instant
}

// Tally is the counts. It may be used from many goroutines.
type Tally struct {
	mu     sync.Mutex
	number uint64
	served uint64    // of these, losses of resolvers that serve
	recent [2][]Loss // by whether it serves; the oldest is overwritten
	next   [2]int
	cells  map[Cell]*Counts
	keys   map[string]*Key
}

// New is a tally of nothing.
func New() *Tally { return &Tally{cells: map[Cell]*Counts{}, keys: map[string]*Key{}} }

// Add counts a verdict about a key that a rule is for. A verdict that loses nothing and
// takes nothing back is passed over.
func (t *Tally) Add(key string, rule resolve.Rule, v resolve.Verdict, at wallclock.Instant) {
	if !v.Retracted && !v.Relation.Lost() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range v.Resolvers.Each {
		t.cell(Cell{rule.Prefix, id}).count(v)
	}
	serving := v.Resolvers.Has(rule.Resolver)
	t.number++
	if serving {
		t.served++
	}
	if len(key) > maxKey {
		return
	}
	t.remember(Loss{t.number, at, key, v.Loser, v.Winner, v.Relation, v.Resolvers, serving, v.Retracted})
	switch {
	case !serving:
	case v.Retracted:
		t.takeBack(key)
	default:
		k := t.key(key)
		k.Lost++
		k.Last = at
	}
}

func (t *Tally) cell(c Cell) *Counts {
	n := t.cells[c]
	if n == nil {
		n = &Counts{}
		t.cells[c] = n
	}
	return n
}

func (n *Counts) count(v resolve.Verdict) {
	switch {
	case v.Retracted:
		n.Retracted++
	case v.Relation == resolve.Inverted:
		n.Inverted++
	default:
		n.Concurrent++
	}
}

// remember keeps a loss in the place of the oldest of its kind.
func (t *Tally) remember(l Loss) {
	kind := 0
	if l.Serving {
		kind = 1
	}
	if ring := t.recent[kind]; len(ring) < maxRecent {
		t.recent[kind] = append(ring, l)
		return
	}
	t.recent[kind][t.next[kind]] = l
	t.next[kind] = (t.next[kind] + 1) % maxRecent
}

// key is the key's counter; a new key takes that of the key that lost least.
func (t *Tally) key(key string) *Key {
	k := t.keys[key]
	switch {
	case k != nil:
		return k
	case len(t.keys) < maxKeys:
		k = &Key{Key: key}
	default:
		least := t.least()
		delete(t.keys, least.Key)
		k = &Key{Key: key, Lost: least.Lost, Over: least.Lost}
	}
	t.keys[key] = k
	return k
}

// least is the key that lost least, and of those the greatest.
func (t *Tally) least() (least *Key) {
	for _, k := range t.keys {
		if least == nil || byLost(k, least) > 0 {
			least = k
		}
	}
	return least
}

// byLost orders keys by what they lost, most first.
func byLost(a, b *Key) int { return cmp.Or(cmp.Compare(b.Lost, a.Lost), cmp.Compare(a.Key, b.Key)) }

// takeBack lowers a key's count. One that is not counted any more has nothing to lower.
func (t *Tally) takeBack(key string) {
	k := t.keys[key]
	if k == nil || k.Lost == 0 {
		return
	}
	if k.Lost--; k.Lost == 0 {
		delete(t.keys, key)
		return
	}
	k.Over = min(k.Over, k.Lost)
}

// Snapshot is what was counted so far. Whoever took it owns it.
type Snapshot struct {
	Last   uint64 // the number of the last loss
	Served uint64 // how many so far are of resolvers that serve
	Recent []Loss // by number; the last of both kinds
	Cells  []Cell // by prefix and resolver
	Counts []Counts
	Keys   []*Key // that lost most first
}

// Snapshot copies the counts.
func (t *Tally) Snapshot() Snapshot {
	s := t.copied()
	slices.SortFunc(s.Recent, func(a, b Loss) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(s.Keys, byLost)
	return s
}

func (t *Tally) copied() Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Snapshot{Last: t.number, Served: t.served, Recent: slices.Concat(t.recent[0], t.recent[1])}
	s.Cells = slices.SortedFunc(maps.Keys(t.cells), func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.Resolver, b.Resolver))
	})
	for _, c := range s.Cells {
		s.Counts = append(s.Counts, *t.cells[c])
	}
	for _, k := range t.keys {
		own := *k
		s.Keys = append(s.Keys, &own)
	}
	return s
}
