package resolve_test

import (
	"slices"
	"testing"

	"kvd/resolve"
)

func TestLongestPrefixServes(t *testing.T) {
	p := resolve.Policy{
		Default: resolve.HLC,
		Shadows: resolve.All,
		Rules: []resolve.Rule{
			{Prefix: "cart/", Resolver: resolve.Siblings}, {Prefix: "", Resolver: resolve.LWW}, {Prefix: "cart/total", Resolver: resolve.Counter},
		},
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]resolve.ID{"x": resolve.LWW, "cart/7": resolve.Siblings, "cart/total/7": resolve.Counter, "cart": resolve.LWW} {
		panel := p.Panel(key)
		if panel.Serving != want || panel.Mask() != resolve.All || panel.Shadows.Has(want) {
			t.Errorf("%q is served by %s with %v, want %s and all others", key, panel.Serving, panel.Shadows.Names(), want)
		}
	}
	if got, want := p.String(), `*=hlc ""=lww "cart/"=siblings "cart/total"=counter`; got != want {
		t.Errorf("policy reads %s, want %s", got, want)
	}
}

func TestPolicyRefusesAPrefixTwice(t *testing.T) {
	p := resolve.Policy{Rules: []resolve.Rule{{Prefix: "a", Resolver: resolve.LWW}, {Prefix: "a", Resolver: resolve.HLC}}}
	if err := p.Validate(); err == nil {
		t.Error("a prefix is given twice, without an error")
	}
}

func TestEveryResolverHasOneFullRow(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range resolve.IDs() {
		name := id.String()
		got, err := resolve.ParseID(name)
		if err != nil || got != id || seen[name] || id.Rule() == "" {
			t.Errorf("%d is called %q, says %q and parses as %d, %v", id, name, id.Rule(), got, err)
		}
		seen[name] = true
	}
	want := []string{"lww", "lamport", "hlc", "interval", "siblings", "causal", "counter"} // their order is stored
	if got := resolve.All.Names(); !slices.Equal(got, want) {
		t.Errorf("all are %v, want %v", got, want)
	}
	if _, err := resolve.ParseID("first"); err == nil {
		t.Error("an unknown name parses")
	}
}

// Blind writes to a key that lww serves: what the shadows keep stays small.
func TestHiddenSiblingsDoNotPileUp(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b")
	for i := range 500 {
		at := []string{"a", "b"}[i%2]
		s.do(at, over(put("blind")))
		if i%10 == 0 {
			s.ship("a", "b")
			s.ship("b", "a")
		}
		if n := len(s.leaders[at].Object.Versions); n > 12 {
			t.Fatalf("after %d writes the object holds %d versions", i+1, n)
		}
	}
	lost, accepted := len(s.losses("b", resolve.LWW)), len(s.leaders["b"].Log)
	if lost != accepted-1 {
		t.Errorf("%d of %d are lost under lww, want all but one", lost, accepted)
	}
}

func TestKindsAndRelationsHaveNames(t *testing.T) {
	var got []string
	for k := range resolve.Kind(6) {
		got = append(got, k.String())
	}
	for r := range resolve.Relation(4) {
		got = append(got, r.String())
	}
	want := []string{"unknown", "put", "delete", "add", "touch", "unknown", "superseded", "inverted", "concurrent", "unknown"}
	if !slices.Equal(got, want) {
		t.Errorf("they are called %v, want %v", got, want)
	}
}
