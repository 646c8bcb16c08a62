package node

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"kvd/replica/link"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// heard is the messages of a subscription up to the one that says the end.
func heard(t *testing.T, s *redis.PubSub) (all []string) {
	t.Helper()
	for {
		got, err := s.ReceiveTimeout(context.Background(), replicatest.Timeout)
		m, ok := got.(*redis.Message)
		if err != nil || !ok {
			t.Fatalf("after %q: %v, %v", all, got, err)
		}
		if m.Payload == "the end" {
			return all
		}
		all = append(all, m.Payload)
	}
}

// What is published at one leader is heard at all, once, and in order; the number that
// is answered is of this leader's subscribers. What meets a cut link does not come
// later, unlike what is written; it is counted.
func TestPublishedIsHeardAtAllLeadersOnce(t *testing.T) {
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n, " leaders"), func(t *testing.T) {
			all := cluster(t, n, everybody(resolve.LWW), nil)
			n1, last := all[0], all[n-1]
			var ears []*redis.PubSub
			for _, n := range all {
				ears = append(ears, n.subscribed("news"))
			}
			for i := range 3 {
				if got := n1.ask("PUBLISH", "news", fmt.Sprint(i)); got != int64(1) {
					t.Errorf("PUBLISH answers %v", got)
				}
			}
			replicatest.Eventually(t, "the first ones are sent", func() bool { return n1.peer(last.Name()).Published.Sent == 3 })
			cut := func(is bool) {
				t.Helper()
				if err := n1.faults.Set("n2", link.LinkFault{Cut: is}); err != nil {
					t.Fatal(err)
				}
			}
			cut(true)
			n1.ask("PUBLISH", "news", "cut")
			n1.set("written", "1")
			cut(false)
			settle(t, all) // what was written comes later
			n1.ask("PUBLISH", "news", "healed")
			n1.ask("PUBLISH", "news", "the end")
			for i, s := range ears {
				want := "[0 1 2 cut healed]"
				if all[i].Name() == "n2" {
					want = "[0 1 2 healed]"
				}
				if got := fmt.Sprint(heard(t, s)); got != want {
					t.Errorf("%s hears %s, want %s", all[i].Name(), got, want)
				}
			}
			if p := n1.peer("n2").Published; p.Sent != 5 || p.Dropped != 1 {
				t.Errorf("to n2: %+v", p)
			}
			last.ask("PUBLISH", "news", "back")
			last.ask("PUBLISH", "news", "the end")
			if got := fmt.Sprint(heard(t, ears[0])); got != "[back]" {
				t.Errorf("n1 hears %s from %s", got, last.Name())
			}
		})
	}
}
