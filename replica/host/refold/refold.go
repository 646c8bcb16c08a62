package refold

import (
	"context"
	"errors"
	"fmt"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host/internal/state"
	"kvd/resolve"
	"kvd/resolve/replay/merge"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// Options is what [Run] is told in addition to store and policy.
type Options struct {
	CacheBytes int64            // bounds the objects in memory
	Ledger     losses.Retention // zero: losses.DefaultRetention
	NoLedger   bool             // no ledger is kept
	// Now is by what values expire and ledger rows age; nil: the newest hybrid stamp
	// that the store knows.
	Now func() wallclock.Interval
	// Pace is how many ops at most, and objects or rows that are dropped, are stored
	// at a time; zero: 1024. In bytes it is bounded too.
	Pace int
	// Progress is told now and then, on the caller's goroutine, beginning before
	// anything is changed; nil: nobody is.
	Progress func(Progress)
}

// Progress is how far folding again has come.
type Progress struct {
	From        string // the policy that objects were folded under; empty: it is not known
	Done, Total uint64 // ops of the log that were looked at; all are, twice
}

// Run brings objects and ledger of a store under the policy, if they are under another. Of
// keys whose panel differs, what those keep who judged before and judge now stays as it is;
// for those who judge now alone it is made anew, a bounded part at a time: from the
// versions whose ops the log does not hold any more, and then from the log, in an order
// that respects causality. Nobody else may use the store meanwhile.
//
//	log without gaps, values fit? ─▶ mark the store ─▶ prepare objects, drop rows ─▶ fold ─▶ store the policy, mark gone
//
// The mark is durable before anything is changed, and says in each batch how far it has
// come; it is gone with the batch that says that all is folded. So whoever is stopped in
// between, and by whatever, goes on there when it starts again. Where that is under a third
// policy, or the one before, it is first brought to its end. No pump serves a marked
// store. A [Refused] changed nothing.
func Run(ctx context.Context, store *storage.Store, policy resolve.Policy, o Options) error {
	j, err := store.Judged()
	if err != nil {
		return err
	}
	if err := policy.Validate(); err != nil {
		return err
	}
	if j.Settled() && j.Policy.Same(&policy) {
		return nil
	}
	if j.Folding != nil && !j.Folding.Same(&policy) {
		if err := Run(ctx, store, *j.Folding, o); err != nil {
			return err
		}
		return Run(ctx, store, policy, o)
	}
	r := &run{Options: o, store: store, reads: store, to: policy, j: j}
	if r.Pace == 0 {
		r.Pace = defaultPace
	}
	if needed, err := r.needed(); err != nil || !needed {
		return err
	}
	if err := r.do(ctx); err != nil {
		return fmt.Errorf("fold again under another policy: %w", err)
	}
	return nil
}

// Refused says why a store cannot be brought under a policy. Nothing was changed.
type Refused struct{ Why string }

func (r *Refused) Error() string { return r.Why + "; nothing was changed" }

// run is one folding again under way.
type run struct {
	Options
	store *storage.Store
	reads objects
	live  bool // a leader serves it meanwhile
	to    resolve.Policy
	j     storage.Judged
	all   logical.Frontier // that was applied
	p     Progress
}

// needed reports whether anything is to be done. An empty store is under any
// policy; of one that does not say, the objects tell.
func (r *run) needed() (bool, error) {
	st, _, err := r.store.State()
	if err != nil || st.Frontier.Len() == 0 {
		return false, err
	}
	r.all = st.Frontier
	if r.Now == nil {
		r.Now = func() wallclock.Interval { return wallclock.Around(wallclock.Instant(st.HLC.Wall), 0) }
	}
	r.p.Total = 2 * r.held()
	if !r.j.Unknown || r.j.Folding != nil {
		r.p.From = r.j.Policy.String()
		return true, nil
	}
	differs := false
	err = r.store.Objects(func(o *resolve.Object) bool {
		panel := r.to.Panel(o.Key)
		differs = !panel.MayHaveFolded(o)
		return !differs
	})
	return differs, err
}

// held is how many ops the log should hold.
func (r *run) held() (n uint64) {
	for d := range r.all.All() {
		n += uint64(d.Seq+1) - uint64(min(r.store.Log().First(d.Origin), d.Seq+1))
	}
	return n
}

// logged reports whether the log holds the op.
func (r *run) logged(d logical.Dot) bool { return d.Seq >= r.store.Log().First(d.Origin) }

// concerns reports whether the key's object is to be folded again.
func (r *run) concerns(key string) bool {
	return r.j.Unknown || !r.j.Policy.Judges(key, &r.to)
}

// prefixes is every one that either policy has a rule for, the empty one among them: what
// holds for a key of each, and longer ones, holds for all keys.
func (r *run) prefixes() []string {
	all := []string{""}
	for _, p := range [2]*resolve.Policy{&r.j.Policy, &r.to} {
		for _, rule := range p.Rules {
			all = append(all, rule.Prefix)
		}
	}
	return all
}

func (r *run) do(ctx context.Context) error {
	r.tell(0)
	if r.j.Folding == nil {
		if err := r.check(ctx); err != nil {
			return err
		}
		marked := r.j
		marked.Folding = &r.to
		if err := r.put(func(b *storage.Batch) { b.PutJudged(marked) }); err != nil {
			return err
		}
		r.j = marked
	} else {
		r.tell(int(r.held()))
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if err := r.fold(ctx); err != nil {
		return err
	}
	return r.put(func(b *storage.Batch) { b.PutJudged(storage.Judged{Policy: r.to}) })
}

// put stores one batch, as durable as the store promises.
func (r *run) put(fill func(b *storage.Batch)) error {
	b := r.store.NewBatch()
	fill(b)
	return errors.Join(b.Commit(), b.Close())
}

func (r *run) tell(n int) {
	r.p.Done += uint64(n)
	if r.Progress != nil {
		r.Progress(r.p)
	}
}

// defaultPace is what a zero Options.Pace stands for, and paceBytes how many bytes of
// ops, or of what folding reads, go into one batch.
const (
	defaultPace = 1024
	paceBytes   = 4 << 20
)

// each hands over the ops of the whole log, and after each stretch of them calls
// rest.
func (r *run) each(ctx context.Context, use func(*resolve.Op) (bytes int), rest func() error) error {
	merged := merge.New(r.store, r.all, "")
	n, bytes := 0, 0
	pause := func() error {
		r.tell(n)
		n, bytes = 0, 0
		return errors.Join(rest(), ctx.Err())
	}
	var err error
	for op := range merged.All() {
		n, bytes = n+1, bytes+use(op)
		if n < r.Pace && bytes < paceBytes {
			continue
		}
		if err = pause(); err != nil {
			return err
		}
	}
	return errors.Join(merged.Err(), pause())
}

// prepare goes over the objects, and gives those who judge now alone what the log does not
// hold.
func (r *run) prepare(ctx context.Context) error {
	if r.j.Step.Prepared {
		return nil
	}
	b := r.store.NewBatch()
	n, bytes := 0, 0
	commit := func() error {
		n, bytes = 0, 0
		b.PutJudged(r.j)
		r.tell(0)
		return errors.Join(b.CommitUnsynced(), ctx.Err())
	}
	now := r.Now().Midpoint()
	err := r.store.Keys(r.j.Step.After, func(key, object []byte) (bool, error) {
		c, changes := r.changeOf(string(key))
		if !changes {
			return true, nil
		}
		o, err := codec.DecodeStored(object, string(key))
		if err != nil {
			return false, err
		}
		c.prepare(o, r.logged, now)
		b.PutObject(o)
		r.j.Step.After = o.Key
		if n, bytes = n+1, bytes+len(object); n < r.Pace && bytes < paceBytes || o.Key == "" { // after that all would begin again
			return true, nil
		}
		return true, commit()
	})
	if err == nil && r.j.Step.After == "" {
		r.j.Step.After = "\x00"
	}
	return errors.Join(err, commit(), b.Close())
}

// fold takes back what the ledger says of whoever judges no more or anew, and folds the ops
// of all keys concerned.
func (r *run) fold(ctx context.Context) error {
	if err := r.forgetEvicted(); err != nil {
		return err
	}
	a := &folder{batch: r.store.NewBatch(), now: r.Now}
	committed := state.NewCommitted(r.store, &r.to, replica.State{}, r.CacheBytes)
	overlay, err := state.NewOverlay(committed, &a.out, nil, state.Ledger{Off: r.NoLedger, Retention: r.Ledger})
	if a.overlay = overlay; err == nil && !r.j.Step.Prepared {
		err = r.rows(ctx, a)
	}
	if err == nil {
		folded := uint64(0)
		err = r.each(ctx, func(op *resolve.Op) int {
			if folded++; folded <= r.j.Step.Ops { // before it was stopped
				return 0
			}
			c, changes := r.changeOf(op.Key)
			if !changes || !c.folds() {
				return 0
			}
			return a.fold(&c, op)
		}, func() error {
			r.j.Step.Ops = max(r.j.Step.Ops, folded)
			return a.commit(r.j)
		})
	}
	committed.Close()
	return errors.Join(err, a.batch.Close())
}
