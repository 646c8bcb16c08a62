package host

import (
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host/internal/state"
	"kvd/replica/host/refold"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// Pump is one incarnation of one leader over one store. It belongs to one goroutine.
// After an error it does nothing more: the leader must stop.
type Pump struct {
	core   *replica.Core
	batch  *storage.Batch
	tamper Tamper
	err    error // the first failure

	committed *state.Committed
	overlay   *state.Overlay

	own    []logical.Origin // this incarnation's and the leader's earlier ones, ascending
	named  bool             // own is stored
	judged bool             // the policy is stored

	synced *logical.Frontier // a lazy store: what the core knows to be on the disk
	found  logical.Frontier  // what the store held at the start

	moment  wallclock.Moment // of the last step
	out     *replica.Output
	stage   stage
	encoded int // puts of out that are in the batch, objects left out

	written []written         // batches that are not known to be durable, oldest first
	leaving *replica.Output   // of the batch that was published last; nil: none was
	none    replica.Output    // what may leave while nothing is durable
	spare   []*replica.Output // to be used again
	wake    wallclock.Mono    // of the last batch
	keys    []string          // scratch
}

// written is a batch that was handed to the store.
type written struct {
	out    *replica.Output
	stored bool // it changed anything
}

// stage is how far the running cycle has come.
type stage uint8

const (
	released  stage = iota // nothing is under way
	staging                // steps were taken; nothing of them may leave
	committed              // what was committed may leave, and must before the next step
)

// errUnreleased stops a pump whose caller forgot what was committed.
var errUnreleased = errors.New("step before release: what was committed would never leave; call Release first")

// Options is what a pump may be told in addition to the core's Config. The zero Options
// keeps no objects in memory.
type Options struct {
	Tamper Tamper // nil outside of tests
	// CacheBytes bounds the memory of encoded objects, which serve reads and
	// folds; about 80 bytes, the key and the value for a key without siblings.
	CacheBytes int64
	// Ledger bounds the ledger of lost writes; the zero Retention stands for
	// losses.DefaultRetention.
	Ledger losses.Retention
	// NoLedger keeps no ledger, to measure what it costs: the store then says
	// nothing of lost writes, and whoever is asked about them must say so.
	NoLedger bool
}

// Refold is how the store is folded again if its objects are of another policy.
func (o *Options) Refold() refold.Options {
	return refold.Options{CacheBytes: o.CacheBytes, Ledger: o.Ledger, NoLedger: o.NoLedger}
}

// DefaultCacheBytes is what Open and Resume keep at most in memory.
const DefaultCacheBytes = 64 << 20

// Open is OpenWith the default options.
func Open(cfg replica.Config, store *storage.Store, origin logical.Origin, tamper Tamper) (*Pump, error) {
	return OpenWith(cfg, store, origin, Options{Tamper: tamper, CacheBytes: DefaultCacheBytes})
}

// OpenWith begins a new incarnation on what the store holds. Origin must be drawn at
// random for it; everything that is accepted from now on begins there. The pump does
// not close the store; nobody else may write to it.
func OpenWith(cfg replica.Config, store *storage.Store, origin logical.Origin, o Options) (*Pump, error) {
	st, _, err := store.State()
	switch {
	case err != nil:
		return nil, fmt.Errorf("open leader %s: %w", cfg.Name, err)
	case origin == 0 || st.Frontier.At(origin) != 0:
		return nil, fmt.Errorf("open leader %s: origin %s is zero or has ops already; draw another one", cfg.Name, origin)
	}
	before := st.Origin
	st.Origin = origin
	return open(cfg, store, replica.State(st), before, o)
}

// Resume is ResumeWith the default options.
func Resume(cfg replica.Config, store *storage.Store, tamper Tamper) (*Pump, error) {
	return ResumeWith(cfg, store, Options{Tamper: tamper, CacheBytes: DefaultCacheBytes})
}

// ResumeWith resumes the origin that the store holds. The caller attests that the
// store lost nothing and that nobody else holds the origin, and says in cfg.Statuses
// which numbers of statuses were used.
func ResumeWith(cfg replica.Config, store *storage.Store, o Options) (*Pump, error) {
	st, found, err := store.State()
	switch {
	case err != nil:
		return nil, fmt.Errorf("resume leader %s: %w", cfg.Name, err)
	case !found || st.Origin == 0:
		return nil, fmt.Errorf("resume leader %s: the store holds no origin; open it with a new one", cfg.Name)
	}
	return open(cfg, store, replica.State(st), st.Origin, o)
}

// open is for a store whose last origin was the one named.
func open(cfg replica.Config, store *storage.Store, st replica.State, last logical.Origin, o Options) (*Pump, error) {
	if o.Tamper != nil {
		o.Tamper.State(&st)
	}
	former, err := formerIncarnations(store, &st, last)
	if err != nil {
		return nil, fmt.Errorf("open leader %s: %w", cfg.Name, err)
	}
	cfg.PastOrigins, cfg.SyncsLater = slices.Clone(former), store.Lazy()
	judged, err := refold.Ensure(store, cfg.Policy, o.Refold())
	if err != nil {
		return nil, fmt.Errorf("open leader %s: %w", cfg.Name, err)
	}
	core, err := replica.New(cfg, st)
	if err != nil {
		return nil, fmt.Errorf("open leader %s: %w", cfg.Name, err)
	}
	p := &Pump{core: core, batch: store.NewBatch(), tamper: o.Tamper, own: ownOrigins(former, st.Origin), judged: judged, found: st.Frontier, out: &replica.Output{}}
	p.committed = state.NewCommitted(store, &cfg.Policy, core.State(), o.CacheBytes)
	if p.overlay, err = state.NewOverlay(p.committed, p.out, o.Tamper, state.Ledger{Off: o.NoLedger, Retention: o.Ledger}); err != nil {
		return nil, errors.Join(fmt.Errorf("open leader %s: %w", cfg.Name, err), p.Close())
	}
	return p, nil
}

// ownOrigins is all that can be stored of a leader's own origins, ascending. One that
// is beyond as many as there may be can accept nothing either.
func ownOrigins(former []logical.Origin, origin logical.Origin) []logical.Origin {
	if len(former) >= codec.MaxDeps {
		return former
	}
	own := append(former, origin)
	slices.Sort(own)
	return own
}

// formerIncarnations is the origins of the leader's earlier incarnations that accepted
// anything. A store from before they were written knows the last one. What one accepted may
// wait to be applied again.
func formerIncarnations(store *storage.Store, st *replica.State, last logical.Origin) ([]logical.Origin, error) {
	former, err := store.Incarnations()
	waiting, failed := store.Waiting()
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	if !slices.Contains(former, last) {
		former = append(former, last)
	}
	return slices.DeleteFunc(former, func(o logical.Origin) bool { return o == st.Origin || max(st.Frontier.At(o), waiting.At(o)) == 0 }), nil
}

// Close gives the batch's memory back and leaves the store open. What was staged
// and not committed is gone, as after a crash.
func (p *Pump) Close() error {
	p.overlay.Drop()
	p.committed.Close()
	return p.batch.Close()
}

// Step feeds the core and stages what it puts. It may be called repeatedly
// before Commit; all of it is then stored together. The pump owns the inputs.
func (p *Pump) Step(m wallclock.Moment, in ...replica.Input) error {
	p.begin()
	p.moment = m
	p.tellSynced()
	for _, in := range in {
		if p.err != nil {
			break
		}
		p.step(in)
	}
	return p.err
}

// tellSynced lets the core know how far a lazy store is synced by now.
func (p *Pump) tellSynced() {
	if f := p.committed.Store.Synced(); f != p.synced && p.err == nil {
		p.synced = f
		p.step(replica.Synced{Frontier: f})
	}
}

// Durable is what of the committed frontier is durable as the store promises it.
// Any goroutine may ask.
func (p *Pump) Durable() logical.Frontier {
	store := p.committed.Store
	if f := store.Synced(); f != nil {
		return *f
	}
	if store.Lazy() {
		return p.found
	}
	return p.committed.Frontier()
}

func (p *Pump) step(in replica.Input) {
	if p.tamper != nil {
		in = p.tamper.Input(in)
	}
	q, ok := in.(*replica.Request)
	if ok && p.refuseUnreadable(q) {
		return
	}
	before := p.made()
	p.fail(p.core.Step(p.moment, in, p.overlay, p.out))
	p.fail(p.overlay.CatchUp())
	p.encode()
	if ok && q.Budget != nil {
		q.Budget.Made += max(0, p.made()-before-brought(q))
	}
}

// made is about how many bytes the running cycle stores.
func (p *Pump) made() int64 { return int64(p.batch.Size()) + p.overlay.Bytes() }

// brought is how much of what a write stores came with its request: what every one
// takes, and its value twice, in the op and in the object.
func brought(q *replica.Request) int64 {
	const each = 1 << 10
	return each + 2*int64(len(q.Value)) + int64(len(q.Shown))*2*limits.Dot
}

// refuseUnreadable answers a request whose key is damaged on disk, and reports
// whether it did. All other keys are served.
func (p *Pump) refuseUnreadable(q *replica.Request) bool {
	err := p.readable(q)
	if err != nil {
		p.committed.Store.NoteDamage(err)
		p.out.Replies = append(p.out.Replies, replica.Reply{ID: q.ID, Err: fmt.Errorf("%s %.64q: what is stored of it cannot be read: %w", q.Verb, q.Key, err)})
	}
	return err != nil
}

// begin starts a cycle unless one is under way.
func (p *Pump) begin() {
	switch p.stage {
	case committed:
		p.fail(errUnreleased)
	case released:
		p.overlay.Begin(p.out)
		p.encoded, p.stage = 0, staging
	}
}

// encode writes the new puts into the batch, in order. It must wait until the
// step is over, because folding may still mark an op. Objects and the ledger wait
// for the commit: what several steps put is written once.
func (p *Pump) encode() {
	for _, put := range p.out.Puts[p.encoded:] {
		switch put := put.(type) {
		case replica.PutOp:
			p.batch.PutOp(put.Op)
		case replica.PutRequest:
			p.batch.PutRequest(put.Client, put.Number, put.Dot)
		case replica.PutDuplicates:
			p.batch.PutDuplicates(put.Dots)
		case replica.PutConflict:
			p.batch.PutConflict(put.Op)
		case replica.PutSettled:
			p.batch.PutSettled(put.Dot, put.By)
		}
	}
	p.encoded = len(p.out.Puts)
}

// encodeRest writes what is written once a batch.
func (p *Pump) encodeRest() {
	p.fail(p.overlay.Stage(p.batch, p.moment))
	p.batch.PutState(storage.State(p.core.State()))
	if !p.named {
		p.batch.PutIncarnations(p.own)
		p.named = true
	}
	if !p.judged {
		p.batch.PutJudged(storage.Judged{Policy: *p.committed.Policy})
		p.judged = true
	}
}

func (p *Pump) tamperOutput() {
	if p.tamper == nil {
		return
	}
	p.out.Puts = slices.DeleteFunc(p.out.Puts, func(put replica.Put) bool { return put == nil })
	p.overlay.Skip()
	p.encoded = len(p.out.Puts)
	for i := range p.out.Sends {
		p.tamper.Send(&p.out.Sends[i])
	}
	for i := range p.out.Replies {
		p.tamper.Reply(&p.out.Replies[i])
	}
}

// State is what the core would store now.
func (p *Pump) State() replica.State { return p.core.State() }

// Peers appends what the core knows of the other leaders, by name.
func (p *Pump) Peers(dst []replica.PeerView) []replica.PeerView { return p.core.Peers(dst) }

// Load is how much waits in the core.
func (p *Pump) Load() replica.Load { return p.core.Load() }

// Reader shows committed and staged state, for probes, whose every object is a copy.
// Like the pump, it belongs to one goroutine.
func (p *Pump) Reader() replica.Reader { return probe{p.overlay} }

type probe struct{ *state.Overlay }

func (p probe) Object(key string) *resolve.Object { return p.Overlay.Object(key).Clone() }

// Ledger is what the ledger durably holds and what became of the rest. Any
// goroutine may ask.
func (p *Pump) Ledger() losses.Stats { return p.overlay.LedgerStats() }

// fail keeps the first error.
func (p *Pump) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// Whatever the core accepts, the store can keep.
var (
	_ [codec.MaxKey - limits.Key]struct{}
	_ [codec.MaxValue - limits.Value]struct{}
	_ [codec.MaxDots - limits.Dots]struct{}
	_ [storage.SumSpan - replica.SumSpan]struct{}
	_ [replica.SumSpan - storage.SumSpan]struct{}
)
