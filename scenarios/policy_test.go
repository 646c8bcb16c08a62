package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
)

// stepped is a client at a leader whose clock goes back: what lww serves is inverted.
const stepped = `
-- scenario --
name     stepped
leaders  n1 n2
policy   wall=%POLICY%
clock    * error=1ms
client   A at=n1
at 1s    A update wall +1
at 1s    A update x +1
at 2s    clock n1 step=-10s
at 3s    A update wall +1 as second
at 3s    A update x +1
settle 2s
check converged
check acked = accounted for siblings
check lost wall = 1 for lww
check lost wall = 0 for siblings
check session A all for siblings
check value wall = 2 for siblings
`

// TestPromisesGoByTheServingResolver: under a resolver that loses nothing, a prefix of
// another's is judged by the other's promises, and the other way round.
func TestPromisesGoByTheServingResolver(t *testing.T) {
	for _, c := range []struct {
		policy string
		under  resolve.ID
		checks string // those made
		broken string
	}{
		{"lww", resolve.Siblings, "acked, lost wall = 1, session", ""},
		{"lww,read=pick", resolve.Siblings, "acked, lost wall = 1, session", ""},
		{"siblings", resolve.LWW, "acked, lost wall = 0, session, value", ""},
		{"siblings", resolve.Siblings, "acked, lost wall = 0, session, value", ""},
		{"lww", resolve.LWW, "lost wall = 1", ""},
	} {
		s, err := script.Parse("stepped", []byte(strings.ReplaceAll(stepped, "%POLICY%", c.policy)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := scenarios.Run(s, scenarios.Options{Resolver: c.under, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		var made, broken []string
		for _, p := range r.Promises {
			for _, name := range []string{"acked", "lost wall = 1", "lost wall = 0", "session", "value"} {
				if strings.HasPrefix(p.Check, name) {
					made = append(made, name)
				}
			}
			if !p.Held {
				broken = append(broken, p.Check+": "+p.Why)
			}
		}
		if got := strings.Join(made, ", "); got != c.checks || len(broken) > 0 {
			t.Errorf("wall=%s under %s: made %s, broke %q; want %s", c.policy, c.under, got, broken, c.checks)
		}
	}
}

// TestBrokenPromiseNamesItsMoment: a mistake in a rule inverts what it may not, and the
// promise says when.
func TestBrokenPromiseNamesItsMoment(t *testing.T) {
	s, err := script.Parse("stepped", []byte(strings.ReplaceAll(stepped, "%POLICY%", "lww")))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := scenarios.Policy(s, scenarios.Options{Resolver: resolve.Siblings})
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.New(s, world.Config{Policy: policy, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Run(); err != nil {
		t.Fatal(err)
	}
	s.Policies[0].Resolver = "lamport" // what lww did is held against another rule
	p := scenarios.Played{History: w.History, Trace: w.Trace, Values: w.Values}
	judged, err := scenarios.Judge(s, scenarios.Options{Resolver: resolve.Siblings, Seed: 1}, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range judged.Promises {
		if p.Check == "what follows causality is never inverted" {
			if p.Held || p.At.Seconds() != 3 || !strings.Contains(p.Why, "second of wall") {
				t.Errorf("held %t, at %s: %s", p.Held, p.At, p.Why)
			}
		}
	}
}

// TestScriptsNameTheResolversThereAre: the language has a list of its own.
func TestScriptsNameTheResolversThereAre(t *testing.T) {
	if got, want := script.Resolvers(), scenarios.ResolverNames(); !slices.Equal(got, want) {
		t.Errorf("scripts may name %q; there are %q", got, want)
	}
}
