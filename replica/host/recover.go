package host

import (
	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
)

// Recovery feeds a leader again with the ops that were salvaged from its damaged
// store, as far as nothing is missing that they depend on. What waits for something
// that is missing can go on when a peer has sent it. It belongs to one goroutine.
type Recovery struct {
	store   *storage.Store
	waiting logical.Frontier // how far the salvaged ops reach
	pages   map[logical.Origin][]*resolve.Op
	at      logical.Frontier // what was fed, or applied before
	dropped logical.Frontier // what of them was forgotten
	more    bool             // some were left then
}

// What one input holds, and what is read of all origins together at a time; one op
// at least.
const (
	recoverOps   = 256
	recoverBytes = 4 << 20
)

// NewRecovery looks for what was salvaged; nil: nothing waits.
func NewRecovery(store *storage.Store) (*Recovery, error) {
	waiting, err := store.Waiting()
	if err != nil || waiting.Len() == 0 {
		return nil, err
	}
	return &Recovery{store: store, waiting: waiting, more: true, pages: map[logical.Origin][]*resolve.Op{}}, nil
}

// Waiting is how far the salvaged ops reach, by origin, at the begin.
func (r *Recovery) Waiting() logical.Frontier { return r.waiting }

// Next is the next ops that can be applied where applied is, each after what it
// depends on; none: everything that is left waits for what is missing.
func (r *Recovery) Next(applied logical.Frontier) ([]*resolve.Op, error) {
	r.at = r.at.Join(applied).Clone()
	var ops []*resolve.Op
	bytes := 0
	full := func() bool { return len(ops) >= recoverOps || bytes >= recoverBytes }
	for moved := true; moved && !full(); {
		moved = false
		for d := range r.waiting.All() {
			for !full() {
				op, err := r.head(d)
				if err != nil {
					return nil, err
				}
				if op == nil || op.Dot.Seq != r.at.At(d.Origin)+1 || !r.at.Includes(op.Deps) {
					break
				}
				ops, bytes, moved = append(ops, op), bytes+op.Footprint(), true
				r.at.Advance(op.Dot)
				r.pages[d.Origin] = r.pages[d.Origin][1:]
			}
		}
	}
	return ops, nil
}

// head is the first op of an origin that is not applied yet; nil: there is none.
func (r *Recovery) head(last logical.Dot) (op *resolve.Op, err error) {
	done := r.at.At(last.Origin)
	page := r.pages[last.Origin]
	for len(page) > 0 && page[0].Dot.Seq <= done {
		page = page[1:]
	}
	if len(page) == 0 && done < last.Seq {
		if page, err = r.store.WaitingOps(last.Origin, done+1, recoverOps, recoverBytes/r.waiting.Len()); err != nil {
			return nil, err
		}
	}
	if r.pages[last.Origin] = page; len(page) == 0 {
		return nil, nil
	}
	return page[0], nil
}

// Drop forgets what is durably applied again, and reports whether more waits. It
// writes nothing when that is no more than at the last time: it may be called often.
func (r *Recovery) Drop(applied logical.Frontier) (more bool, err error) {
	var done logical.Frontier
	for d := range r.waiting.All() {
		if d.Seq = min(d.Seq, applied.At(d.Origin)); d.Seq > 0 {
			done.Advance(d)
		}
	}
	if done.Compare(r.dropped) == logical.Equal {
		return r.more, nil
	}
	b := r.store.NewBatch()
	defer b.Close()
	b.DropWaiting(done)
	if err := b.Commit(); err != nil {
		return true, err
	}
	left, err := r.store.Waiting()
	if err != nil {
		return true, err
	}
	r.dropped, r.more = done, left.Len() > 0
	return r.more, nil
}

// Recover applies what was salvaged, as far as nothing is missing, before the loop
// is started. Progress is told how many ops are applied again, now and then.
func (p *Pump) Recover(r *Recovery, clock Clock, progress func(ops int)) error {
	n := 0
	for {
		ops, err := r.Next(p.State().Frontier)
		if err != nil || len(ops) == 0 {
			return err
		}
		if err := p.Step(clock.Now(), replica.Recovered{Ops: ops}); err != nil {
			return err
		}
		if err := p.Commit(); err != nil {
			return err
		}
		p.Release()
		if n += len(ops); progress != nil {
			progress(n)
		}
	}
}
