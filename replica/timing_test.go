package replica_test

import (
	"testing"
	"time"

	"kvd/replica"
	"kvd/wallclock"
)

// pass gives b what a sent it, after delay on b's stopwatch.
func pass(from string, sends []replica.Send, to *node) {
	var in []replica.Input
	for _, s := range sends {
		in = append(in, replica.Received{From: replica.Leader(from), Message: s.Message})
	}
	for _, i := range in {
		if err := to.core.Step(to.moment(), i, to.store, to.out); err != nil {
			to.t.Fatal(err)
		}
	}
}

// clocks is two leaders whose stopwatches show different times and whose clocks
// differ by skew.
func clocks(t *testing.T, skew time.Duration) (a, b *node) {
	cfg := replica.Defaults()
	cfg.Name, cfg.Peers = "a", []replica.Leader{"b"}
	a = newNode(t, cfg, 7)
	cfg.Name, cfg.Peers = "b", []replica.Leader{"a"}
	b = newNode(t, cfg, 8)
	b.now, b.skew = wallclock.Mono(time.Hour), skew-time.Hour
	a.cycle(replica.PeerUp{Peer: "b"})
	b.cycle(replica.PeerUp{Peer: "a"})
	return a, b
}

// beat lets both beat once, with every message taking delay.
func beat(a, b *node, delay time.Duration) {
	wait := func(d time.Duration) { a.now, b.now = a.now.Add(d), b.now.Add(d) }
	wait(replica.Defaults().Heartbeat)
	fromA := a.cycle(replica.Tick{})
	wait(delay)
	pass("a", fromA.Sends, b)
	fromB := b.cycle(replica.Tick{})
	wait(delay)
	pass("b", fromB.Sends, a)
}

func offset(n *node) (wallclock.Offset, bool) {
	view := n.core.Peers(nil)[0]
	return view.Offset(n.moment())
}

func within(t *testing.T, n *node, want, width time.Duration) {
	t.Helper()
	o, ok := offset(n)
	if !ok || o.Earliest > want || o.Latest < want || o.Latest-o.Earliest > width {
		t.Errorf("the peer's clock is %s ahead; it is taken for %+v, known %t", want, o, ok)
	}
}

func TestPeersKnowEachOthersClocks(t *testing.T) {
	const skew, delay = 3 * time.Second, 20 * time.Millisecond
	a, b := clocks(t, skew)
	if _, ok := offset(a); ok {
		t.Error("known before anything was heard")
	}
	for range 3 {
		beat(a, b, delay)
	}
	within(t, a, skew, 2*delay+time.Millisecond)
	within(t, b, -skew, 2*delay+replica.Defaults().Heartbeat)
	if claims := a.core.Peers(nil)[0].Clock.Claims(); claims != time.Millisecond {
		t.Errorf("b's clock claims %s", claims)
	}

	a.skew -= time.Minute // our own step shows at once
	within(t, a, skew+time.Minute, 2*delay+time.Millisecond)
	b.skew += 24 * time.Hour // the peer's, with its next word
	beat(a, b, delay)
	within(t, a, skew+time.Minute+24*time.Hour, 2*delay+time.Millisecond)
}

// Where only one side is heard, nothing is made up.
func TestAClockHeardFromOneSideIsNotKnown(t *testing.T) {
	a, b := clocks(t, 0)
	for range 3 {
		b.now = b.now.Add(replica.Defaults().Heartbeat)
		a.now = a.now.Add(replica.Defaults().Heartbeat)
		pass("b", b.cycle(replica.Tick{}).Sends, a)
		a.cycle(replica.Tick{}) // is lost
	}
	if o, ok := offset(a); ok {
		t.Errorf("taken for %+v", o)
	}
}

// The clock goes out once a heartbeat, however many batches are acknowledged.
func TestAcknowledgementsShareAStatus(t *testing.T) {
	a, b := clocks(t, 0)
	beat(a, b, 0)
	timed := 0
	for range 50 {
		a.now, b.now = a.now.Add(time.Millisecond), b.now.Add(time.Millisecond)
		pass("a", a.cycle(set("k", "v")).Sends, b)
		for _, s := range statuses(b.cycle(replica.Tick{}).Sends) {
			if s.Wall != (wallclock.Interval{}) {
				timed++
			}
		}
	}
	if timed > 1 {
		t.Errorf("%d of 50 acknowledgements carried a clock", timed)
	}
}

// A peer that begins a new life may be another machine.
func TestANewLifeHasAnotherClock(t *testing.T) {
	a, b := clocks(t, 0)
	beat(a, b, 0)
	beat(a, b, 0)
	within(t, a, 0, time.Millisecond)
	pass("b", []replica.Send{{Message: &replica.Status{Origin: 99, Number: 1, Wall: b.moment().Wall}}}, a)
	if o, ok := offset(a); ok {
		t.Errorf("taken for %+v", o)
	}
}

// A peer that is heard keeps the agreed time where it was when our own clock steps, as
// long as it is heard and ten minutes longer; then our clock is all there is.
func TestAPeersClockCountsUntilItHasLongBeenSilent(t *testing.T) {
	hold := replica.Defaults().ClockHold
	for _, step := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		a, b := clocks(t, 0)
		off := func() time.Duration {
			a.cycle(replica.Tick{})
			return a.core.Agreed().Time(a.now).Sub(epoch.Add(time.Duration(a.now)))
		}
		for range 3 {
			beat(a, b, 0)
		}
		a.skew += step
		for begun := a.now; a.now.Sub(begun) < 2*hold; {
			beat(a, b, 0)
			if d := off(); d.Abs() > time.Millisecond {
				t.Fatalf("our clock stepped by %s, and %s later the agreed time has by %s", step, a.now.Sub(begun), d)
			}
		}
		a.now = a.now.Add(10 * time.Minute)
		if d := off(); d.Abs() > time.Second {
			t.Errorf("ten minutes after the peer was heard the agreed time is off by %s", d)
		}
		a.now = a.now.Add(time.Second)
		off() // the peer counts no more: the step begins
		a.now = a.now.Add(hold)
		if d := off(); (d - step).Abs() > time.Second {
			t.Errorf("our clock is all that is left and %s off, the agreed time %s", step, d)
		}
	}
}

// As far as a peer's clock can agree with ours it is taken to, however long its words
// were under way.
func TestAClockKnownRoughlyAgrees(t *testing.T) {
	a, b := clocks(t, 0)
	for range 3 {
		beat(a, b, 20*time.Second)
	}
	a.cycle(replica.Tick{})
	now := a.moment().Wall.Midpoint()
	if g := a.core.Agreed(); g.Time(a.now) != now || g.Surely(a.now) != now {
		t.Errorf("our clock shows %v; agreed %v, surely %v", now, g.Time(a.now), g.Surely(a.now))
	}
}
