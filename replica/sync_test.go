package replica_test

import (
	"testing"

	"kvd/logical"
	"kvd/replica"
)

// A leader that syncs later than it stores acknowledges at once what it has, so
// that nothing is shipped twice, and says apart from that what is durable.
func TestWhatIsNotSyncedIsNotCalledDurable(t *testing.T) {
	lazy := config("b", "a")
	lazy.SyncsLater = true
	a, b := newNode(t, config("a", "b"), 7), newNode(t, lazy, 8)
	a.cycle(replica.PeerUp{Peer: "b"})
	b.cycle(replica.PeerUp{Peer: "a"})
	exchange := func(in ...replica.Input) replica.PeerView {
		t.Helper()
		pass("a", a.cycle(set("x", "1")).Sends, b)
		pass("b", b.cycle(in...).Sends, a)
		a.cycle(replica.Tick{})
		return a.core.Peers(nil)[0]
	}
	if v := exchange(); v.Known.At(7) != 1 || v.Durable.At(7) != 0 {
		t.Errorf("stored and not synced: %+v", v)
	}
	b.now = b.now.Add(1) // before a heartbeat is due
	first := logical.FrontierOf(logical.Dot{Origin: 7, Seq: 1})
	if v := exchange(replica.Synced{Frontier: &first}); v.Known.At(7) != 2 || v.Durable.At(7) != 1 {
		t.Errorf("the first is synced, and the second stored: %+v", v)
	}
	if out := b.cycle(replica.Synced{Frontier: &first}); len(statuses(out.Sends)) != 1 {
		t.Errorf("peers are not told of a sync before the next heartbeat: %d statuses", len(statuses(out.Sends)))
	}
}
