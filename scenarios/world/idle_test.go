package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
)

func run(t *testing.T, text string, id resolve.ID) *scenarios.Result {
	t.Helper()
	s, err := script.Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenarios.Run(s, scenarios.Options{Resolver: id, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Promises {
		if !p.Held {
			t.Errorf("%s broke: %s", p.Check, p.Why)
		}
	}
	return r
}

// away cuts n1 off for a span, and writes keys keys on either side.
func away(span time.Duration, keys int, fault, end string) string {
	var b strings.Builder
	b.WriteString("-- scenario --\nname away\nleaders n1 n2 n3\nclock * error=5ms\nclient A at=n1 timeout=5s\nclient B at=n2\nat 1s " + fault + "\n")
	for i := range keys {
		fmt.Fprintf(&b, "at %s B set b%d v\n", 10*time.Second+time.Duration(i)*span/time.Duration(keys+1), i)
		if !strings.HasPrefix(fault, "crash") && !strings.HasPrefix(fault, "pause") {
			fmt.Fprintf(&b, "at %s A set a%d v\n", 10*time.Second+time.Duration(i)*span/time.Duration(keys+1), i)
		}
	}
	fmt.Fprintf(&b, "at %s %s\nsettle 10s\ncheck converged\ncheck durability = 0\n", 20*time.Second+span, end)
	return b.String()
}

// TestLongAbsenceIsShortToSimulate: a month in which nobody hears of n1, however that
// came about, leaves a trace of what happened, not of how long it took.
func TestLongAbsenceIsShortToSimulate(t *testing.T) {
	const month = 30 * 24 * time.Hour
	for _, c := range []struct{ fault, end string }{
		{"partition n1 | n2 n3", "heal"},
		{"link * loss=100%", "link * loss=0%"},
		{"cut n1>n2", "heal"},
		{"cut n2>n1", "heal"},
		{"crash n1", "restart n1"},
		{"pause n1 " + month.String(), "heal"},
	} {
		r := run(t, away(month, 30, c.fault, c.end), resolve.Siblings)
		if n := r.Trace.Len(); n > 1500 {
			t.Errorf("%s: a trace of %d events tells of sixty writes", c.fault, n)
		}
	}
}

// TestManyKeysOnTwoSides: more than fit into a window are written on either side.
func TestManyKeysOnTwoSides(t *testing.T) {
	r := run(t, away(time.Hour, 3000, "partition n1 | n2 n3", "heal"), resolve.Causal)
	if r.Acked != 6000 || r.Accounted != 6000 {
		t.Errorf("%d of %d are accounted for", r.Accounted, r.Acked)
	}
}

// TestIdleTimeChangesNothing plays histories with and without the heartbeats of idle
// time. Without faults the same things happen at the same moments; with them, messages that could not
// arrive were sent at other moments, and what people are told is the same.
func TestIdleTimeChangesNothing(t *testing.T) {
	const head = "-- scenario --\nname idle\nleaders n1 n2 n3\nclock * error=5ms\nclock n2 drift=100ppm\nlink n1>n3 delay=70ms\nclient A at=n1\nclient B at=n2\n"
	for name, c := range map[string]struct {
		story string
		told  []trace.Kind
	}{
		"quiet":     {"at 1s A set x 1\nat 30s B update x +5\nat 31s A incr y\nat 90s A update x +1\nsettle 10s\n", nil},
		"partition": {"at 1s A set x 1\nat 20s partition n1 | n2 n3\nat 21s A update x +1\nat 35s B update x +5\nat 60s heal\nat 90s A update x +1\nsettle 10s\n", []trace.Kind{trace.Accepted, trace.Acked, trace.Shown, trace.Final}},
		"crash":     {"at 1s A set x 1\nat 20s crash n3\nat 21s A update x +1\nat 60s restart n3\nat 90s A update x +1\nsettle 10s\n", []trace.Kind{trace.Accepted, trace.Acked, trace.Shown, trace.Final}},
	} {
		s, err := script.Parse(name, []byte(head+c.story))
		if err != nil {
			t.Fatal(err)
		}
		told := func(awake bool) []string {
			w, err := world.New(s, world.Config{Policy: resolve.Policy{Default: resolve.LWW}, Seed: 1, Awake: awake})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if err := w.Run(); err != nil {
				t.Fatal(err)
			}
			var out []string
			for e := range w.Trace.All() {
				if c.told == nil || slices.Contains(c.told, e.Kind) {
					out = append(out, fmt.Sprintf("%+v", e))
				}
			}
			slices.Sort(out) // what happens at one instant has no order
			return out
		}
		if idle, awake := told(false), told(true); !slices.Equal(idle, awake) {
			t.Errorf("%s: with idle time left out\n%s\nwith all of it\n%s", name, strings.Join(idle, "\n"), strings.Join(awake, "\n"))
		}
	}
}
