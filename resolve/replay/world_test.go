package replay

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"kvd/resolve"
	"kvd/scenarios/explore"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
)

// TestReplayIsWhatClustersDid plays scenarios on the real leaders under each of
// three resolvers, and replays what they accepted: for the resolver that really
// ran, values and losses are those of the cluster, class by class; for its
// shadows too.
func TestReplayIsWhatClustersDid(t *testing.T) {
	var played []*script.Scenario
	for _, name := range []string{"ddia-8-3", "three-way-increment", "clock-step-back", "equal-stamps", "strobing-clock",
		"delete-against-update", "mass-deletes", "minority-side", "relay", "lost-reply", "poisoned-delete"} {
		s, err := library.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		played = append(played, s)
	}
	for seed := range uint64(6) {
		played = append(played, explore.Generate(seed))
	}
	for _, s := range played {
		for _, id := range []resolve.ID{resolve.LWW, resolve.Siblings, resolve.Counter, resolve.Interval} {
			for _, shadows := range []resolve.Mask{resolve.All, 0} {
				t.Run(fmt.Sprintf("%s/%s/%d", s.Name, id, len(shadows.Names())), func(t *testing.T) { compare(t, s, id, shadows) })
			}
		}
	}
}

func compare(t *testing.T, s *script.Scenario, id resolve.ID, shadows resolve.Mask) {
	policy := resolve.Policy{Default: id, Shadows: shadows &^ id.Mask()}
	w, err := world.New(s, world.Config{Policy: policy, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Run(); err != nil {
		t.Fatal(err)
	}
	r := newReplayer(Config{Policy: policy, Resolvers: shadows, Differences: 99})
	for _, op := range accepted(w) {
		if err := r.apply(op); err != nil {
			t.Fatal(err)
		}
	}
	res := r.result()
	nodes, err := w.Nodes()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if got, want := rows(r), lossesOf(n); !slices.Equal(got, want) {
			t.Errorf("the ledger of %s is %v, replay says %v", n.Name, want, got)
		}
	}
	for leader, values := range w.Values {
		r.showsAs(t, leader, values)
	}
	for _, o := range res.Outcomes {
		if o.Accepted != o.Live+o.Superseded+o.Lost() {
			t.Errorf("%s does not add up: %+v", o.Resolver, o)
		}
	}
}

// accepted is every op of the run, in Lamport order.
func accepted(w *world.World) []*resolve.Op {
	var ops []*resolve.Op
	for e := range w.Trace.All() {
		if e.Kind == trace.Accepted || e.Kind == trace.Applied {
			op := w.Op(e.Dot)
			if !slices.ContainsFunc(ops, func(o *resolve.Op) bool { return o.Dot == op.Dot }) {
				ops = append(ops, op)
			}
		}
	}
	slices.SortFunc(ops, func(a, b *resolve.Op) int { return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot)) })
	return ops
}

// rows is what was lost, as text.
func rows(r *replayer) (out []string) {
	for at := range r.past.entries.len() {
		e := r.past.entries.at(at)
		for _, id := range resolve.IDs() {
			if e.lost.Has(id) {
				out = append(out, fmt.Sprint(id, r.past.keys[e.key], r.past.dot(at), e.relation(id)))
			}
		}
	}
	slices.Sort(out)
	return out
}

func lossesOf(n world.Node) (out []string) {
	for _, l := range n.Losses {
		out = append(out, fmt.Sprint(l.Resolver, l.Key, l.Loser, l.Relation))
	}
	slices.Sort(out)
	return out
}

// showsAs compares final values with what a leader shows.
func (r *replayer) showsAs(t *testing.T, leader string, values map[string][]string) {
	f := summary{replayer: r}
	for key, want := range values {
		var got []string
		if n, ok := r.past.byKey[key]; ok {
			k := r.keys.at(n)
			for _, v := range f.read(k, k.panel.Serving) {
				got = append(got, string(v))
			}
		}
		if !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s shows %q for %s, replay says %q", leader, want, key, got)
		}
	}
}

// TestReplayIsWhatOtherClustersDid: where clients were shown the same under two
// resolvers, both clusters accepted the same history, and replaying the one gives
// what the other shows and lost.
func TestReplayIsWhatOtherClustersDid(t *testing.T) {
	ran := []resolve.ID{resolve.LWW, resolve.Siblings, resolve.Counter}
	same := 0
	for _, name := range []string{"ddia-8-3", "three-way-increment", "equal-stamps", "delete-against-update", "relay", "cause-before-effect"} {
		s, err := library.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range ran {
			for _, to := range ran {
				if from != to && transferred(t, s, from, to) {
					same++
				}
			}
		}
	}
	if same < 10 {
		t.Errorf("only %d pairs of clusters accepted the same history", same)
	}
}

func transferred(t *testing.T, s *script.Scenario, from, to resolve.ID) bool {
	t.Helper()
	var worlds []*world.World
	for _, id := range []resolve.ID{from, to} {
		w, err := world.New(s, world.Config{Policy: resolve.Policy{Default: id, Shadows: resolve.All &^ id.Mask()}, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if err := w.Run(); err != nil {
			t.Fatal(err)
		}
		worlds = append(worlds, w)
	}
	if !slices.EqualFunc(accepted(worlds[0]), accepted(worlds[1]), alike) {
		return false
	}
	r := newReplayer(Config{Policy: resolve.Policy{Default: from, Shadows: resolve.All}, Resolvers: resolve.All})
	for _, op := range accepted(worlds[0]) {
		if err := r.apply(op); err != nil {
			t.Fatal(err)
		}
	}
	for n := range r.keys.len() {
		r.keys.at(n).panel = served(to)
	}
	r.result()
	for leader, values := range worlds[1].Values {
		r.showsAs(t, leader, values)
	}
	nodes, err := worlds[1].Nodes()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(r), lossesOf(nodes[0]); !slices.Equal(got, want) {
		t.Errorf("%s: %s replayed for %s lost %v, the cluster %v", s.Name, from, to, got, want)
	}
	return true
}

// alike reports whether two clusters accepted the same write after showing the
// same.
func alike(a, b *resolve.Op) bool {
	return a.Dot == b.Dot && a.Key == b.Key && a.Kind == b.Kind && string(a.Value) == string(b.Value) && slices.Equal(a.Parents, b.Parents) && slices.Equal(a.Hidden, b.Hidden)
}
