package scenarios_test

import (
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// awkward has keys that are called like columns, an empty value and an absent
// one.
const awkward = `
-- scenario --
name     awkward
leaders  n1
client   A at=n1
at 1s   A set lost 7
at 1s   A set converged maybe
at 1s   A set empty ""
at 1s   A delete nothing
settle 1s
`

func parse(t *testing.T, text []byte) *script.Scenario {
	t.Helper()
	s, err := script.Parse("awkward", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func play(t *testing.T, s *script.Scenario, seed uint64) *scenarios.Result {
	t.Helper()
	r, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.LWW, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnExpectTableIsReadAsItWasWritten(t *testing.T) {
	s := parse(t, []byte(awkward))
	r := play(t, s, scenarios.ExpectedSeed)
	for column, want := range map[string]string{"key:lost": "7", "lost": "0", "key:converged": "maybe", "converged": "yes", "empty": "", "nothing": "-"} {
		if got := r.Cell(column); got != want {
			t.Errorf("column %s: %q, want %q", column, got, want)
		}
	}
	again := parse(t, scenarios.Update(s, []*scenarios.Result{r}).Print())
	if got := play(t, again, scenarios.ExpectedSeed); got.Expectation != scenarios.Held {
		t.Errorf("expectation %s of its own result: %+v\n%s", got.Expectation, got.Unexpected(again.Expect), again.Print())
	}
}

func TestWhatIsUnexpectedIsNamed(t *testing.T) {
	s := parse(t, []byte(awkward+"-- expect --\nresolver  lost  acked\nlww  3  4\n"))
	r := play(t, s, scenarios.ExpectedSeed)
	want := scenarios.Difference{Column: "lost", Expected: "3", Found: "0"}
	if got := r.Unexpected(s.Expect); r.Expectation != scenarios.Broken || len(got) != 1 || got[0] != want {
		t.Errorf("expectation %s, differences %+v, want broken and %+v", r.Expectation, got, want)
	}
}

func TestAnotherSeedIsNotWhatTheTableIsAbout(t *testing.T) {
	s := parse(t, []byte(awkward+"-- expect --\nresolver  lost\nlww  3\n"))
	if r := play(t, s, scenarios.ExpectedSeed+1); r.Expectation != scenarios.None {
		t.Errorf("expectation %s with another seed than the table's, want none", r.Expectation)
	}
}
