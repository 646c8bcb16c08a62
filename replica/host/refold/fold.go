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
// and nothing else is.
type folder struct {
	policy   *resolve.Policy
	batch    *storage.Batch
	overlay  *state.Overlay
	out      replica.Output
	resolver resolve.Folder
	verdicts []resolve.Verdict
	now      func() wallclock.Interval
}

// fold folds one op and gives the bytes that this takes in memory until the commit.
func (a *folder) fold(op *resolve.Op) int {
	panel, object := a.policy.Panel(op.Key), a.overlay.Object(op.Key)
	past := then{Overlay: a.overlay, op: op}
	a.verdicts = a.resolver.Fold(panel, object, op, &past, a.verdicts[:0])
	for _, v := range a.verdicts {
		switch {
		case v.Retracted:
			a.out.Puts = append(a.out.Puts, replica.DropLoss{Resolvers: v.Resolvers, Key: op.Key, Loser: v.Loser})
		case v.Relation.Lost():
			a.out.Puts = append(a.out.Puts, replica.PutLoss{Resolvers: v.Resolvers, Relation: v.Relation, Key: op.Key, Loser: v.Loser, Winner: v.Winner, At: op.Wall})
		}
	}
	a.out.Puts = append(a.out.Puts, replica.PutObject{Object: object})
	_ = a.overlay.CatchUp() // the error sticks, and fails the commit
	return op.Size() + past.read
}

// commit stores what was folded. It is synced with what follows: until then the
// store is marked.
func (a *folder) commit() error {
	if err := a.overlay.Stage(a.batch, wallclock.Moment{Wall: a.now()}); err != nil {
		return err
	}
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
