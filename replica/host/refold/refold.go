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

// Run brings objects and ledger of a store under the policy, if they are
// under another: keys whose panel differs are folded again from the log, in an
// order that respects causality, a bounded part at a time. What was folded with a
// shadow, or without, is the same kind. Nobody else may use the store meanwhile.
//
//	log whole, values fit? ─▶ mark the store ─▶ drop objects and rows ─▶ fold ─▶ store the policy, mark gone
//
// The mark is durable before anything is changed, and gone with the batch that
// says that all is folded. So whoever is stopped in between, and by whatever, has
// it done from the begin when it starts again: under the same policy, the one
// before, or a third. No pump serves a marked store. A [Refused] changed nothing.
//
// Once logs have a beginning, the versions that the store holds will have to stand
// in for what is before it; until then a log that lacks an op is refused.
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
	r := &run{Options: o, store: store, to: policy, j: j}
	if r.Pace == 0 {
		r.Pace = defaultPace
	}
	if needed, err := r.needed(); err != nil || !needed {
		return err
	}
	if before, third := r.isThird(); third { // first things are whole again: then it is known what the keys show
		if err := Run(ctx, store, before, o); err != nil {
			return err
		}
		return Run(ctx, store, policy, o)
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
	to    resolve.Policy
	j     storage.Judged
	all   logical.Frontier
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
	for d := range r.all.All() {
		r.p.Total += 2 * uint64(d.Seq)
	}
	if !r.j.Unknown || len(r.j.Folding) > 0 {
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

// isThird reports whether objects were being folded again, for another policy than
// is asked for now, and what they are to be folded under first: what they were
// before, or if that is not known, what they were folded for.
func (r *run) isThird() (before resolve.Policy, third bool) {
	if len(r.j.Folding) == 0 || !r.j.Unknown && r.j.Policy.Same(&r.to) {
		return before, false
	}
	for i := range r.j.Folding {
		if r.j.Folding[i].Same(&r.to) {
			return before, false
		}
	}
	if r.j.Unknown {
		return r.j.Folding[0], true
	}
	return r.j.Policy, true
}

// concerns reports whether the key's object is to be folded again.
func (r *run) concerns(key string) bool {
	if r.j.Unknown || !r.j.Policy.Judges(key, &r.to) {
		return true
	}
	for i := range r.j.Folding {
		if !r.j.Folding[i].Judges(key, &r.to) {
			return true
		}
	}
	return false
}

// everything reports whether all keys there can be are concerned.
func (r *run) everything() bool {
	if r.j.Unknown {
		return true
	}
	prefixes := map[string]bool{"": true}
	for _, p := range append([]resolve.Policy{r.j.Policy, r.to}, r.j.Folding...) {
		for _, rule := range p.Rules {
			prefixes[rule.Prefix] = true
		}
	}
	for p := range prefixes {
		if !r.concerns(p) {
			return false
		}
	}
	return true
}

func (r *run) do(ctx context.Context) error {
	r.tell(0)
	if err := r.check(ctx); err != nil {
		return err
	}
	marked := r.j
	marked.Folding = append(append([]resolve.Policy(nil), marked.Folding...), r.to)
	if len(r.j.Folding) > 0 { // what is half done is known to be: only once each
		marked.Folding = uniquePolicies(marked.Folding)
	}
	if err := r.put(func(b *storage.Batch) { b.PutJudged(marked) }); err != nil {
		return err
	}
	r.j = marked
	if err := r.drop(ctx); err != nil {
		return err
	}
	if err := r.fold(ctx); err != nil {
		return err
	}
	return r.put(func(b *storage.Batch) { b.PutJudged(storage.Judged{Policy: r.to}) })
}

func uniquePolicies(all []resolve.Policy) (once []resolve.Policy) {
	for i := range all {
		known := false
		for j := range once {
			known = known || once[j].Same(&all[i])
		}
		if !known {
			once = append(once, all[i])
		}
	}
	return once
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

// drop takes out objects and ledger rows that are to be made anew. The verdicts of
// such rows count as retracted. Where all keys are concerned, so do those of rows
// that were evicted: what is lost is counted from the begin.
func (r *run) drop(ctx context.Context) error {
	b := r.store.NewBatch()
	err := errors.Join(r.dropObjects(ctx, b), r.dropRows(ctx, b))
	return errors.Join(err, b.Close())
}

func (r *run) dropObjects(ctx context.Context, b *storage.Batch) error {
	n := 0
	err := r.store.Keys("", func(key, _ []byte) (bool, error) {
		if k := string(key); r.concerns(k) {
			b.PutObject(&resolve.Object{Key: k})
			n++
		}
		if n < r.Pace {
			return true, nil
		}
		n = 0
		r.tell(0)
		return true, errors.Join(b.CommitUnsynced(), ctx.Err())
	})
	return errors.Join(err, b.CommitUnsynced())
}

func (r *run) dropRows(ctx context.Context, b *storage.Batch) error {
	h, err := r.store.LedgerStats()
	if err != nil || h == (losses.Stats{}) {
		return err
	}
	if r.everything() {
		h.Retracted.AddCounts(&h.Evicted.Verdicts)
		h.Evicted = losses.Evicted{}
	}
	n := 0
	var stopped error
	err = r.store.Oldest(0, func(row *losses.Row, size int64) bool {
		if r.concerns(row.Key) {
			b.DropRow(row.ID(), row.Position)
			h.Remove(size)
			h.Retracted.AddRow(row)
			n++
		}
		if n >= r.Pace {
			n = 0
			b.PutLedgerStats(&h)
			r.tell(0)
			stopped = errors.Join(b.CommitUnsynced(), ctx.Err())
		}
		return stopped == nil
	})
	b.PutLedgerStats(&h)
	return errors.Join(err, stopped, b.CommitUnsynced())
}

// fold folds the ops of all keys concerned.
func (r *run) fold(ctx context.Context) error {
	a := &folder{batch: r.store.NewBatch(), policy: &r.to, now: r.Now}
	committed := state.NewCommitted(r.store, a.policy, replica.State{}, r.CacheBytes)
	overlay, err := state.NewOverlay(committed, &a.out, nil, state.Ledger{Off: r.NoLedger, Retention: r.Ledger})
	if a.overlay = overlay; err == nil {
		err = r.each(ctx, func(op *resolve.Op) int {
			if !r.concerns(op.Key) {
				return 0
			}
			return a.fold(op)
		}, a.commit)
	}
	committed.Close()
	return errors.Join(err, a.batch.Close())
}
