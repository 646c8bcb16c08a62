package rejoin_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/rejoin"
	"kvd/resolve/resolvetest"
)

// folded is the object that the ops come to.
func folded(t *rapid.T, p resolvetest.Past, ops []*resolve.Op) *resolve.Object {
	r := resolvetest.NewReplica(p.Panel, p.Key)
	for _, op := range ops {
		if err := r.Apply(op); err != nil {
			t.Fatal(err)
		}
	}
	return r.Object
}

// damaged is the object as a fault may have left it: as it was some time ago, with versions
// missing, or gone.
func damaged(t *rapid.T, p resolvetest.Past, right *resolve.Object) *resolve.Object {
	o := right.Clone()
	switch rapid.IntRange(0, 2).Draw(t, "damage") {
	case 0:
		o = folded(t, p, p.Ops[:rapid.IntRange(0, len(p.Ops)).Draw(t, "as of")])
	case 1:
		o.Versions = slices.DeleteFunc(o.Versions, func(resolve.Version) bool { return rapid.Bool().Draw(t, "missing") })
	default:
		o.Versions = nil
	}
	o.Duplicates = right.Duplicates
	return o
}

func pasts(t *rapid.T) resolvetest.Past {
	id := rapid.SampledFrom([]resolve.ID{resolve.LWW, resolve.Lamport, resolve.HLC, resolve.Interval, resolve.Siblings, resolve.Causal, resolve.Counter}).Draw(t, "resolver")
	panel := resolve.Panel{Serving: id}
	if rapid.Bool().Draw(t, "shadows") {
		panel.Shadows = (resolve.LWW.Mask() | resolve.HLC.Mask() | resolve.Siblings.Mask() | resolve.Causal.Mask()) &^ id.Mask()
	}
	return resolvetest.Pasts(panel).Draw(t, "past")
}

// With the ops in a log the damaged object becomes what the other is, whichever of the two
// is joined to which, and joining again changes nothing.
func TestTheLogDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pasts(t)
		if p.Err != nil || slices.ContainsFunc(p.Ops, func(op *resolve.Op) bool { return op.Kind == resolve.Touch }) && p.Panel.Serving == resolve.Counter {
			return // deadlines of counters are stated by ops that leave no version
		}
		right := folded(t, p, p.Ops)
		wrong := damaged(t, p, right)
		ops := map[logical.Dot]*resolve.Op{}
		for _, op := range p.Ops {
			ops[op.Dot] = op
		}
		log := func(d logical.Dot) (*resolve.Op, bool) { op, ok := ops[d]; return op, ok }
		for name, pair := range map[string][2]*resolve.Object{"to the damaged one": {wrong, right}, "to the whole one": {right, wrong}, "to itself": {right, right}} {
			got, err := rejoin.Join(p.Panel, pair[0], pair[1], log)
			if p.Panel.Serving == resolve.Interval && err == nil && keepsAll(got, right) {
				continue // a deletion by a clock that is behind leaves no version under interval
			}
			if err != nil || !same(got, right) {
				t.Fatalf("%s: %v\n%s\nwhole   %s\ndamaged %s\njoined  %s", name, err, p, resolvetest.Render(right), resolvetest.Render(wrong), resolvetest.Render(got))
			}
		}
	})
}

func same(a, b *resolve.Object) bool {
	return a.Duplicates == b.Duplicates && len(a.Versions) == len(b.Versions) && (len(a.Versions) == 0 || reflect.DeepEqual(a.Versions, b.Versions))
}

// Without any log nothing that the whole object keeps is lost.
func TestAbsenceIsNoEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pasts(t)
		if p.Err != nil {
			return
		}
		right := folded(t, p, p.Ops)
		wrong := damaged(t, p, right)
		got, err := rejoin.Join(p.Panel, wrong, right, func(logical.Dot) (*resolve.Op, bool) { return nil, false })
		if err != nil {
			t.Fatal(err)
		}
		if !keepsAll(got, right) {
			t.Fatalf("something is lost\n%s\nwhole   %s\njoined  %s", p, resolvetest.Render(right), resolvetest.Render(got))
		}
	})
}

// keepsAll reports whether got keeps every version for everybody for whom right does.
func keepsAll(got, right *resolve.Object) bool {
	for i := range right.Versions {
		v := &right.Versions[i]
		if at, ok := got.Find(v.Dot); !ok || v.Mask&^got.Versions[at].Mask != 0 {
			return false
		}
	}
	return true
}

func put(seq logical.Seq, value string) resolve.Version {
	return resolve.Version{Dot: logical.Dot{Origin: 1, Seq: seq}, Mask: resolve.LWW.Mask(), Kind: resolve.Put, Value: []byte(value)}
}

// Two contents under one dot are decided by the op, and by nobody where it is gone. A version
// under the dot of another key's op was never this key's.
func TestContents(t *testing.T) {
	panel := resolve.Panel{Serving: resolve.LWW}
	one := &resolve.Object{Key: "k", Versions: []resolve.Version{put(1, "one")}}
	two := &resolve.Object{Key: "k", Versions: []resolve.Version{put(1, "two")}}
	op := &resolve.Op{Dot: logical.Dot{Origin: 1, Seq: 1}, Key: "k", Kind: resolve.Put, Value: []byte("two")}
	log := func(d logical.Dot) (*resolve.Op, bool) { return op, d == op.Dot }
	if got, err := rejoin.Join(panel, one, two, log); err != nil || string(got.Versions[0].Value) != "two" {
		t.Errorf("with the op: %v, %v", got, err)
	}
	if _, err := rejoin.Join(panel, one, two, func(logical.Dot) (*resolve.Op, bool) { return nil, false }); !errors.Is(err, rejoin.ErrUndecided) {
		t.Errorf("without: %v", err)
	}
	op.Key = "other"
	if got, err := rejoin.Join(panel, one, &resolve.Object{Key: "k"}, log); err != nil || len(got.Versions) != 0 {
		t.Errorf("another key's: %v, %v", got, err)
	}
}
