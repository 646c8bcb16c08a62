package resolve_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// generally is the panel with its rules named, so that every op takes the general road.
func generally(p resolve.Panel) resolve.Panel {
	p.Rules = &resolve.Rules{}
	return p
}

// The plain road leads where the general one leads: to the same object and the same
// verdicts in the same order, whoever judges now and whoever judged where the ops were
// accepted.
func TestPlainRoadIsGeneralRoad(t *testing.T) {
	for _, serving := range resolve.IDs() {
		t.Run(serving.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				past := resolvetest.MixedPasts().Draw(t, "past")
				panel := resolvetest.Panel(t, serving)
				if rapid.Bool().Draw(t, "judged all along") {
					past = resolvetest.Pasts(panel).Draw(t, "past of the panel")
				}
				h, o := resolvetest.NewHistory(), &resolve.Object{Key: past.Key}
				for _, op := range past.Ops {
					h.Admit(op)
					var verdicts []resolve.Verdict
					if o, verdicts = bothRoads(t, panel, o, op, h); t.Failed() {
						t.Fatal(past)
					}
					if err := h.Insert(verdicts); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

// bothRoads folds op into copies of o, and gives one of them and the verdicts.
func bothRoads(t interface{ Errorf(string, ...any) }, panel resolve.Panel, o *resolve.Object, op *resolve.Op, h resolve.History) (*resolve.Object, []resolve.Verdict) {
	var folder resolve.Folder
	fast, slow := o.Clone(), o.Clone()
	got := folder.Fold(panel, fast, op, h, nil)
	want := folder.Fold(generally(panel), slow, op, h, nil)
	if !slices.Equal(got, want) {
		t.Errorf("%s of %v: %s tells %+v, and generally %+v", panel.Serving, panel.Mask().Names(), resolvetest.RenderOp(op), got, want)
	}
	if !reflect.DeepEqual(fast, slow) {
		t.Errorf("%s of %v: %s makes\n%s\nand generally\n%s", panel.Serving, panel.Mask().Names(), resolvetest.RenderOp(op), resolvetest.Render(fast), resolvetest.Render(slow))
	}
	return slow, want
}

// forged is ops as no honest leader makes them of op, which was written over v.
func forged(op *resolve.Op, v *resolve.Version) []*resolve.Op {
	var all []*resolve.Op
	for _, forge := range []func(op *resolve.Op){
		func(op *resolve.Op) { op.Lamport = 0 },
		func(op *resolve.Op) { op.HLC = logical.HLC{} },
		func(op *resolve.Op) { op.Wall = wallclock.Around(900, 1) },
		func(op *resolve.Op) { op.Wall.Earliest, op.Wall.Latest = v.Wall.Earliest-2, v.Wall.Latest+9 },
		func(op *resolve.Op) { op.Wall, op.HLC, op.Lamport = v.Wall, v.HLC, v.Lamport },
		func(op *resolve.Op) { op.Dot.Origin = 99 },
		func(op *resolve.Op) { op.Dot.Origin, op.Wall, op.HLC, op.Lamport = 99, v.Wall, v.HLC, v.Lamport },
		func(op *resolve.Op) { op.Seen = nil },
		func(op *resolve.Op) { op.Seen = []number.Int128{number.Of(5)}[:min(1, len(op.Parents))] },
		func(op *resolve.Op) { op.Prev = 0 },
		func(op *resolve.Op) { op.Panel = 0 },
		func(op *resolve.Op) { op.Panel = resolve.LWW.Mask() },
		func(op *resolve.Op) { op.Hidden = []logical.Dot{{Origin: 3, Seq: 3}} },
		func(op *resolve.Op) { op.Unseen = []logical.Dot{{Origin: 3, Seq: 3}} },
		func(op *resolve.Op) { op.Parents, op.Seen = nil, nil },
		func(op *resolve.Op) { op.Settles = v.Dot },
		func(op *resolve.Op) { op.Expires = 2000 },
	} {
		c := *op
		forge(&c)
		all = append(all, &c)
	}
	return all
}

// Under every panel there is, honest ops and others lead to the same along both roads.
func TestPlainRoadUnderEveryPanel(t *testing.T) {
	for _, serving := range resolve.IDs() {
		for shadows := range resolve.All + 1 {
			panel := resolve.Panel{Serving: serving, Shadows: shadows &^ serving.Mask()}
			l := resolvetest.NewLeader(panel, "key", 10)
			for i, in := range []resolvetest.Asked{put("1"), put("2"), add(3), remove(), remove(), put("4"), put("5"), remove(), add(1), add(1)} {
				before := l.Object.Clone()
				op, err := l.Accept(in, wallclock.Instant(1000+10*i))
				if err != nil || op == nil {
					t.Fatal(op, err)
				}
				bothRoads(t, panel, before, op, l.History)
				if len(before.Versions) == 0 {
					continue
				}
				for _, op := range forged(op, &before.Versions[0]) {
					bothRoads(t, panel, before, op, l.History)
				}
				before.Versions[0].Count.Base.Seq = before.Versions[0].Dot.Seq
				bothRoads(t, panel, before, op, l.History)
			}
		}
	}
}

// Ops that go over the one version that a key has cost nothing.
func TestAPlainFoldAllocatesNothing(t *testing.T) {
	for _, serving := range resolve.IDs() {
		panel := served(serving)
		l := resolvetest.NewLeader(panel, "key", 10)
		var ops []*resolve.Op
		for i, in := range []resolvetest.Asked{put("1"), put("2"), add(3), remove(), put("4")} {
			op, err := l.Accept(in, wallclock.Instant(1000+i))
			if err != nil || op == nil {
				t.Fatal(op, err)
			}
			ops = append(ops, op)
		}
		o, room := &resolve.Object{Key: "key"}, make([]resolve.Version, 0, 1)
		var folder resolve.Folder
		var verdicts []resolve.Verdict
		if n := testing.AllocsPerRun(10, func() {
			o.Versions = room[:0]
			for _, op := range ops {
				verdicts = folder.Fold(panel, o, op, l.History, verdicts[:0])
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", serving, n)
		}
	}
}
