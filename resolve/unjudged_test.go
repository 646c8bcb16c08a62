package resolve_test

import (
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
)

// What an op covers without naming it follows from who judged it: one that says so
// covers what its leader had applied and its author was not kept from seeing, and one
// from before that was recorded covers what it names.
func TestWhatAnOpCoversFollowsFromItsPanel(t *testing.T) {
	dot := func(n int) logical.Dot { return logical.Dot{Origin: logical.Origin(n), Seq: 1} }
	applied, named, hidden, unseen, later, own := dot(1), dot(2), dot(3), dot(4), dot(5), dot(6)
	deps := logical.FrontierOf(applied, named, hidden, unseen)
	live := resolve.Siblings.Mask() | resolve.Causal.Mask() | resolve.Interval.Mask()
	o := &resolve.Object{Key: "k"}
	for _, d := range []logical.Dot{applied, named, hidden, unseen, later, own} {
		o.Versions = append(o.Versions, resolve.Version{Dot: d, Mask: live})
	}
	o.Versions = append(o.Versions, resolve.Version{Dot: dot(7), Mask: resolve.LWW.Mask()})
	deps.Advance(dot(7)) // in no live set: there is nothing to cover
	for _, c := range []struct {
		what     string
		panel    resolve.Mask
		siblings bool // it covers more than it names under siblings
		covers   bool // applied, if it does
		hides    []logical.Dot
	}{
		{"an op from before panels were recorded", 0, false, false, nil},
		{"an op that lww judged", resolve.LWW.Mask(), true, true, []logical.Dot{applied}},
		{"an op that siblings judged", resolve.Siblings.Mask(), false, true, []logical.Dot{applied}},
		{"an op that all live sets judged", live, false, true, nil},
		{"an op that all judged", resolve.All, false, true, nil},
	} {
		op := &resolve.Op{Dot: own, Panel: c.panel, Deps: deps, Parents: []logical.Dot{named}, Hidden: []logical.Dot{hidden}, Unseen: []logical.Dot{unseen}}
		if got := op.HidesMore(resolve.Siblings); got != c.siblings {
			t.Errorf("%s hides more than it names: %t", c.what, got)
		}
		for d, want := range map[logical.Dot]bool{applied: c.covers, unseen: false, later: false} {
			if got := op.Covers(d); got != want {
				t.Errorf("%s covers %s: %t", c.what, d, got)
			}
		}
		if got := op.Hides(o); !slices.Equal(got, c.hides) {
			t.Errorf("%s hides %v, want %v", c.what, got, c.hides)
		}
	}
}

// What its author was not shown of what the leader shows is recorded, and nothing else.
func TestUnseenIsWhatWasShownAndNotTold(t *testing.T) {
	s := newStory(t, served(resolve.Siblings), "a")
	first := s.do("a", put("1"))
	second := s.do("a", over(put("2")))
	third := s.do("a", over(put("3")))
	if want := []logical.Dot{first.Dot, second.Dot}; !slices.Equal(third.Unseen, want) {
		t.Errorf("unseen are %v, want %v", third.Unseen, want)
	}
	if op := s.do("a", over(put("4"), second.Dot)); !slices.Equal(op.Unseen, []logical.Dot{first.Dot, third.Dot}) {
		t.Errorf("unseen are %v, want %s and %s", op.Unseen, first.Dot, third.Dot)
	}
}

// Where wall clocks judge only afterwards, a write that lost to what its author had been
// shown is inverted all the same, and the op, which others share, is not changed.
func TestWhoJudgesLaterFindsWhatIsInverted(t *testing.T) {
	s := newStory(t, resolve.Panel{Serving: resolve.Siblings}, "a", "b")
	s.clock("a", 1100, 0)
	s.do("a", put("one"))
	s.ship("a", "b")
	later := s.do("b", put("two"))
	s.ship("b", "a")
	for _, panel := range []resolve.Mask{resolve.Siblings.Mask(), 0} {
		told := *later
		told.Panel = panel
		r := resolvetest.NewReplica(resolve.Panel{Serving: resolve.LWW}, "k")
		for _, op := range []*resolve.Op{s.leaders["a"].Log[0], &told} {
			if err := r.Apply(op); err != nil {
				t.Fatal(err)
			}
		}
		want := resolve.Inverted
		if panel == 0 {
			want = resolve.Concurrent // whoever judged it has recorded nothing
		}
		if got, lost := r.History.Losses(resolve.LWW)[later.Dot]; !lost || got != want {
			t.Errorf("an op that %v judged is lost: %t, as %s; want %s", panel.Names(), lost, got, want)
		}
		if told.Inverted != 0 {
			t.Errorf("folding marked the op inverted under %v", told.Inverted.Names())
		}
	}
}

// A store from before the panel was stored tells it by who keeps what.
func TestAPanelMayHaveFoldedWhatOnlyItKeeps(t *testing.T) {
	mask := func(ids ...resolve.ID) (m resolve.Mask) {
		for _, id := range ids {
			m |= id.Mask()
		}
		return m
	}
	put := func(m resolve.Mask) resolve.Version { return resolve.Version{Kind: resolve.Put, Mask: m} }
	gone := func(m resolve.Mask) resolve.Version { return resolve.Version{Kind: resolve.Delete, Mask: m} }
	panel := resolve.Panel{Serving: resolve.Siblings, Shadows: mask(resolve.LWW, resolve.Counter)}
	for _, c := range []struct {
		what     string
		versions []resolve.Version
		want     bool
	}{
		{"nothing", nil, true},
		{"a value that all keep", []resolve.Version{put(panel.Mask())}, true},
		{"a value that siblings does not keep", []resolve.Version{put(mask(resolve.LWW, resolve.Counter))}, false},
		{"a value that lww does not keep", []resolve.Version{put(mask(resolve.Siblings, resolve.Counter))}, false},
		{"a value that others keep too", []resolve.Version{put(panel.Mask() | resolve.HLC.Mask())}, false},
		{"a value that only others keep", []resolve.Version{put(resolve.HLC.Mask())}, false},
		{"a deletion that lww keeps", []resolve.Version{gone(mask(resolve.LWW))}, true},
		{"a deletion that lww does not keep", []resolve.Version{gone(0)}, false},
		{"a value and a deletion", []resolve.Version{gone(mask(resolve.LWW)), put(mask(resolve.Siblings, resolve.Counter))}, true},
		{"a value before a deletion, kept by lww alone", []resolve.Version{put(0), gone(mask(resolve.LWW))}, false},
	} {
		if got := panel.MayHaveFolded(&resolve.Object{Versions: c.versions}); got != c.want {
			t.Errorf("%s: %t", c.what, got)
		}
	}
}
