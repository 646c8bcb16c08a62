package demo

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"kvd/replica/node"
	"kvd/replica/replicatest"
)

// The clients together keep the rate, whatever it is, and nobody sleeps long.
func TestTheRateIsKept(t *testing.T) {
	d := New(node.LinkFault{})
	d.leaders = []Leader{{Name: "n1"}, {Name: "n2"}}
	dice := rand.New(rand.NewPCG(1, 2))
	for _, rate := range []int{0, 1, 10, maxRate} {
		if err := d.Change(node.ExperimentChange{Rate: &rate}); err != nil {
			t.Fatal(err)
		}
		const hour = time.Hour
		steps := 0
		for now := time.Duration(0); now < hour; {
			pause, isDue := d.next(dice)
			if pause > 2*idle || pause <= 0 {
				t.Fatalf("a client pauses for %s", pause)
			}
			if now += pause; isDue {
				steps++
			}
		}
		got, want := float64(d.clients()*steps)/hour.Seconds(), float64(rate)
		if got < 0.9*want || got > 1.1*want {
			t.Errorf("%.2f steps a second, want %.0f", got, want)
		}
	}
}

// A leader that cannot be reached is said to be, and what was wanted of it is not noted.
func TestALeaderThatIsGone(t *testing.T) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at.Close()
	d := New(node.LinkFault{Delay: 3 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Run(ctx, []Leader{{Name: "n1", Addr: at.Addr().String(), Skew: -time.Minute}})
	}()
	replicatest.Eventually(t, "it is tried", func() bool { return d.State().Refused > 0 })
	skew := 5.0
	if err := d.Change(node.ExperimentChange{Leader: "n1", SkewMS: &skew}); err == nil || !strings.Contains(err.Error(), "n1 cannot be told") {
		t.Errorf("a change is answered %v", err)
	}
	if s := d.State(); s.Leaders[0].SkewMS != -60_000 || s.MaxMS != 60_000 || s.DelayMS != 3000 || s.Done != 0 {
		t.Errorf("the state is %+v", s)
	}
	cancel()
	<-ended
}
