package live

import (
	"testing"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
)

// TestScalingTellsTheSameStory plays every scaled scenario in the simulation: the
// tables of the library still hold.
func TestScalingTellsTheSameStory(t *testing.T) {
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		p := PlanFor(s)
		t.Logf("%s: %+v", s.Name, p)
		if p.Only != "" || p.Loose {
			continue
		}
		tells(t, s, p)
		if slower := p.slower(s).slower(s); slower.Factor > p.Factor { // as after attempts that slipped
			tells(t, s, slower)
		}
	}
}

// tells plays a scaled scenario under every resolver.
func tells(t *testing.T, s *script.Scenario, p Plan) {
	t.Helper()
	scaled := scale(s, p.Factor)
	for _, id := range resolve.IDs() {
		r, err := scenarios.Run(scaled, scenarios.Options{Resolver: id, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if r.Expectation != scenarios.Held {
			t.Errorf("%s under %s at %.3f: expectation %s: acked %d lost %d inverted %d values %v", s.Name, id, p.Factor, r.Expectation, r.Acked, r.Lost, r.Inverted, r.Values["n1"])
		}
		for _, promise := range r.Promises {
			if !promise.Held {
				t.Errorf("%s under %s at %.3f: %s: %s", s.Name, id, p.Factor, promise.Check, promise.Why)
			}
		}
	}
	if p.Story > maxStory+time.Second {
		t.Errorf("%s takes %s", s.Name, p.Story)
	}
}

func TestPlans(t *testing.T) {
	for name, want := range map[string]struct {
		least, most float64
		only        bool
	}{
		"ddia-8-3":        {20, 40, false},
		"poisoned-key":    {0.01, 0.03, false},
		"clock-step-back": {0.1, 0.2, false},
		"equal-stamps":    {0, 0, true},
		"live-migration":  {0, 0, true},
	} {
		s, err := library.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		p := PlanFor(s)
		if p.Factor < want.least || p.Factor > want.most || (p.Only != "") != want.only {
			t.Errorf("%s: %+v", name, p)
		}
		if p.Story > maxStory+time.Second {
			t.Errorf("%s takes %s", name, p.Story)
		}
	}
}

func parse(t *testing.T, text string) *script.Scenario {
	t.Helper()
	s, err := script.Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
