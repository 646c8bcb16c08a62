package resolvetest

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// History is what one leader remembers of one key: a resolve.History in
// memory.
type History struct {
	ops        map[logical.Dot]*resolve.Op
	requests   map[request][]logical.Dot
	duplicates map[logical.Dot][]logical.Dot
	ledger     map[resolve.ID]map[logical.Dot]resolve.Relation
}

type request struct{ client, number uint64 }

// NewHistory is a past in which nothing happened.
func NewHistory() *History {
	return &History{
		ops:        map[logical.Dot]*resolve.Op{},
		requests:   map[request][]logical.Dot{},
		duplicates: map[logical.Dot][]logical.Dot{},
		ledger:     map[resolve.ID]map[logical.Dot]resolve.Relation{},
	}
}

// Op is the op with dot d.
func (h *History) Op(d logical.Dot) (*resolve.Op, bool) {
	op, ok := h.ops[d]
	return op, ok
}

// Duplicates is all dots of d's request.
func (h *History) Duplicates(d logical.Dot) []logical.Dot { return h.duplicates[d] }

// Lost is the resolvers whose ledger holds d.
func (h *History) Lost(_ string, d logical.Dot) resolve.Mask {
	var m resolve.Mask
	for id, rows := range h.ledger {
		if _, ok := rows[d]; ok {
			m |= id.Mask()
		}
	}
	return m
}

// Losses is the ledger of one resolver. It is h's own memory.
func (h *History) Losses(r resolve.ID) map[logical.Dot]resolve.Relation { return h.ledger[r] }

// Admit remembers op, as a leader does before it folds.
func (h *History) Admit(op *resolve.Op) {
	h.ops[op.Dot] = op
	if !op.HasRequest() {
		return
	}
	r := request{op.Client, op.Request}
	dots := append(slices.Clone(h.requests[r]), op.Dot)
	slices.SortFunc(dots, logical.Dot.Compare)
	if h.requests[r] = dots; len(dots) == 1 {
		return
	}
	for _, d := range dots {
		h.duplicates[d] = dots
	}
}

// Forget drops d from the log, as truncation does.
func (h *History) Forget(d logical.Dot) { delete(h.ops, d) }

// Insert applies verdicts to the ledger. It fails when one loses what is lost
// already, or retracts what is not.
func (h *History) Insert(verdicts []resolve.Verdict) error {
	for _, v := range verdicts {
		for id := range v.Resolvers.Each {
			if err := h.insert(id, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *History) insert(id resolve.ID, v resolve.Verdict) error {
	rows := h.ledger[id]
	_, lost := rows[v.Loser]
	switch {
	case v.Retracted && !lost:
		return fmt.Errorf("%s retracts the loss of %s, which is not in the ledger", id, v.Loser)
	case v.Retracted:
		delete(rows, v.Loser)
	case v.Relation.Lost() && lost:
		return fmt.Errorf("%s loses %s twice", id, v.Loser)
	case v.Relation.Lost():
		if rows == nil {
			rows = map[logical.Dot]resolve.Relation{}
			h.ledger[id] = rows
		}
		rows[v.Loser] = v.Relation
	}
	return nil
}

// Replica folds the ops of one key as one leader does.
type Replica struct {
	Panel   resolve.Panel
	Object  *resolve.Object
	History *History
	Applied logical.Frontier
	Log     []*resolve.Op // in the order of applying

	folder   resolve.Folder
	verdicts []resolve.Verdict // of the last fold
}

// NewReplica has applied nothing.
func NewReplica(p resolve.Panel, key string) *Replica {
	return &Replica{Panel: p, Object: &resolve.Object{Key: key}, History: NewHistory()}
}

// Apply folds an op that was accepted elsewhere. Duplicates are let go; an op
// before what it depends on is an error.
func (r *Replica) Apply(op *resolve.Op) error {
	if r.Applied.Covers(op.Dot) {
		return nil
	}
	if !r.Applied.Includes(op.Deps) {
		return fmt.Errorf("apply %s: it depends on %s, and only %s is applied", op.Dot, op.Deps, r.Applied)
	}
	r.admit(op)
	r.verdicts = r.folder.Fold(r.Panel, r.Object, op, r.History, r.verdicts[:0])
	return r.History.Insert(r.verdicts)
}

// accept folds an op that was drafted here.
func (r *Replica) accept(op *resolve.Op) error {
	r.admit(op)
	r.verdicts = r.folder.Accept(r.Panel, r.Object, op, r.History, r.verdicts[:0])
	return r.History.Insert(r.verdicts)
}

func (r *Replica) admit(op *resolve.Op) {
	r.History.Admit(op)
	r.Applied = r.Applied.Clone()
	r.Applied.Advance(op.Dot)
	r.Log = append(r.Log, op)
}

// Survivors is what the object shows under one resolver, by dot.
func (r *Replica) Survivors(id resolve.ID) []logical.Dot {
	var dots []logical.Dot
	for _, i := range r.Panel.Survivors(r.Object, id, nil) {
		dots = append(dots, r.Object.Versions[i].Dot)
	}
	slices.SortFunc(dots, logical.Dot.Compare)
	return dots
}
