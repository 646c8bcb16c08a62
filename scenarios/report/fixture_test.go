package report

import (
	"testing"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/wallclock"
)

// zero is true time zero of the fixtures.
const zero = wallclock.Instant(1767225600 * int64(time.Second))

// shows is a leader's clock, off by some, claiming 4 ms.
func shows(at, off time.Duration) wallclock.Interval {
	return wallclock.Around(zero.Add(at+off), 4*time.Millisecond)
}

// figure is DDIA's figure 8-3 under lww, written down by hand: the pictures and
// stories below are of a fixed trace, whatever the runner does.
func figure(t *testing.T) (*script.Scenario, *scenarios.Result) {
	t.Helper()
	s, err := library.Find("ddia-8-3")
	if err != nil {
		t.Fatal(err)
	}
	const text = "wall clock 00:00:42.003000 against 00:00:42.004000, 1ms ahead; the loser's author had been shown the winner"
	w1, w1n3, w2 := 42001*time.Millisecond, 42001500*time.Microsecond, 42003*time.Millisecond
	w1n2, w2n1, w2n2 := 42006*time.Millisecond, 42003500*time.Microsecond, 42007*time.Millisecond
	events := []trace.Event{
		{At: w1, Kind: trace.Sent, Where: "A", Peer: "n1", Label: "w1", Key: "x", Text: "A set x 1 as w1"},
		{At: w1, Kind: trace.Accepted, Where: "n1", Label: "w1", Key: "x", Values: []string{"1"}, Clock: shows(w1, 3*time.Millisecond)},
		{At: w1, Kind: trace.Shipped, Where: "n1", Peer: "n2", Label: "w1", Key: "x"},
		{At: w1, Kind: trace.Shipped, Where: "n1", Peer: "n3", Label: "w1", Key: "x"},
		{At: w1, Kind: trace.Acked, Where: "A", Peer: "n1", Label: "w1", Key: "x", Values: []string{"1"}},
		{At: w1n3, Kind: trace.Applied, Where: "n3", Peer: "n1", Label: "w1", Key: "x", Clock: shows(w1n3, 0)},
		{At: w2, Kind: trace.Sent, Where: "B", Peer: "n3", Label: "w2", Key: "x", Text: "B incr x as w2"},
		{At: w2, Kind: trace.Accepted, Where: "n3", Label: "w2", Key: "x", Values: []string{"2"}, Clock: shows(w2, 0)},
		{At: w2, Kind: trace.Lost, Where: "n3", Label: "w2", Other: "w1", Key: "x", Text: text},
		{At: w2, Kind: trace.Shipped, Where: "n3", Peer: "n1", Label: "w2", Key: "x"},
		{At: w2, Kind: trace.Shipped, Where: "n3", Peer: "n2", Label: "w2", Key: "x"},
		{At: w2, Kind: trace.Acked, Where: "B", Peer: "n3", Label: "w2", Key: "x", Values: []string{"1"}},
		{At: w2n1, Kind: trace.Applied, Where: "n1", Peer: "n3", Label: "w2", Key: "x"},
		{At: w2n1, Kind: trace.Lost, Where: "n1", Label: "w2", Other: "w1", Key: "x", Text: text},
		{At: w1n2, Kind: trace.Applied, Where: "n2", Peer: "n1", Label: "w1", Key: "x"},
		{At: w2n2, Kind: trace.Applied, Where: "n2", Peer: "n3", Label: "w2", Key: "x"},
		{At: w2n2, Kind: trace.Lost, Where: "n2", Label: "w2", Other: "w1", Key: "x", Text: text},
	}
	r := ddia("lww", "1", 1)
	r.Inverted, r.Session, r.Trace = 1, "broken", trace.Of(events...)
	r.Sessions = map[string]string{"A": "kept", "B": "broken"}
	return s, r
}

// ddia is a result of the figure: every leader shows the values.
func ddia(resolver, values string, lost int) *scenarios.Result {
	shown := map[string][]string{"x": {values}}
	return &scenarios.Result{
		Scenario: "ddia-8-3", Resolver: resolver, Seed: 1,
		Values:   map[string]map[string][]string{"n1": shown, "n2": shown, "n3": shown},
		Stats:    oracle.Stats{Acked: 2, Accounted: 2 - lost, Lost: lost},
		Siblings: 1, MetadataBytesPerKey: 31, Converged: true, Session: "kept",
		Promises:    []scenarios.Promise{{Check: "converged", Kind: "liveness", Held: true}},
		Expectation: scenarios.Held,
	}
}

// long is a trace in which one poison write entries n updates, a second apart.
func long(n int) *trace.Trace {
	t := &trace.Trace{}
	t.Add(trace.Event{At: time.Second, Kind: trace.Fault, Text: "clock n1 step=+1h"})
	write := func(at time.Duration, client, leader, label string) {
		t.Add(trace.Event{At: at, Kind: trace.Sent, Where: client, Peer: leader, Label: label, Key: "x", Text: client + " set x 1 as " + label})
		t.Add(trace.Event{At: at, Kind: trace.Accepted, Where: leader, Label: label, Key: "x", Values: []string{"1"}})
		t.Add(trace.Event{At: at, Kind: trace.Acked, Where: client, Peer: leader, Label: label, Key: "x"})
	}
	write(2*time.Second, "A", "n1", "poison")
	for i := range n {
		at := time.Duration(3+i) * time.Second
		label := "B#" + string(rune('a'+i%26)) + string(rune('a'+i/26%26))
		write(at, "B", "n3", label)
		t.Add(trace.Event{At: at, Kind: trace.Lost, Where: "n3", Label: label, Other: "poison", Key: "x", Text: "far behind; no survivor's author had seen it"})
	}
	return t
}
