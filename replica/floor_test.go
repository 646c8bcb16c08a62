package replica_test

import (
	"testing"
	"time"

	"kvd/replica"
	"kvd/wallclock"
)

// promised is the floor of the only status in out.
func promised(t *testing.T, out replica.Output) wallclock.Instant {
	t.Helper()
	for _, s := range out.Sends {
		if status, ok := s.Message.(*replica.Status); ok {
			return status.Floor
		}
	}
	t.Fatal("no status was sent")
	return 0
}

// TestNothingIsStampedBelowAPromise: a leader that has promised a floor says so, and keeps to
// it when its clock is set back, and in its next life. It promises nothing that its clock has
// not passed.
func TestNothingIsStampedBelowAPromise(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.cycle(replica.PeerUp{Peer: "n2"})
	early, late := epoch-1000, epoch.Add(time.Hour)
	if out := n.cycle(replica.Promise{Floor: late}); len(out.Puts) != 0 || n.core.State().Floor != 0 {
		t.Errorf("a promise that the clock has not passed puts %v, and the floor is %d", out.Puts, n.core.State().Floor)
	}
	n.now += wallclock.Mono(2 * time.Hour)
	out := n.cycle(replica.Promise{Floor: late})
	if len(out.Puts) != 1 || n.core.State().Floor != late {
		t.Errorf("a promise puts %v, and the floor is %d, want %d", out.Puts, n.core.State().Floor, late)
	}
	if got := promised(t, out); got != late {
		t.Errorf("the peer is told of the floor %d, want %d", got, late)
	}
	if n.cycle(replica.Promise{Floor: early}); n.core.State().Floor != late {
		t.Errorf("a lower promise takes the higher one back: %d", n.core.State().Floor)
	}
	n.skew = -3 * time.Hour
	last := late
	for life := range 2 {
		for range 3 {
			out := n.cycle(set("x", "v"))
			wall := out.Replies[0].Wall
			if wall.Earliest <= last || wall.Midpoint() <= last {
				t.Errorf("life %d: after a stamp, or a floor, of %d a write is stamped %v", life, last, wall)
			}
			if got := of[replica.StampLifted](out.Events); len(got) != 1 || got[0].Dot != out.Replies[0].Dot {
				t.Errorf("life %d: a stamp that was lifted is told as %v", life, got)
			}
			last = wall.Earliest
		}
		n.begin(config("n1"), n.core.State())
		last = late
	}
	n.skew = 0
	if out := n.cycle(set("x", "v")); len(of[replica.StampLifted](out.Events)) != 0 || out.Replies[0].Wall != n.moment().Wall {
		t.Errorf("with its clock above the floor a write is stamped %v, lifted %v", out.Replies[0].Wall, of[replica.StampLifted](out.Events))
	}
}

// TestANewcomerPromisesWhatOthersHave: they may have counted on everybody's promise before
// they met it. Who has accepted something is counted already, and promises by its own clock.
func TestANewcomerPromisesWhatOthersHave(t *testing.T) {
	floor := epoch.Add(time.Hour)
	for name, writes := range map[string]int{"new": 0, "known": 1} {
		n := newNode(t, config("n1"), 7)
		for range writes {
			n.ask(set("x", "v"))
		}
		out := n.cycle(replica.Received{From: "n2", Message: &replica.Status{Origin: 8, Number: 1, Floor: floor}})
		if adopted := n.core.State().Floor == floor; adopted != (writes == 0) || adopted != (len(out.Puts) == 1) {
			t.Errorf("%s: it promises %d and puts %v", name, n.core.State().Floor, out.Puts)
		}
		if p := n.core.Peers(nil); p[0].Floor != floor {
			t.Errorf("%s: n2 is taken to have promised %d", name, p[0].Floor)
		}
	}
}
