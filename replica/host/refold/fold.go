package refold

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host/internal/state"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// folder folds ops that are in the log already: objects and ledger rows are stored,
// and how far that has come, and nothing else is.
type folder struct {
	batch    *storage.Batch
	overlay  *state.Overlay
	out      replica.Output
	resolver resolve.Folder
	verdicts []resolve.Verdict
	now      func() wallclock.Interval
}

// fold folds one op into what is made anew of its key, and gives the bytes that this takes
// in memory until the commit.
func (a *folder) fold(c *change, op *resolve.Op) int {
	whole := a.overlay.Object(op.Key)
	part := c.part(whole)
	past := then{Overlay: a.overlay, op: op}
	a.verdicts = a.resolver.Fold(c.folding, part, op, &past, a.verdicts[:0])
	for _, v := range a.verdicts {
		switch ids := v.Resolvers & c.fresh; {
		case ids == 0:
		case v.Retracted:
			a.put(replica.DropLoss{Resolvers: ids, Key: op.Key, Loser: v.Loser})
		case v.Relation.Lost():
			a.put(replica.PutLoss{Resolvers: ids, Relation: v.Relation, Key: op.Key, Loser: v.Loser, Winner: v.Winner, At: op.Wall})
		}
	}
	for i := range whole.Versions {
		whole.Versions[i].Mask &^= c.made()
	}
	c.join(whole, part)
	whole.Sweep()
	a.put(replica.PutObject{Object: whole})
	_ = a.overlay.CatchUp() // the error sticks, and fails the commit
	return op.Size() + past.read
}

func (a *folder) put(p replica.Put) { a.out.Puts = append(a.out.Puts, p) }

// commit stores what was folded. It is synced with what follows: until then the
// store is marked.
func (a *folder) commit(j storage.Judged) error {
	if err := a.overlay.Stage(a.batch, wallclock.Moment{Wall: a.now()}); err != nil {
		return err
	}
	a.batch.PutJudged(j)
	if err := a.batch.CommitUnsynced(); err != nil {
		return err
	}
	a.overlay.Seal(replica.State{}, wallclock.Agreement{}, true)
	a.overlay.Publish()
	a.out.Reset()
	a.overlay.Begin(&a.out)
	return nil
}

// then is the past as it was when the op was folded: of a request's dots those that
// come before it in the log's order.
type then struct {
	*state.Overlay
	op   *resolve.Op
	read int // bytes of ops
}

func (t *then) Op(d logical.Dot) (*resolve.Op, bool) {
	op, ok := t.Overlay.Op(d)
	if ok {
		t.read += op.Size()
	}
	return op, ok
}

func (t *then) Duplicates(d logical.Dot) []logical.Dot {
	return slices.DeleteFunc(slices.Clone(t.Overlay.Duplicates(d)), func(other logical.Dot) bool {
		op, ok := t.Overlay.Op(other)
		return ok && cmp.Or(cmp.Compare(op.Lamport, t.op.Lamport), op.Dot.Compare(t.op.Dot)) > 0
	})
}
