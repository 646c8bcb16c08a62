package sweep

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
	"kvd/scenarios/sweep/curve"
)

func find(t *testing.T, name string) *script.Scenario {
	t.Helper()
	s, err := library.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ids(t *testing.T, names ...string) (out []scenarios.Resolver) {
	t.Helper()
	for _, n := range names {
		id, err := scenarios.ParseResolver(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	return out
}

// TestWhereResolversBeginToLose: figure 8-3 has two milliseconds between the writes. With
// perfect clocks nobody loses; last-write-wins begins when skew exceeds the gap; intervals
// when it exceeds the claimed error of four milliseconds too; what follows causality never.
func TestWhereResolversBeginToLose(t *testing.T) {
	axis, err := ParseAxis("skew=0,1s")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Run(context.Background(), Config{Script: find(t, "ddia-8-3"), Axis: axis, Resolvers: ids(t, "lww", "interval", "causal"), Seeds: 4, Seed: 1, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := []curve.Begin{{Resolver: "lww", Value: "1s"}, {Resolver: "interval", Value: "1s"}, {Resolver: "causal"}}
	if !slices.Equal(c.Begins, want) {
		t.Errorf("%+v", c.Begins)
	}
	if p := c.Points[3]; len(c.Points) != 6 || p.Resolver != "lww" || p.Losing == 0 || *p.Inverted != p.Lost || p.Acked != 2 {
		t.Errorf("%+v", c.Points)
	}
}

func TestAxesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"skew=0,1ms..10s": "0 1ms 10ms 100ms 1s 10s", "skew=1ms…20ms": "1ms 10ms 20ms", "rate=1,10..1000": "1 10 100 1000", "cut=2s": "2s", "delay=0": "0",
	} {
		a, err := ParseAxis(text)
		var got []string
		for _, v := range a.Values {
			got = append(got, v.Text)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "an axis is", "load=1": "an axis is", "skew=": "no duration", "skew=-1s": "no duration", "skew=2h": "no duration", "rate=0": "no rate", "skew=0..1s": "no range", "skew=1s..1ms": "no range",
		"rate=" + strings.Repeat("1,", 300) + "1": "more than 200",
	} {
		if _, err := ParseAxis(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v", text, err)
		}
	}
}

// TestAxesChangeTheirScript and only where it has what they change.
func TestAxesChangeTheirScript(t *testing.T) {
	apply := func(axis, name string) (*script.Scenario, error) {
		a, err := ParseAxis(axis)
		if err != nil {
			t.Fatal(err)
		}
		return a.Apply(find(t, name), a.Values[0], 1)
	}
	for _, axis := range []string{"cut=1s", "rate=5"} {
		if _, err := apply(axis, "ddia-8-3"); err == nil || !strings.Contains(err.Error(), "nothing that") {
			t.Errorf("%s: %v", axis, err)
		}
	}
	s, err := apply("delay=7ms", "ddia-8-3")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range s.Setup {
		if f, ok := u.Action.(script.LinkFault); ok && f.Delay.Value != 7*time.Millisecond {
			t.Errorf("%v", f)
		}
	}
}
