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
	}
}

func TestScaleMultipliesEverythingAlike(t *testing.T) {
	s := parse(t, `
-- scenario --
name     x
model    timing=asynchronous nodes=crash-recovery
leaders  n1 n2
clock    n1 offset=+3ms error=4ms
link     n1>n2 delay=500us jitter=100us loss=1%
client   A at=n1 timeout=200ms
at 42.001s                 A set x 1 timeout=20ms as w1
after w1 seen by n2 +1.5ms clock n2 step=-1ms
at 43s                     pause n1 2s
settle 1s
`)
	got := scale(s, 10)
	want := []string{
		"at 10ms A set x 1 timeout=200ms as w1",
		"after w1 seen by n2 +15ms clock n2 step=-10ms",
		"at 10s pause n1 20s",
	}
	for i, e := range got.Events {
		if e.String() != want[i] {
			t.Errorf("event %d is %q, want %q", i, e, want[i])
		}
	}
	for i, want := range []string{"link * delay=10ms", "clock n1 offset=+30ms error=40ms", "link n1>n2 delay=5ms jitter=1ms loss=1%"} {
		if got := got.Setup[i].Action.String(); got != want {
			t.Errorf("set-up %d is %q, want %q", i, got, want)
		}
	}
	if got.Clients[0].Timeout != 2*time.Second || got.Settle != 10*time.Second {
		t.Errorf("timeout %s, settle %s", got.Clients[0].Timeout, got.Settle)
	}
	if s.Events[0].Trigger.(script.At).Time != 42001*time.Millisecond {
		t.Error("the script itself was changed")
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
	} {
		s, err := library.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		p := PlanFor(s)
		if p.Factor < want.least || p.Factor > want.most || (p.Only != "") != want.only {
			t.Errorf("%s: %+v", name, p)
		}
		if p.Story > longest+time.Second {
			t.Errorf("%s takes %s", name, p.Story)
		}
	}
}

func TestUnplayable(t *testing.T) {
	const text = `
-- scenario --
name     x
leaders  n1 n2
client   A at=n1
at 1s   A set x 1
at 2s   crash n1 unsynced=`
	for fate, only := range map[string]bool{"lose": true, "torn": true, "keep": false} {
		if p := PlanFor(parse(t, text+fate+"\nsettle 1s\n")); (p.Only != "") != only {
			t.Errorf("unsynced=%s: %+v", fate, p)
		}
	}
}

func parse(t *testing.T, text string) *script.Scenario {
	t.Helper()
	s, err := script.Parse("test", []byte(text), script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
