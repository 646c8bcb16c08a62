package replay

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
)

// served is a panel of id with every other resolver as a shadow.
func served(id resolve.ID) resolve.Panel {
	return resolve.Panel{Serving: id, Shadows: resolve.All &^ id.Mask()}
}

// replayed folds a past through every resolver. Recorded is who counts as having
// been on the panel: what others recorded on acceptance is not believed.
func replayed(p resolvetest.Past, ops []*resolve.Op, recorded resolve.Mask) (*replayer, *Result, error) {
	r := newReplayer(Config{Policy: resolve.Policy{Default: p.Panel.Serving, Shadows: recorded}, Resolvers: resolve.All, Differences: 9})
	for _, op := range ops {
		c := *op
		c.Inverted &= recorded | p.Panel.Serving.Mask()
		c.Panel = 0 // an op from before that was recorded
		if err := r.apply(&c); err != nil {
			return nil, nil, err
		}
	}
	return r, r.result(), nil
}

// TestReplayIsWhatBruteForceSays holds survivors, losses, classes and values
// against all ops at once, for every resolver, whoever served.
func TestReplayIsWhatBruteForceSays(t *testing.T) {
	for _, serving := range resolve.IDs() {
		t.Run(serving.String(), func(t *testing.T) {
			pasts := resolvetest.Pasts(served(serving))
			rapid.Check(t, func(t *rapid.T) {
				past := pasts.Draw(t, "past")
				ops := resolvetest.Order(past.Ops, newRand(rapid.Uint64().Draw(t, "seed")))
				for _, recorded := range []resolve.Mask{resolve.All, 0} {
					if err := agrees(past, ops, recorded); err != nil {
						t.Fatalf("acceptances recorded by %v: %v\n%s", recorded.Names(), err, past)
					}
				}
			})
		})
	}
}

func agrees(past resolvetest.Past, ops []*resolve.Op, recorded resolve.Mask) error {
	rep := resolvetest.NewReplica(past.Panel, past.Key)
	for _, op := range ops {
		if err := rep.Apply(op); err != nil {
			return err
		}
	}
	r, res, err := replayed(past, ops, recorded)
	if err != nil {
		return err
	}
	b := resolvetest.NewBrute(past.Panel, past.Key, past.Ops)
	if len(resolvetest.Writes(ops)) > 0 && len(res.Outcomes) != len(resolve.IDs()) {
		return fmt.Errorf("%d outcomes", len(res.Outcomes))
	}
	for _, out := range res.Outcomes {
		if err := out.agrees(r, b, rep); err != nil {
			return fmt.Errorf("%s: %w", out.Resolver, err)
		}
	}
	return nil
}

func (o *Outcome) agrees(r *replayer, b *resolvetest.Brute, rep *resolvetest.Replica) error {
	id := o.Resolver
	lost := map[logical.Dot]resolve.Relation{}
	for at := range r.past.entries.len() {
		if e := r.past.entries.at(at); e.lost.Has(id) {
			lost[r.past.dot(at)] = e.relation(id)
		}
	}
	if want := b.Lost(id); !maps.Equal(lost, want) {
		return fmt.Errorf("lost %v, brute force says %v", lost, want)
	}
	if got := rep.History.Losses(id); !maps.Equal(lost, got) {
		return fmt.Errorf("lost %v, a replica's ledger says %v", lost, got)
	}
	if want := b.Survivors(id); o.Live != len(want) {
		return fmt.Errorf("%d live, brute force says %v", o.Live, want)
	}
	if o.Accepted != len(resolvetest.Writes(rep.Log)) || o.Accepted != o.Live+o.Superseded+o.Lost() || o.Lost() != len(lost) {
		return fmt.Errorf("does not add up: %+v", o)
	}
	return o.shows(r, rep)
}

// shows compares the final values with what a leader would show that this
// resolver served.
func (o *Outcome) shows(r *replayer, rep *resolvetest.Replica) error {
	f := summary{replayer: r}
	got, want := f.read(r.keys.at(0), o.Resolver), served(o.Resolver).Read(rep.Object, rep.History).Values
	if !same(got, want) || !slices.EqualFunc(got, want, slices.Equal) {
		return fmt.Errorf("shows %q, a leader %q", got, want)
	}
	serving := rep.Panel.Read(rep.Object, rep.History).Values
	if differs := !same(serving, want); differs != (o.Differ == 1) || o.Differ != len(o.Differences) {
		return fmt.Errorf("differs %t, and %d differences are counted", differs, o.Differ)
	}
	return nil
}
