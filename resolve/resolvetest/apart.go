package resolvetest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"kvd/resolve"
)

// Apart replays under the panel and under each of its resolvers alone: whom a
// resolver is judged together with changes neither its verdicts nor their order.
func Apart(p Past, r *rand.Rand) error {
	alone := map[resolve.ID]*Replica{}
	for id := range p.Panel.Mask().Each {
		alone[id] = NewReplica(resolve.Panel{Serving: id, Rules: p.Panel.Rules}, p.Key)
	}
	_, err := replay(p, Order(p.Ops, r), func(rep *Replica, op *resolve.Op) error {
		for id := range rep.Panel.Mask().Each {
			if err := alone[id].Apply(op); err != nil {
				return fmt.Errorf("%s alone: %w", id, err)
			}
			if got, want := only(id, rep.verdicts), alone[id].verdicts; !slices.Equal(got, want) {
				return fmt.Errorf("%s is told %+v, and alone %+v", id, got, want)
			}
		}
		return nil
	})
	return err
}

// only is the verdicts of one resolver.
func only(id resolve.ID, verdicts []resolve.Verdict) (out []resolve.Verdict) {
	for _, v := range verdicts {
		if v.Resolvers.Has(id) {
			v.Resolvers = id.Mask()
			out = append(out, v)
		}
	}
	return out
}
