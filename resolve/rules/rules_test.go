package rules_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kvd/resolve"
	"kvd/resolve/doomed"
	"kvd/resolve/rules"
)

// TestParseReversesString: for prefixes of any bytes and all options.
func TestParseReversesString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := resolve.Policy{Default: rapid.SampledFrom(resolve.IDs()).Draw(t, "default"), Acks: rapid.IntRange(0, 3).Draw(t, "acks")}
		for _, prefix := range rapid.SliceOfNDistinct(rapid.OneOf(rapid.String(), rapid.StringMatching(`[a "=\\,\x00\xff]*`)), 0, 4, rapid.ID).Draw(t, "prefixes") {
			r := resolve.Rule{Prefix: prefix, Resolver: rapid.SampledFrom(resolve.IDs()).Draw(t, "resolver"),
				Pick: rapid.Bool().Draw(t, "pick"), Acks: rapid.IntRange(0, 3).Draw(t, "acks")}
			r.CommitWait = r.Resolver == resolve.Interval
			if r.Resolver == resolve.LWW {
				r.Doomed = doomed.Lift
			}
			want = rules.Set(want, r)
		}
		if err := want.Validate(); err != nil {
			t.Fatal(err)
		}
		got, err := rules.Parse(want.String())
		if err != nil || got.String() != want.String() || len(got.Rules) != len(want.Rules) {
			t.Fatalf("%s is read as %s: %v", want.String(), got.String(), err)
		}
		for i := range want.Rules {
			if got.Rules[i] != want.Rules[i] {
				t.Fatalf("%+v is read as %+v", want.Rules[i], got.Rules[i])
			}
		}
	})
}

func TestWhatIsNoPolicyIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"": "no policy", "*": "no policy", "*=": "no resolver is called", "*=lww,read=pick": "has a resolver and acks", "*=lww x": "no prefix in quotes",
		`*=lww "a"`: "no rule", `*=lww "a"=nobody`: "there are lww", `*=lww "a"=lww "a"=hlc`: "given both", `*=lww "a"=lww,acks=0`: "1 to",
		`*=lww "a"=lww,pick`: "no option", `*=lww "a"=lww,doomed=x`: "doomed", `*=lww "a"=counter,doomed=lift`: "never loses",
		`*=lww "a"=hlc,commit-wait`: "commit-wait is for interval", `*=interval,commit-wait`: "has a resolver and acks", `*=lww "a"=interval,commit-wait=1`: "no option",
		`*=lww "` + strings.Repeat("x", 1<<20) + `"=lww`: "no key has more",
	} {
		if p, err := rules.Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80s is read as %s, %v; want %q", text, p.String(), err, says)
		}
	}
}

func TestRulesAreSetAndUnset(t *testing.T) {
	before := resolve.Policy{Default: resolve.Causal, Rules: []resolve.Rule{{Prefix: "a", Resolver: resolve.LWW}}}
	after := rules.Set(before, resolve.Rule{Prefix: "a", Resolver: resolve.Counter})
	gone, had := rules.Unset(after, "a")
	_, again := rules.Unset(gone, "a")
	if before.String() != `*=causal "a"=lww` || after.String() != `*=causal "a"=counter` || gone.String() != "*=causal" || !had || again {
		t.Errorf("%s, %s, %s, %v, %v", before.String(), after.String(), gone.String(), had, again)
	}
}
