package branch

import (
	"context"
	"fmt"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
)

// Limits bounds the work for one result.
type Limits struct {
	Branches int // runs that are played again
	Events   int // of all of them together, each taken to be as long as the result
}

// Default is the limits unless somebody asks for others: a second or two of work at most.
var Default = Limits{Branches: 64, Events: 200_000}

// Least is how many branches one loss takes: fewer answer nothing, and none is played.
const Least = 12

// budget is how many branches of a run of so many events may be played.
func (l Limits) budget(events int) int {
	n := min(l.Branches, l.Events/max(1, events))
	if n < Least {
		return 0
	}
	return n
}

// Look gives the losses of a result the last moments at which they could have been avoided,
// the first losses first, as far as the limits allow. A result of real leaders, or without a
// trace, is left as it is. The script is the one that it is a result of. It fails when a
// branch cannot be played, or with ctx.
//
// The branches of one result are played one behind the other; several results can be looked
// at side by side.
func Look(ctx context.Context, s *script.Scenario, r *scenarios.Result, l Limits) error {
	if r.Live || r.Trace == nil || len(r.Losses) == 0 {
		return nil
	}
	id, err := resolve.ParseID(r.Resolver)
	if err != nil {
		return fmt.Errorf("branch %s: %w", r.Scenario, err)
	}
	x := &search{
		ctx: ctx, script: s, result: r, options: scenarios.Options{Resolver: id, Seed: r.Seed}, left: l.budget(r.Trace.Len()),
		moments: read(r), ids: identities(r), known: map[world.Mend][]bool{},
	}
	for _, i := range x.order() {
		found, err := x.loss(i)
		if err != nil {
			return fmt.Errorf("branch %s under %s: %w", r.Scenario, r.Resolver, err)
		}
		if found == nil {
			return nil // the branches are used up
		}
		r.Losses[i].Avoidable = found
	}
	return nil
}

// search is one result being looked at.
type search struct {
	ctx     context.Context
	script  *script.Scenario
	result  *scenarios.Result
	options scenarios.Options
	left    int // branches that may still be played
	moments moments
	ids     map[string]string     // of requests, by label
	known   map[world.Mend][]bool // by branch: which losses it avoids
}

// loss finds the last moment of one loss; nil: there are not enough branches.
func (x *search) loss(i int) (*oracle.Avoidable, error) {
	at := func(m int) world.Mend { return world.Mend{At: x.moments.at[m], Repairs: world.AllRepairs} }
	avoided, err := x.avoids(at(0), i)
	if avoided == nil || err != nil {
		return nil, err
	}
	if !*avoided {
		return &oracle.Avoidable{Never: true}, nil
	}
	// Mended at low it is avoided, at high it is not.
	low, high := 0, len(x.moments.at)
	for _, steps := range [][]int{x.moments.concerning(&x.result.Losses[i]), nil} {
		for low+1 < high {
			middle := between(steps, low, high)
			if middle < 0 {
				break
			}
			if avoided, err = x.avoids(at(middle), i); avoided == nil || err != nil {
				return nil, err
			}
			if *avoided {
				low = middle
			} else {
				high = middle
			}
		}
	}
	return x.enough(i, low)
}

// enough names what alone would have been enough at the moment.
func (x *search) enough(i, moment int) (*oracle.Avoidable, error) {
	out := &oracle.Avoidable{Until: x.moments.at[moment], Event: x.moments.words(moment, &x.result.Losses[i]), Enough: []string{}}
	for _, r := range world.EachRepair {
		avoided, err := x.avoids(world.Mend{At: x.moments.at[moment], Repairs: r}, i)
		if avoided == nil || err != nil {
			return nil, err
		}
		if *avoided {
			out.Enough = append(out.Enough, r.String())
		}
	}
	return out, nil
}

// avoids reports whether a branch avoids a loss; nil: it was not played, and no more may be.
func (x *search) avoids(m world.Mend, loss int) (*bool, error) {
	all, known := x.known[m]
	if !known {
		if x.left == 0 {
			return nil, nil
		}
		if err := x.ctx.Err(); err != nil {
			return nil, err
		}
		x.left--
		var err error
		if all, err = x.play(m); err != nil {
			return nil, err
		}
		x.known[m] = all
	}
	return &all[loss], nil
}

// play plays a branch and says which losses of the run it avoids.
func (x *search) play(m world.Mend) ([]bool, error) {
	o := x.options
	o.Mend = m
	there, err := scenarios.Losses(x.script, o)
	if err != nil {
		return nil, fmt.Errorf("mended at %s: %w", m.At, err)
	}
	lost := map[string]int{} // in the run, by key
	for i := range x.result.Losses {
		lost[x.result.Losses[i].Key]++
	}
	avoids := make([]bool, len(x.result.Losses))
	for i := range x.result.Losses {
		l := &x.result.Losses[i]
		avoids[i] = there.Kept[x.ids[l.Label]] && there.Lost[l.Key] < lost[l.Key]
	}
	return avoids, nil
}

// identities is the requests behind the labels: labels that nobody gave may differ from
// branch to branch.
func identities(r *scenarios.Result) map[string]string {
	ids := map[string]string{}
	for _, q := range r.History.Updates {
		ids[q.Name()] = q.ID
	}
	return ids
}
