package resolve_test

import (
	"testing"

	"kvd/resolve"
)

func TestPolicySaysWhoMayPick(t *testing.T) {
	p := resolve.Policy{Default: resolve.LWW, Rules: []resolve.Rule{
		{Prefix: "cart:", Resolver: resolve.Siblings, Pick: true}, {Prefix: "cart:strict:", Resolver: resolve.Siblings},
	}}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"cart:1": true, "cart:strict:1": false, "x": false} {
		if p.Picks(key) != want {
			t.Errorf("%s: picks %v, want %v", key, p.Picks(key), want)
		}
	}
	if want := `*=lww "cart:"=siblings,read=pick "cart:strict:"=siblings`; p.String() != want {
		t.Errorf("policy is %s, want %s: leaders that read otherwise must not meet", p.String(), want)
	}
}
