package replica_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// three is three leaders under a policy with every resolver as a prefix of its own. A round
// lets all of them hear each other, and returns what happened at the first.
func three(t *testing.T, q replica.Quarantine) (all [3]*node, round func() []replica.Event) {
	cfg := replica.Defaults()
	cfg.Quarantine = q
	for _, id := range resolve.IDs() {
		cfg.Policy.Rules = append(cfg.Policy.Rules, resolve.Rule{Prefix: id.String() + ":", Resolver: id})
	}
	names := [3]replica.Leader{"a", "b", "c"}
	for i, name := range names {
		mine := cfg
		mine.Name, mine.Peers = name, nil
		for _, other := range names {
			if other != name {
				mine.Peers = append(mine.Peers, other)
			}
		}
		all[i] = newNode(t, mine, 7)
		all[i].begin(mine, replica.State{Origin: logical.Origin(7 + i)})
		for _, p := range mine.Peers {
			all[i].cycle(replica.PeerUp{Peer: p})
		}
	}
	return all, func() (events []replica.Event) {
		for i, n := range all {
			out := n.cycle(replica.Tick{})
			if i == 0 {
				events = out.Events
			}
			for _, s := range out.Sends {
				for j, to := range names {
					if to == s.To && j != i {
						pass(string(names[i]), []replica.Send{s}, all[j])
					}
				}
			}
		}
		for _, n := range all {
			n.now = n.now.Add(100 * time.Millisecond)
		}
		return events
	}
}

// The leader whose clock is set wrong refuses to stamp with it, within three seconds, and
// takes writes again by itself when it is right. It reads, counts and replicates meanwhile.
func TestAWrongClockStampsNothing(t *testing.T) {
	all, round := three(t, replica.Quarantine{Scope: replica.ScopeStamps, Beyond: 100 * time.Millisecond})
	rounds := func(n int) {
		for range n {
			round()
		}
	}
	rounds(10)
	a := all[0]
	a.skew += time.Minute
	rounds(30)
	for _, id := range resolve.IDs() {
		refused := id == resolve.LWW || id == resolve.HLC || id == resolve.Interval
		key := id.String() + ":x"
		rep := a.ask(incr(key, 1))
		if errors.Is(rep.Err, replica.ErrQuarantined) != refused || rep.Err != nil && !strings.Contains(rep.Err.Error(), "write at another leader") {
			t.Errorf("an increment of %s is answered %v", key, rep.Err)
		}
		if rep := a.ask(get(key)); rep.Err != nil {
			t.Errorf("a read of %s is answered %v", key, rep.Err)
		}
		if rep := all[1].ask(incr(key, 1)); rep.Err != nil {
			t.Errorf("at another leader %s is answered %v", key, rep.Err)
		}
	}
	rounds(10)
	if got := a.ask(get("counter:x")).Shown.Values; len(got) != 1 || string(got[0]) != "2" {
		t.Errorf("the counter shows %q", got)
	}
	if why := a.core.Refusals(nil); len(why) != 1 || why[0].Cause != replica.ClockWrong {
		t.Errorf("it refuses for %+v", why)
	}
	a.skew -= time.Minute
	rounds(29)
	if rep := a.ask(set("lww:x", "1")); !errors.Is(rep.Err, replica.ErrQuarantined) {
		t.Errorf("at once after it is right a write is answered %v", rep.Err)
	}
	rounds(5)
	if rep := a.ask(set("lww:x", "1")); rep.Err != nil {
		t.Errorf("when it has been right for a while a write is answered %v", rep.Err)
	}
}

// A warning refuses nothing, and is told once.
func TestAWarningIsToldOnce(t *testing.T) {
	all, round := three(t, replica.Quarantine{})
	var told []replica.ClockSuspected
	look := func(n int) {
		for range n {
			told = append(told, of[replica.ClockSuspected](round())...)
		}
	}
	look(10)
	all[0].skew -= time.Minute
	look(30)
	if rep := all[0].ask(set("lww:x", "1")); rep.Err != nil {
		t.Errorf("a write is answered %v", rep.Err)
	}
	all[0].skew += time.Minute
	look(40)
	if len(told) != 2 || told[0].Over || !told[1].Over || told[0].Outside > -59*time.Second {
		t.Errorf("told is %+v", told)
	}
}

// Most of the members that are configured must be heard, not most of those that were met.
func TestMembersThatWereNeverMetCount(t *testing.T) {
	everything, err := replica.ParseScope("all")
	if err != nil {
		t.Fatal(err)
	}
	all, round := three(t, replica.Quarantine{Scope: everything})
	for _, n := range all {
		n.cycle(replica.Members{Count: 6})
	}
	for range 10 {
		round()
	}
	all[0].skew += time.Minute
	for range 30 {
		round()
	}
	if rep := all[0].ask(set("x", "1")); rep.Err != nil {
		t.Errorf("three of six are no majority; a write is answered %v", rep.Err)
	}
}
