package replica_test

import (
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/wallclock"
)

// age is how long the peer called name lacks something, and how much.
func age(n *node, name replica.Leader) (time.Duration, uint64) {
	for _, v := range n.core.Peers(nil) {
		if v.Peer == name {
			return n.now.Sub(v.Since), v.Behind
		}
	}
	return 0, 0
}

// A peer that lacks something lags, and ever longer, whether it is up, went down,
// or was never heard, and whoever accepted what it lacks.
func TestLagGrowsWhileAnythingIsLacking(t *testing.T) {
	a, c := newNode(t, config("a", "b", "c"), 7), newNode(t, config("c", "a"), 9)
	a.cycle(replica.PeerUp{Peer: "b"}, status(8, 1))
	a.now = a.now.Add(time.Hour)
	a.cycle(replica.PeerDown{Peer: "b"})
	if old, lacks := age(a, "b"); lacks != 0 {
		t.Errorf("nothing was written, and it lacks %d for %s", lacks, old)
	}
	from := ops(c.cycle(replica.PeerUp{Peer: "a"}, set("x", "1")).Sends)
	a.cycle(replica.Received{From: "c", Message: &replica.Batch{Ops: from}})
	for _, d := range []time.Duration{time.Second, time.Minute, time.Hour} {
		a.now = a.now.Add(d)
		a.cycle(replica.Tick{})
		a.cycle(set("y", "2"))
	}
	want := time.Second + time.Minute + time.Hour
	for _, name := range []replica.Leader{"b", "c"} {
		if old, lacks := age(a, name); old != want || lacks != 4 {
			t.Errorf("%s lacks 4 ops of up to %s; told are %d, %s", name, want, lacks, old)
		}
	}
	has := logical.FrontierOf(logical.Dot{Origin: 9, Seq: 1}, logical.Dot{Origin: 7, Seq: 1})
	a.cycle(replica.Received{From: "b", Message: &replica.Status{Origin: 8, Number: 2, Frontier: has}})
	if old, lacks := age(a, "b"); old != time.Minute+time.Hour-time.Minute || lacks != 2 {
		t.Errorf("it lacks the last two, of an hour ago; told are %d, %s", lacks, old)
	}
}

// However long and however steadily is written, the age of what a peer lacks is
// told to a part of itself, never as less, within bounded memory.
func TestLagIsToldToAPartOfItself(t *testing.T) {
	a := newNode(t, config("a", "b", "c"), 7)
	a.cycle(replica.PeerUp{Peer: "b"}, status(8, 1))
	var at []wallclock.Mono // of the ops by seq, from 1 on
	for range 4000 {
		a.now = a.now.Add(7 * time.Millisecond)
		a.cycle(set("x", "1"))
		at = append(at, a.now)
	}
	for number, seq := range []int{0, 10, 1000, 2000, 3000, 3900, 3990, 3999} {
		a.cycle(replica.Received{From: "b", Message: &replica.Status{Origin: 8, Number: uint64(2 + number), Frontier: logical.FrontierOf(dots(7, seq)...)}})
		truth := a.now.Sub(at[seq])
		if old, _ := age(a, "b"); old < truth || old > truth+truth*2/5+20*time.Millisecond {
			t.Errorf("the oldest that it lacks is %s old; told are %s", truth, old)
		}
	}
}

func dots(o logical.Origin, seq int) []logical.Dot {
	if seq == 0 {
		return nil
	}
	return []logical.Dot{{Origin: o, Seq: logical.Seq(seq)}}
}

// What was found in the store is as old as the process.
func TestLagOfWhatWasThereBefore(t *testing.T) {
	a := newNode(t, config("a", "b"), 7)
	a.now = a.now.Add(time.Hour)
	a.begin(config("a", "b"), replica.State{Origin: 7, Frontier: logical.FrontierOf(logical.Dot{Origin: 5, Seq: 3})})
	a.cycle(replica.Tick{})
	a.now = a.now.Add(time.Minute)
	a.cycle(replica.Tick{})
	if old, lacks := age(a, "b"); old != time.Minute || lacks != 3 {
		t.Errorf("told are %d, %s", lacks, old)
	}
}
