package resolvetest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// Told replays in a random order and holds the verdicts of each fold against brute
// force: of every version that is shown no more one says what became of it, none is
// taken back by the fold that gave it, and the winner is what survives.
func Told(p Past, r *rand.Rand) error {
	shown := map[resolve.ID][]logical.Dot{}
	_, err := replay(p, Order(p.Ops, r), func(rep *Replica, _ *resolve.Op) error {
		b := NewBrute(p.Panel, p.Key, rep.Log)
		for id := range p.Panel.Mask().Each {
			if err := rep.told(b, id, shown[id]); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			shown[id] = rep.Survivors(id)
		}
		return nil
	})
	return err
}

// told looks at the verdicts of the last fold under one resolver.
func (r *Replica) told(b *Brute, id resolve.ID, before []logical.Dot) error {
	now := r.Survivors(id)
	seen := b.Seen(now)
	verdicts := only(id, r.verdicts)
	var told []logical.Dot
	for _, v := range verdicts {
		if slices.Contains(told, v.Loser) {
			return fmt.Errorf("%s is told of twice: %+v", v.Loser, verdicts)
		}
		told = append(told, v.Loser)
		if id.Loses() && (!slices.Contains(now, v.Winner) || v.Relation.Lost() == seen[v.Loser]) {
			return fmt.Errorf("%+v, though %v survive and the loser was seen: %t", v, now, seen[v.Loser])
		}
		if !v.Retracted && v.Relation == resolve.Superseded && !slices.Contains(before, v.Loser) {
			return fmt.Errorf("%+v, though it was not shown before", v)
		}
	}
	for _, d := range before {
		if !slices.Contains(now, d) && !slices.Contains(told, d) {
			return fmt.Errorf("nobody is told that %s is shown no more", d)
		}
	}
	return nil
}
