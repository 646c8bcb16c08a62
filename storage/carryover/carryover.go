// Package carryover makes the state of another leader the store of this one: it puts into a
// copy of the other's store what only the former store here has.
//
// Ops come to wait there, to be applied again as after a repair; what other leaders have under
// dots that were given twice comes along, and the leader's own origins and clocks. A state that
// lacks something of which the former store has no log any more is refused: nothing would bring
// those ops back. What is carried over twice is there once: it has the same keys.
//
// What the package is not: it moves no files, and begins no origin.
package carryover

import (
	"errors"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
)

// Into puts into the store to what only from has, which is the leader's former store, or nil where
// there was none; both stay the caller's. Step, which may be nil, is told before each commit. It
// says how many ops it carried over.
func Into(to, from *storage.Store, step func(name string)) (ops int, err error) {
	c := carrying{step: step}
	err = c.all(from, to)
	return c.carried, err
}

type carrying struct {
	carried int // ops
	step    func(name string)
}

func (c *carrying) all(from, to *storage.Store) error {
	state, found, err := to.State()
	if err != nil {
		return err
	}
	if !found {
		return errors.New("it holds nothing")
	}
	own, origins := storage.State{}, []logical.Origin(nil)
	b := to.NewBatch()
	defer b.Close()
	if from != nil {
		if own, _, err = from.State(); err == nil {
			origins, err = from.Incarnations()
		}
		if err == nil && !state.Frontier.Includes(from.Log().Removed()) {
			err = errors.New("the store here is ahead of it, and its log does not keep all ops that the state lacks")
		}
		if err == nil {
			err = errors.Join(c.ops(from, b, own.Frontier, state.Frontier), c.waiting(from, b, state.Frontier), c.contested(from, to, b, state.Frontier))
		}
		if err != nil {
			return err
		}
	}
	if own.Origin != 0 && own.Frontier.At(own.Origin) > 0 && !slices.Contains(origins, own.Origin) {
		origins = append(origins, own.Origin)
	}
	slices.Sort(origins)
	b.PutIncarnations(origins)
	state.Origin, state.Lamport = own.Origin, max(state.Lamport, own.Lamport)
	if state.HLC.Compare(own.HLC) < 0 {
		state.HLC = own.HLC
	}
	state.Floor = max(state.Floor, own.Floor) // leaders count on what this one promised, and on what anybody did before it came
	b.PutState(state)
	c.at("commit")
	return b.Commit()
}

// batchBytes is how much is committed at once.
const batchBytes = 1 << 20

// ops carries over what is in the log and not in the state.
func (c *carrying) ops(from *storage.Store, b *storage.Batch, have, state logical.Frontier) error {
	for d := range have.All() {
		err := from.LogEntries(d.Origin, state.At(d.Origin)+1, func(seq logical.Seq, encoded []byte) (bool, error) {
			c.carried++
			b.PutWaiting(logical.Dot{Origin: d.Origin, Seq: seq}, encoded)
			return true, c.commitLarge(b)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// waiting carries over what waits in the old store to be applied again.
func (c *carrying) waiting(from *storage.Store, b *storage.Batch, state logical.Frontier) error {
	waiting, err := from.Waiting()
	if err != nil {
		return err
	}
	for d := range waiting.All() {
		for next := state.At(d.Origin) + 1; next <= d.Seq; {
			ops, err := from.WaitingOps(d.Origin, next, 1024, batchBytes)
			if err != nil {
				return err
			}
			for _, op := range ops {
				c.carried++
				b.PutWaiting(op.Dot, codec.AppendOp(nil, op))
				next = op.Dot.Seq + 1
			}
			if err := c.commitLarge(b); err != nil || len(ops) == 0 {
				return err
			}
		}
	}
	return nil
}

// contested carries over what is known of dots that were given twice: what others have under
// them, and what the log here has, if the state does not know of it.
func (c *carrying) contested(from, to *storage.Store, b *storage.Batch, state logical.Frontier) (err error) {
	last, known := logical.Dot{}, false
	failed := from.Conflicts(logical.Dot{}, func(op *resolve.Op) bool {
		if d := op.Dot; d != last {
			var there []*resolve.Op
			if there, err = to.ConflictsOf(d); err != nil {
				return false
			}
			last, known = d, len(there) > 0
			ours, found, failed := from.Op(d)
			if err = failed; err != nil {
				return false
			}
			if found && !known && state.Covers(d) {
				b.PutConflict(ours)
			}
		}
		b.PutConflict(op)
		return true
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	return from.Settled(func(d, by logical.Dot) bool {
		b.PutSettled(d, by)
		return true
	})
}

func (c *carrying) commitLarge(b *storage.Batch) error {
	if b.Size() < batchBytes {
		return nil
	}
	c.at("commit")
	return b.Commit()
}

func (c *carrying) at(step string) {
	if c.step != nil {
		c.step(step)
	}
}
