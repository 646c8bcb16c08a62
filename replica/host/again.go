package host

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// again folds ops that are in the log already: objects and ledger rows are stored,
// and nothing else is.
type again struct {
	policy   *resolve.Policy
	batch    *storage.Batch
	shelf    *shelf
	view     view
	out      replica.Output
	folder   resolve.Folder
	verdicts []resolve.Verdict
	now      func() wallclock.Interval
}

// fold folds one op and gives the bytes that this takes in memory until the commit.
func (a *again) fold(op *resolve.Op) int {
	panel, object := a.policy.Panel(op.Key), a.view.Object(op.Key)
	past := then{view: &a.view, op: op}
	a.verdicts = a.folder.Fold(panel, object, op, &past, a.verdicts[:0])
	for _, v := range a.verdicts {
		switch {
		case v.Retracted:
			a.out.Puts = append(a.out.Puts, replica.DropLoss{Resolvers: v.Resolvers, Key: op.Key, Loser: v.Loser})
		case v.Relation.Lost():
			a.out.Puts = append(a.out.Puts, replica.PutLoss{Resolvers: v.Resolvers, Relation: v.Relation, Key: op.Key, Loser: v.Loser, Winner: v.Winner, At: op.Wall})
		}
	}
	a.out.Puts = append(a.out.Puts, replica.PutObject{Object: object})
	a.view.catchUp()
	return op.Size() + past.read
}

// commit stores what was folded. It is synced with what follows: until then the
// store is marked.
func (a *again) commit() error {
	for _, o := range a.view.dirty {
		a.batch.PutObject(o)
	}
	a.view.settle(a.batch, wallclock.Moment{Wall: a.now()})
	if a.view.err != nil {
		return a.view.err
	}
	if err := a.batch.CommitUnsynced(); err != nil {
		return err
	}
	a.shelf.publish(replica.State{}, a.view.dirty, a.view.grown, true)
	a.view.ledger.publish()
	a.view.clear()
	a.out.Reset()
	a.view.seen = 0
	return nil
}

// then is the past as it was when the op was folded: of a request's dots those that
// come before it in the log's order.
type then struct {
	*view
	op   *resolve.Op
	read int // bytes of ops
}

func (t *then) Op(d logical.Dot) (*resolve.Op, bool) {
	op, ok := t.view.Op(d)
	if ok {
		t.read += op.Size()
	}
	return op, ok
}

func (t *then) Duplicates(d logical.Dot) []logical.Dot {
	return slices.DeleteFunc(slices.Clone(t.view.Duplicates(d)), func(other logical.Dot) bool {
		op, ok := t.view.Op(other)
		return ok && cmp.Or(cmp.Compare(op.Lamport, t.op.Lamport), op.Dot.Compare(t.op.Dot)) > 0
	})
}
