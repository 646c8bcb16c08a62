package resolvetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
)

// Law is a claim about every causal history. It fails with what broke it. All
// chance it needs comes from r.
type Law struct {
	Name  string
	Check func(p Past, r *rand.Rand) error
}

// Laws is every law, in the order they are best read.
func Laws() []Law {
	return []Law{
		{"what a leader inserts into the ledger adds up", Inserted},
		{"any causal order gives the same object", AnyOrder},
		{"after each op, survivors, losses and sums are what brute force says", EachStep},
		{"deadlines are what brute force says", EachDeadline},
		{"what is shown no more is told of once, and truly", Told},
		{"a panel says of each resolver what it would be told alone", Apart},
		{"an op is inverted exactly when something its author was shown survived it on acceptance", Acceptances},
		{"folding twice in a row changes nothing", Twice},
		{"objects and ops share no memory that is written", NoAliasing},
	}
}

// Inserted fails when a leader inserted a loss twice or retracted what was not lost.
func Inserted(p Past, _ *rand.Rand) error { return p.Err }

// Order draws an order of delivery that respects causality.
func Order(ops []*resolve.Op, r *rand.Rand) []*resolve.Op {
	var order []*resolve.Op
	var applied logical.Frontier
	for len(order) < len(ops) {
		ready := keep(ops, func(op *resolve.Op) bool {
			return !applied.Covers(op.Dot) && applied.Includes(op.Deps)
		})
		next := ready[r.IntN(len(ready))]
		applied.Advance(next.Dot)
		order = append(order, next)
	}
	return order
}

// replay applies the ops one by one and looks after each.
func replay(p Past, order []*resolve.Op, look func(r *Replica, op *resolve.Op) error) (*Replica, error) {
	rep := NewReplica(p.Panel, p.Key)
	for _, op := range order {
		err := rep.Apply(op)
		if err == nil && look != nil {
			err = look(rep, op)
		}
		if err != nil {
			return rep, fmt.Errorf("after %s in the order %v: %w", op.Dot, inOrder(order), err)
		}
	}
	return rep, nil
}

func inOrder(ops []*resolve.Op) (out []logical.Dot) {
	for _, op := range ops {
		out = append(out, op.Dot)
	}
	return out
}

// AnyOrder replays in several orders, with duplicates, and compares the objects
// and the ledgers.
func AnyOrder(p Past, r *rand.Rand) error {
	first, err := replay(p, p.Ops, nil)
	if err != nil {
		return err
	}
	for range 4 {
		order := Order(p.Ops, r)
		other, err := replay(p, order, func(rep *Replica, _ *resolve.Op) error {
			return rep.Apply(order[r.IntN(len(rep.Log))])
		})
		if err != nil {
			return err
		}
		if err := same(first.Object, other.Object); err != nil {
			return fmt.Errorf("orders %v and %v: %w", inOrder(p.Ops), inOrder(order), err)
		}
		if !reflect.DeepEqual(first.losses(), other.losses()) {
			return fmt.Errorf("orders %v and %v: ledgers %v and %v", inOrder(p.Ops), inOrder(order), first.losses(), other.losses())
		}
	}
	return nil
}

// losses is the ledger without empty rows.
func (r *Replica) losses() map[resolve.ID]map[logical.Dot]resolve.Relation {
	all := map[resolve.ID]map[logical.Dot]resolve.Relation{}
	for id, rows := range r.History.ledger {
		if len(rows) > 0 {
			all[id] = rows
		}
	}
	return all
}

// same compares two objects deeply and as text.
func same(a, b *resolve.Object) error {
	if Render(a) != Render(b) {
		return fmt.Errorf("objects differ:\n%s%s", Render(a), Render(b))
	}
	if len(a.Versions) > 0 && !reflect.DeepEqual(a, b) {
		return fmt.Errorf("objects differ where their text does not: %#v and %#v", a, b)
	}
	return nil
}

// EachStep replays in a random order and holds every intermediate state against
// brute force.
func EachStep(p Past, r *rand.Rand) error {
	_, err := replay(p, Order(p.Ops, r), func(rep *Replica, _ *resolve.Op) error { return rep.Audit() })
	return err
}

// Audit holds a replica against brute force, for every resolver of its panel:
// survivors, losses, sums, and that accepted = live + superseded + lost.
func (r *Replica) Audit() error {
	b := NewBrute(r.Panel, r.Object.Key, r.Log)
	for _, id := range resolve.IDs() {
		if !r.Panel.Mask().Has(id) {
			continue
		}
		if err := r.judgedAs(b, id); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return r.countedAs(b)
}

func (r *Replica) judgedAs(b *Brute, id resolve.ID) error {
	got, want := r.Survivors(id), b.Survivors(id)
	if b.err != nil {
		return b.err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("survivors are %v, want %v", got, want)
	}
	lost, must := r.History.Losses(id), b.Lost(id)
	if !maps.Equal(lost, must) {
		return fmt.Errorf("lost are %v, want %v", lost, must)
	}
	return r.conserves(b, id, got)
}

// conserves counts every accepted op exactly once. What is neither live nor
// lost must have been seen by something live, or, where deletions leave nothing
// behind, by a deletion.
func (r *Replica) conserves(b *Brute, id resolve.ID, live []logical.Dot) error {
	roots := slices.Clone(live)
	for _, op := range r.Log {
		if !id.Loses() && (op.Kind == resolve.Delete || id == resolve.Counter) {
			roots = append(roots, op.Dot)
		}
	}
	seen := b.Seen(roots)
	if !id.Loses() && b.panel.Serving != id {
		seen = b.covered(roots)
	}
	superseded, accepted := 0, Writes(r.Log)
	for _, op := range accepted {
		if seen[op.Dot] && !slices.Contains(live, op.Dot) {
			superseded++
		}
	}
	if n := len(live) + superseded + len(r.History.Losses(id)); n != len(accepted) {
		return fmt.Errorf("accepted %d, but live %d + superseded %d + lost %d = %d", len(accepted), len(live), superseded, len(r.History.Losses(id)), n)
	}
	return nil
}

// covered is Seen, where what a leader hid counts as shown: had this resolver
// served, it would have been.
func (b *Brute) covered(from []logical.Dot) map[logical.Dot]bool {
	open := make([]*resolve.Op, len(b.ops))
	for i, op := range b.ops {
		c := *op
		c.Parents = slices.Concat(op.Parents, op.Hidden)
		open[i] = &c
	}
	return NewBrute(b.panel, b.key, open).Seen(from)
}

func (r *Replica) countedAs(b *Brute) error {
	if !r.Panel.Mask().Has(resolve.Counter) {
		return nil
	}
	got, live := r.Object.Sum()
	want, must := b.Sum()
	if got != want || live != must {
		return fmt.Errorf("counter: sum is %s (%t), want %s (%t)\n%s", got, live, want, must, Render(r.Object))
	}
	return nil
}

// Acceptances compares what each leader recorded in an op with what it had applied.
func Acceptances(p Past, _ *rand.Rand) error {
	for _, op := range Writes(p.Ops) {
		then := keep(p.Ops, func(o *resolve.Op) bool { return o == op || op.Deps.Covers(o.Dot) })
		if want := NewBrute(p.Panel, p.Key, then).InvertedOnAcceptance(op); op.Inverted != want {
			return fmt.Errorf("%s is marked inverted under %v, want %v", op.Dot, op.Inverted.Names(), want.Names())
		}
	}
	return nil
}

// Twice folds every op a second time at once.
func Twice(p Past, r *rand.Rand) error {
	_, err := replay(p, Order(p.Ops, r), func(rep *Replica, op *resolve.Op) error {
		before := rep.Object.Clone()
		if v := p.Panel.Fold(rep.Object, op, rep.History, nil); len(v) > 0 {
			return fmt.Errorf("folding it again gives verdicts %v", v)
		}
		return same(before, rep.Object)
	})
	return err
}

// NoAliasing folds a clone at each step and sees that the original stays, then
// scribbles over the op's slices and sees that the object stays; the value's
// bytes are never written.
func NoAliasing(p Past, r *rand.Rand) error {
	order := Order(p.Ops, r)
	rep := NewReplica(p.Panel, p.Key)
	for _, shared := range order {
		op := deepCopy(shared)
		old := rep.Object
		was := Render(old)
		rep.Object = old.Clone()
		if err := rep.Apply(op); err != nil {
			return err
		}
		if now := Render(old); now != was {
			return fmt.Errorf("folding %s into a clone changed the original from\n%sto\n%s", op.Dot, was, now)
		}
		if err := unchangedBy(op, shared, rep.Object); err != nil {
			return err
		}
	}
	return nil
}

func unchangedBy(op, original *resolve.Op, o *resolve.Object) error {
	if !reflect.DeepEqual(op, original) {
		return fmt.Errorf("folding changed the op from\n%s\nto\n%s", RenderOp(original), RenderOp(op))
	}
	was := Render(o)
	scribble(op)
	now := Render(o)
	*op = *deepCopy(original)
	if now != was {
		return fmt.Errorf("the object shares memory with %s", op.Dot)
	}
	return nil
}

func scribble(op *resolve.Op) {
	for i := range op.Parents {
		op.Parents[i] = logical.Dot{Origin: 666, Seq: 666}
	}
	for i := range op.Hidden {
		op.Hidden[i] = logical.Dot{Origin: 666, Seq: 666}
	}
	for i := range op.Seen {
		op.Seen[i] = number.Of(666)
	}
}

func deepCopy(op *resolve.Op) *resolve.Op {
	c := *op
	c.Value, c.Parents, c.Hidden = slices.Clone(op.Value), slices.Clone(op.Parents), slices.Clone(op.Hidden)
	c.Seen, c.Deps = slices.Clone(op.Seen), op.Deps.Clone()
	return &c
}
