package replay

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"kvd/resolve"
)

// Source is a history that can be gone through repeatedly, in an order that
// respects causality: [Merged] is one.
type Source interface {
	All() iter.Seq[*resolve.Op]
	// Err is why the last time ended early; nil: it did not.
	Err() error
}

// Study is a replay and a loss curve that get by with little memory. Keys know
// nothing of each other, so the history is gone through as often as it must be,
// each time for some of the keys, and what is found is added up: the same
// whatever the number of passes.
type Study struct {
	Config
	Curve  Curve // Draws zero: none is wanted
	Ops    int   // how many the source has at most; zero: that is not known
	Memory int64 // bytes that may be held, beside garbage; zero: any number
}

// Findings is what a study came to.
type Findings struct {
	Result
	Points []Point // of the curve
	Passes int     // how often the history was gone through
}

// errFull ends a pass that would take too much memory.
var errFull = errors.New("no more fits into memory")

// Validate says what is wrong with the first setting that makes no sense.
func (s *Study) Validate() error {
	if s.Memory < 0 {
		return fmt.Errorf("study: %d bytes of memory are too few", s.Memory)
	}
	err := s.Config.Validate()
	if err == nil && s.Curve.Draws != 0 {
		err = s.Curve.Validate()
	}
	return err
}

// Run goes through the source. It fails with the source's error, where the order
// is not causal, and when a single key takes more than all memory.
func (s Study) Run(src Source) (*Findings, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	found := &Findings{Result: Result{listed: s.Differences}}
	for todo := s.parts(); len(todo) > 0; {
		p := todo[0]
		todo = todo[1:]
		found.Passes++
		pass, err := s.pass(src, p)
		switch {
		case errors.Is(err, errFull):
			todo = append(todo, p.halves()...)
		case err != nil:
			return nil, err
		default:
			found.add(pass)
		}
	}
	return found, nil
}

// add is both findings together, of different keys.
func (f *Findings) add(o *Findings) {
	f.Result.Add(&o.Result)
	if f.Points == nil {
		f.Points = o.Points
		return
	}
	for i := range f.Points {
		f.Points[i].add(&o.Points[i])
	}
}

// parts is as many as the ops are likely to need.
func (s *Study) parts() []part {
	n := uint64(1)
	if s.Memory > 0 {
		n = max(1, uint64(math.Ceil(float64(s.Ops)*float64(s.perOp()+likelyMore)/float64(s.Memory))))
	}
	all := make([]part, n)
	for i := range all {
		all[i] = part{uint64(i), n}
	}
	return all
}

// part is the keys whose hash leaves n when divided by of.
type part struct{ n, of uint64 }

// halves is the part in two: both together hold the same keys.
func (p part) halves() []part { return []part{{p.n, 2 * p.of}, {p.n + p.of, 2 * p.of}} }

func (p part) has(key string) bool {
	return p.of == 1 || hash(key)%p.of == p.n
}

// hash is FNV-1a with the finaliser of MurmurHash3.
func hash(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// pass replays the keys of one part.
func (s *Study) pass(src Source, p part) (*Findings, error) {
	r := newReplayer(s.Config)
	curve := skewed{past: r.past}
	for op := range src.All() {
		if !p.has(op.Key) {
			continue
		}
		if err := r.apply(op); err != nil {
			return nil, err
		}
		if s.Curve.Draws > 0 && op.Kind != resolve.Touch {
			curve.note(op)
		}
		if s.Memory > 0 && r.past.entries.len()%checkEvery == 0 && s.held(r) > s.Memory {
			return nil, r.full(s.Memory)
		}
	}
	if err := src.Err(); err != nil {
		return nil, err
	}
	if s.Memory > 0 && s.held(r) > s.Memory {
		return nil, r.full(s.Memory)
	}
	found := &Findings{Result: *r.result()}
	if s.Curve.Draws > 0 {
		found.Points = curve.points(s.Curve)
	}
	return found, nil
}

// full is errFull unless dividing the keys would not help.
func (r *replayer) full(memory int64) error {
	if len(r.past.keys) > 1 {
		return errFull
	}
	return fmt.Errorf("study: the history of key %.64q alone takes more than %d bytes of memory; allow more", r.past.keys[0], memory)
}

// What is held, in bytes as measured. Lists that grow by doubling are counted at
// three quarters full.
const (
	entryBytes         = 64 + 4*4/3 + 2*2 // with its place in the log and two marks
	edgeBytes          = 4
	acceptanceBytes    = 32 + 4 // stamps, and the way back to the key's op before
	curveBytes         = 8 + 2
	keyBytes           = 16 + 56 + 80 + 32 // name, table, state, order
	acceptanceKeyBytes = 88 + 16
	curveKeyBytes      = 24 + 32
	versionBytes       = 176
	requestBytes       = 72
	leaderBytes        = 256
	likelyMore         = 40 // of an op: its share of edges, keys and versions
	checkEvery         = 1 << 12
)

// perOp is what every op takes.
func (s *Study) perOp() int64 {
	n := int64(entryBytes)
	if s.Config.needsAcceptances() {
		n += acceptanceBytes
	}
	if s.Curve.Draws > 0 {
		n += curveBytes
	}
	return n
}

// held is what a replay under way takes, about.
func (s *Study) held(r *replayer) int64 {
	keys := int64(len(r.past.keys))
	n := int64(r.past.entries.len())*s.perOp() + int64(r.past.edges.len())*edgeBytes +
		keys*keyBytes + int64(len(r.past.requests))*requestBytes + r.kept
	if r.acceptances != nil {
		n += keys*acceptanceKeyBytes + int64(r.acceptances.states)*leaderBytes
	}
	if s.Curve.Draws > 0 {
		n += keys * curveKeyBytes
	}
	return n
}

// weight is what an object's versions take, and its values.
func weight(o *resolve.Object) int64 {
	n := int64(cap(o.Versions)) * versionBytes
	for i := range o.Versions {
		n += int64(cap(o.Versions[i].Value))
	}
	return n
}

// Add is both results together, of different keys.
func (r *Result) Add(o *Result) {
	r.Ops += o.Ops
	r.Touches += o.Touches
	r.Keys += o.Keys
	r.Beyond += o.Beyond
	for i := range o.Outcomes {
		j, known := slices.BinarySearchFunc(r.Outcomes, o.Outcomes[i].Resolver, func(a Outcome, id resolve.ID) int { return int(a.Resolver) - int(id) })
		if !known {
			r.Outcomes = slices.Insert(r.Outcomes, j, Outcome{Resolver: o.Outcomes[i].Resolver})
		}
		r.Outcomes[j].add(&o.Outcomes[i], r.listed)
	}
}

// add is both outcomes together; of their differences the first by key stay.
func (o *Outcome) add(p *Outcome, listed int) {
	for _, n := range [...]struct {
		to   *int
		more int
	}{
		{&o.Keys, p.Keys}, {&o.Accepted, p.Accepted}, {&o.Live, p.Live}, {&o.Superseded, p.Superseded},
		{&o.Inverted, p.Inverted}, {&o.Concurrent, p.Concurrent}, {&o.Deletes, p.Deletes}, {&o.Increments, p.Increments},
		{&o.Conflicted, p.Conflicted}, {&o.Holding, p.Holding}, {&o.Differ, p.Differ}, {&o.Unrecorded, p.Unrecorded},
	} {
		*n.to += n.more
	}
	o.Siblings, o.Metadata = max(o.Siblings, p.Siblings), o.Metadata+p.Metadata
	o.Differences = append(o.Differences, p.Differences...)
	slices.SortFunc(o.Differences, func(a, b Difference) int { return strings.Compare(a.Key, b.Key) })
	o.Differences = slices.Clip(o.Differences[:min(len(o.Differences), listed)])
}
