package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Store is what one leader holds: *storage.Store is one, and *storage.Snapshot. What it gives is the caller's.
type Store interface {
	Object(key string) (*resolve.Object, error)
	Op(d logical.Dot) (*resolve.Op, bool, error)
	Duplicates(d logical.Dot) ([]logical.Dot, error)
	// Ops lists origin's ops from sequence number from on, ascending: at most maxOps, and
	// no more than have maxBytes of keys and values together; at least one if
	// there is one.
	Ops(origin logical.Origin, from logical.Seq, maxOps, maxBytes int) ([]*resolve.Op, error)
	BriefStore
	Conflicts
}

// Rows is the writes one leader knows to be lost.
type Rows interface {
	// LossesOf yields the rows of one key, by dot and resolver, until yield
	// answers false.
	LossesOf(key string, yield func(resolve.Loss) bool) error
	// LossesFrom yields the rows of key from dot d on and those of all keys after
	// it, by key, dot and resolver, until yield answers false. The empty key and
	// the zero dot are before all.
	LossesFrom(key string, d logical.Dot, yield func(resolve.Loss) bool) error
	// Evidence is what the row of d keeps of the write, for when the log no longer holds
	// it; false: nothing. Leader and Author are filled in by the [Reader].
	Evidence(key string, d logical.Dot) (Write, bool, error)
	// KeyOf is the key of the row of d, false if there is none. It may read as
	// much as there are rows: only who asks about a forgotten write needs it.
	KeyOf(d logical.Dot) (string, bool, error)
}

// BriefStore can leave out the end of a long value: a question may look at thousands of
// writes and show a little of each.
type BriefStore interface {
	// BriefOp is Op with no more than limit bytes of the value, and the size of the
	// whole.
	BriefOp(d logical.Dot, limit int) (op *resolve.Op, size int, found bool, err error)
}

// Conflicts knows of dots which a leader and its copy have given to two writes.
type Conflicts interface {
	// Settled yields those that are settled, each with the op that settles it, until
	// yield answers false.
	Settled(yield func(d, by logical.Dot) bool) error
	// SettledBy is the op that settles one; false: none does.
	SettledBy(d logical.Dot) (by logical.Dot, settled bool, err error)
	// ConflictsOf is what other leaders have under a dot of the log.
	ConflictsOf(d logical.Dot) ([]*resolve.Op, error)
}

// Names gives leaders and clients the names people know them by. An empty answer
// leaves the number.
type Names struct {
	Leader func(logical.Origin) string
	Client func(uint64) string
}

// Config is what a reader is told once.
type Config struct {
	Policy  resolve.Policy
	Names   Names
	Applied logical.Frontier // what the reader's state covers
	// Removed is what the log does not keep any more: history begins behind it.
	Removed logical.Frontier
	// OutOfReach says of a write that is not applied here whether nobody who can
	// be reached is known to have it; nil: that is not known.
	OutOfReach func(logical.Dot) bool
	Now        wallclock.Interval // the leader's clock
	Agreed     wallclock.Instant  // the time that deadlines go by; zero: the midpoint of Now
	HLC        logical.HLC        // the leader's, as of Applied
	// Evicted is how many rows the ledger has given up, by resolver. Above zero, that
	// there is no row of a write does not say that it is not lost.
	Evicted [16]int64

	Past  int // overwritten versions that Why tells of, at most
	Lost  int // lost writes that Why chooses of each resolver's, at most
	Steps int // ops that one question may look at in one search for an answer
	Value int // bytes of a value that answers carry, at most
}

// Defaults are sensible for people; policy, names and state remain to be given.
func Defaults() Config { return Config{Past: 8, Lost: 16, Steps: 20_000, Value: 256} }

// Validate says what is wrong with the first setting that makes no sense. It
// sorts the policy's rules.
func (c *Config) Validate() error {
	switch {
	case c.Past < 0 || c.Lost < 0 || c.Value < 0:
		return errors.New("ledger: Past, Lost and Value must not be negative")
	case c.Steps <= 0:
		return errors.New("ledger: Steps must be above zero; say how many ops one question may read")
	}
	return c.Policy.Validate()
}

// Reader answers for one leader. It may be used by one goroutine at a time.
type Reader struct {
	cfg    Config
	store  Store
	ledger Rows

	progress func(done float64)
}

// Watch lets progress be told how much of [Reader.Audit] or [Reader.Measure] is
// done, from 0 to 1, again and again while they work.
func (r *Reader) Watch(progress func(done float64)) { r.progress = progress }

func (r *Reader) tell(done float64) {
	if r.progress != nil {
		r.progress(min(done, 1))
	}
}

// New reads what a leader holds.
func New(c Config, r Store, l Rows) (*Reader, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Reader{cfg: c, store: r, ledger: l}, nil
}

// question is one question about one key under way. The first failed read sticks;
// after it every answer is worthless.
type question struct {
	*Reader
	panel  resolve.Panel
	object *resolve.Object
	rows   map[logical.Dot][]resolve.Loss // of writes that were asked about: a key may have any number
	ops    map[logical.Dot]entry
	over   map[logical.Dot][]overwrite          // who named a dot; nil: not looked for yet
	saw    map[logical.Dot]map[logical.Dot]bool // of a dot, whose authors had been shown it
	under  map[resolve.ID]map[logical.Dot]bool  // what the survivors had seen, where it was asked
	steps  int
	err    error
}

type entry struct {
	op   *resolve.Op // its value truncated to Config.Value; nil: it is not there
	size int         // of the whole value
}

type overwrite struct {
	dot    logical.Dot
	hidden bool // its leader held the other and did not show it
}

func (r *Reader) about(key string) *question {
	q := &question{Reader: r, panel: r.cfg.Policy.Panel(key), steps: r.cfg.Steps,
		object: &resolve.Object{Key: key}, rows: map[logical.Dot][]resolve.Loss{}, ops: map[logical.Dot]entry{},
		saw: map[logical.Dot]map[logical.Dot]bool{}, under: map[resolve.ID]map[logical.Dot]bool{}}
	o, err := r.store.Object(key)
	if q.fail(err); err == nil {
		q.object = o
	}
	return q
}

func (q *question) fail(err error) {
	if q.err == nil && err != nil {
		q.err = fmt.Errorf("ask about %.64q: %w", q.object.Key, err)
	}
}

var _ resolve.History = (*question)(nil)

// Op is the op with dot d, read once, without the end of a long value: one
// question may look at thousands.
func (q *question) Op(d logical.Dot) (*resolve.Op, bool) {
	e, ok := q.ops[d]
	if !ok {
		op, size, found, err := q.store.BriefOp(d, q.cfg.Value)
		if q.fail(err); err != nil || !found {
			op = nil
		}
		e = entry{op, size}
		q.ops[d] = e
	}
	return e.op, e.op != nil
}

// losses is what the ledger says of d, by resolver, read once.
func (q *question) losses(d logical.Dot) []resolve.Loss {
	rows, ok := q.rows[d]
	if ok {
		return rows
	}
	q.fail(q.ledger.LossesFrom(q.object.Key, d, func(l resolve.Loss) bool {
		if l.Key != q.object.Key || l.Loser != d {
			return false
		}
		if q.panel.Mask().Has(l.Resolver) {
			rows = append(rows, l)
		}
		return true
	}))
	q.rows[d] = rows
	return rows
}

// Lost is the resolvers under which the ledger holds d as lost.
func (q *question) Lost(_ string, d logical.Dot) resolve.Mask {
	var m resolve.Mask
	for _, l := range q.losses(d) {
		m |= l.Resolver.Mask()
	}
	return m
}

// survivors is the dots that id shows, best first.
func (q *question) survivors(id resolve.ID) []logical.Dot {
	var dots []logical.Dot
	for _, i := range q.panel.Survivors(q.object, id, nil) {
		dots = append(dots, q.object.Versions[i].Dot)
	}
	return dots
}

// best is the survivor that answers name as the winner: the first, and of
// several the one with the greatest earliest instant. It depends on the object
// alone, so equal objects name the same.
func (q *question) best(id resolve.ID) logical.Dot {
	alive := q.panel.Survivors(q.object, id, nil)
	if len(alive) == 0 {
		return logical.Dot{}
	}
	all := q.object.Versions
	return all[slices.MaxFunc(alive, func(a, b int) int { return cmp.Compare(all[a].Wall.Earliest, all[b].Wall.Earliest) })].Dot
}

// deadlines is the time that deadlines go by.
func (c *Config) deadlines() wallclock.Instant {
	return cmp.Or(c.Agreed, c.Now.Midpoint())
}
