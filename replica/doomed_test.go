package replica_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kvd/replica"
	"kvd/resolve"
	"kvd/resolve/doomed"
)

// beaten is a leader whose clock stepped back by an hour after it wrote "old", under rules
// that compare stamps.
func beaten(t *testing.T, id resolve.ID, fate doomed.Fate) *node {
	cfg := replica.Defaults()
	cfg.Name = "a"
	cfg.Policy.Rules = []resolve.Rule{{Prefix: "x", Resolver: id, Doomed: fate}}
	cfg.Policy.Shadows = resolve.All
	n := newNode(t, cfg, 7)
	n.ask(set("x", "old"))
	n.skew = -time.Hour
	n.now = n.now.Add(time.Second)
	return n
}

func TestDoomedWrites(t *testing.T) {
	for _, id := range []resolve.ID{resolve.LWW, resolve.Interval} {
		for fate, shown := range map[doomed.Fate]string{doomed.Accept: "old", doomed.Refuse: "old", doomed.Lift: "new"} {
			n := beaten(t, id, fate)
			before := n.core.State()
			out := n.cycle(set("x", "new"))
			if err := out.Replies[0].Err; errors.Is(err, replica.ErrDoomed) != (fate == doomed.Refuse) || err != nil && !strings.Contains(err.Error(), "nothing was stored") {
				t.Errorf("%s, %s: it is answered %v", id, fate, err)
			}
			if got := n.ask(get("x")).Shown.Values; string(got[0]) != shown {
				t.Errorf("%s, %s: it shows %q", id, fate, got)
			}
			told := of[replica.Doomed](out.Events)
			if len(told) != 1 || told[0].Fate != fate || told[0].By.Seq != 1 {
				t.Errorf("%s, %s: told is %+v", id, fate, told)
			}
			if after := n.core.State(); (len(out.Puts) == 0) != (fate == doomed.Refuse) || (after.Lamport == before.Lamport) != (fate == doomed.Refuse) {
				t.Errorf("%s, %s: %d puts, Lamport %d after %d", id, fate, len(out.Puts), after.Lamport, before.Lamport)
			}
			for _, op := range opsPut(out.Puts) {
				wall, _, _ := op.Stamps()
				if op.IsLifted() != (fate == doomed.Lift) || op.IsExpiry() || op.Wall.Midpoint() != n.moment().Wall.Midpoint() || (wall != op.Wall) != op.IsLifted() {
					t.Errorf("%s, %s: the op's clock shows %s, it is judged by %s", id, fate, op.Wall, wall)
				}
				if op.IsLifted() {
					judgedAlike(t, n)
				}
			}
			if row := n.store.Rows(); fate == doomed.Accept && len(row) == 0 {
				t.Errorf("%s: what is accepted and lost is in no ledger", id)
			}
		}
	}
}

// judgedAlike looks whether every resolver that watches shows what the serving one shows.
func judgedAlike(t *testing.T, n *node) {
	o := n.store.Object("x")
	for _, id := range resolve.IDs() {
		p := resolve.Panel{Serving: id}
		for _, i := range p.Survivors(o, id, nil) {
			if o.Versions[i].Dot.Seq != 2 {
				t.Errorf("%s shows %s", id, o.Versions[i].Dot)
			}
		}
	}
}

func opsPut(puts []replica.Put) (all []*resolve.Op) {
	for _, p := range puts {
		if op, ok := p.(replica.PutOp); ok {
			all = append(all, op.Op)
		}
	}
	return all
}

// A write that nothing beats is the same under every fate.
func TestWritesThatAreNotDoomedAreLeftAlone(t *testing.T) {
	for _, fate := range []doomed.Fate{doomed.Accept, doomed.Refuse, doomed.Lift} {
		n := beaten(t, resolve.LWW, fate)
		n.skew = 0
		for _, q := range []*replica.Request{set("x", "new"), incr("y", 1), {Verb: replica.Remove, Key: "x"}, set("x", "again")} {
			out := n.cycle(q)
			if err := out.Replies[0].Err; err != nil && q.Key == "x" || len(of[replica.Doomed](out.Events)) > 0 {
				t.Errorf("%s: %s is answered %v, %v", fate, q.Verb, err, of[replica.Doomed](out.Events))
			}
			for _, op := range opsPut(out.Puts) {
				if op.IsLifted() {
					t.Errorf("%s: %s is lifted", fate, q.Verb)
				}
			}
		}
	}
}

// Of several that are done together all are refused, or none.
func TestDoomedTogether(t *testing.T) {
	n := beaten(t, resolve.LWW, doomed.Refuse)
	g := &replica.Together{}
	g.Requests = []*replica.Request{{Verb: replica.Set, Key: "y", Value: []byte("1"), Together: g}, {Verb: replica.Set, Key: "x", Value: []byte("1"), Together: g}}
	out := n.cycle(g.Requests[0], g.Requests[1])
	for _, r := range out.Replies {
		if !errors.Is(r.Err, replica.ErrDoomed) {
			t.Errorf("it is answered %v", r.Err)
		}
	}
	if got := n.ask(get("y")).Shown.Values; len(got) > 0 {
		t.Errorf("y shows %q", got)
	}
}
