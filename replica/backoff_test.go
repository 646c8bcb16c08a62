package replica_test

import (
	"fmt"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
)

// TestDeadLinkIsProbed: a peer from which nothing comes for an hour is sent a few ops
// now and then, and all of them as soon as its echo tells that it hears us again.
func TestDeadLinkIsProbed(t *testing.T) {
	n := pair(t, nil)
	for i := range 600 {
		n.cycle(set(fmt.Sprint("k", i), "v"))
	}
	again, number := 0, uint64(0)
	for end := n.now.Add(time.Hour); n.now < end; {
		out := n.cycle(replica.Tick{})
		again += len(ops(out.Sends))
		for _, s := range statuses(out.Sends) {
			number = s.Number
		}
		n.now = max(out.Wake, n.now+1)
	}
	// The first time a whole batch, then ever fewer: one op every twenty seconds.
	if least, most := 512+180, 512+128+32+8+2+200; again < least || again > most {
		t.Errorf("%d ops were shipped again in an hour of silence, want %d to %d", again, least, most)
	}
	n.cycle(replica.Received{From: "b", Message: &replica.Status{Origin: 8, Number: 1, Frontier: logical.Frontier{}}})
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) > 1 {
		t.Errorf("%d ops are shipped to a peer that was heard and of which nothing tells that it hears us", len(got))
	}
	n.now = n.now.Add(replica.Defaults().Resend)
	echo := replica.Echo{Origin: 7, Number: number}
	out := n.cycle(replica.Received{From: "b", Message: &replica.Status{Origin: 8, Number: 2, Frontier: logical.Frontier{}, Echo: echo}})
	if got := ops(out.Sends); len(got) != 512 || got[0].Dot.Seq != 1 {
		t.Errorf("%d ops are shipped to a peer that hears us again, want a batch from the first on", len(got))
	}
}

// TestHealedLinkConvergesAtOnce: however long a link was cut, what it kept back goes
// over it within a heartbeat of its healing.
func TestHealedLinkConvergesAtOnce(t *testing.T) {
	for _, leaders := range []int{2, 3} {
		w := newWorld(t, 1, leaders, nil)
		w.part("n1", "n2", true)
		w.part("n1", "n3", true)
		for i := range 40 {
			w.feed("n1", set(fmt.Sprint("a", i), "v"))
			w.feed("n2", set(fmt.Sprint("b", i), "v"))
			w.run(time.Minute, nil)
		}
		w.part("n1", "n2", false)
		w.part("n1", "n3", false)
		w.mustConverge(replica.Defaults().Heartbeat + 100*time.Millisecond)
	}
}
