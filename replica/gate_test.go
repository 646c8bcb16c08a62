package replica_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// history is a random one of three leaders: every op they accepted.
func history(t *rapid.T, seed uint64, serving resolve.ID) []*resolve.Op {
	w := newWorld(t, seed, 3, func(c *replica.Config) { c.Policy.Default = serving })
	w.jitter = 300 * time.Millisecond
	for i := range rapid.IntRange(1, 25).Draw(t, "writes") {
		name := rapid.SampledFrom(w.names).Draw(t, "leader")
		w.feed(name, randomWrite(t, i))
		w.run(time.Duration(rapid.IntRange(0, 100).Draw(t, "pause"))*time.Millisecond, nil)
	}
	var all []*resolve.Op
	for _, name := range w.names {
		for d, op := range w.nodes[name].store.Log {
			if d.Origin == w.nodes[name].core.State().Origin {
				all = append(all, op)
			}
		}
	}
	slices.SortFunc(all, func(a, b *resolve.Op) int {
		return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot))
	})
	return all
}

func randomWrite(t *rapid.T, i int) *replica.Request {
	key := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "key")
	var q *replica.Request
	switch rapid.IntRange(0, 3).Draw(t, "verb") {
	case 0:
		q = incr(key, int64(i))
	case 1:
		q = &replica.Request{Verb: replica.Remove, Key: key}
	default:
		q = set(key, fmt.Sprint(i))
	}
	if rapid.Bool().Draw(t, "retried") {
		q.Client, q.Number = 1, uint64(i/4) // four neighbours may be one request
		if rapid.IntRange(0, 3).Draw(t, "alike") > 0 {
			q.Key, q.Verb = "x", replica.Incr // otherwise a number is given twice, or a retry comes to something else
		}
	}
	return q
}

// Whatever the order of arrival, and however often, the same ops give the same
// objects, ledger rows, duplicates and requests.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		serving := rapid.SampledFrom(resolve.IDs()).Draw(t, "serving")
		all := history(t, rapid.Uint64().Draw(t, "seed"), serving)
		cfg := config("o", "p")
		cfg.Policy.Default = serving
		straight, shuffled := newObserver(t, cfg), newObserver(t, cfg)
		straight.take(all)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 2))
		mixed := append(slices.Clone(all), all[:len(all)/2]...)
		rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		shuffled.take(mixed)
		if got, want := shuffled.state(), straight.state(); got != want {
			t.Fatalf("in order:\n%sshuffled:\n%s", want, got)
		}
	})
}

// observer is a leader that only listens, one op a message.
type observer struct{ *node }

func newObserver(t *rapid.T, cfg replica.Config) observer { return observer{newNode(t, cfg, 1)} }

func (o observer) take(all []*resolve.Op) {
	for _, op := range all {
		o.cycle(replica.Received{From: "p", Message: &replica.Batch{Ops: []*resolve.Op{op}}})
	}
}

func (o observer) state() string {
	return o.core.State().Frontier.String() + "\n" + o.content() +
		fmt.Sprintln(o.store.Requests) + fmt.Sprintln(o.store.Groups)
}

// line is n ops of one origin, each over the one before.
func line(t tester, n int) []*resolve.Op {
	a := newNode(t, config("a", "b"), 7)
	a.cycle(replica.PeerUp{Peer: "b"})
	var all []*resolve.Op
	for i := range n {
		all = append(all, ops(a.cycle(set("x", fmt.Sprint(i))).Sends)...)
	}
	return all
}

func batch(ops ...*resolve.Op) replica.Received {
	return replica.Received{From: "a", Message: &replica.Batch{Ops: ops}}
}

func TestGapIsHeldAndFilled(t *testing.T) {
	all := line(t, 3)
	b := newNode(t, config("b", "a"), 8)
	out := b.cycle(batch(all[2], all[1], all[1]))
	if got := of[replica.Buffered](out.Events); len(got) != 2 || !got[0].Gap {
		t.Fatalf("held %+v", got)
	}
	if got := of[replica.Dropped](out.Events); len(got) != 1 || got[0].Reason != replica.Duplicate {
		t.Errorf("what is held already: %+v", got)
	}
	out = b.cycle(batch(all[0]))
	if got := of[*replica.Applied](out.Events); len(got) != 3 || got[2].Op != all[2] {
		t.Fatalf("applied %+v", got)
	}
	out = b.cycle(batch(all[0]))
	if got := of[replica.Dropped](out.Events); len(got) != 1 || len(out.Puts) != 0 {
		t.Errorf("a duplicate: events %+v, puts %v", out.Events, out.Puts)
	}
}

func TestDependencyIsHeldAndFilled(t *testing.T) {
	a, b, c := newNode(t, config("a", "b", "c"), 7), newNode(t, config("b", "a", "c"), 8), newNode(t, config("c", "a", "b"), 9)
	cause := ops(a.cycle(replica.PeerUp{Peer: "b"}, set("x", "1")).Sends)
	b.cycle(replica.PeerUp{Peer: "c"}, batch(cause...))
	effect := ops(b.cycle(set("y", "1")).Sends)

	out := c.cycle(replica.Received{From: "b", Message: &replica.Batch{Ops: effect}})
	if got := of[replica.Buffered](out.Events); len(got) != 1 || got[0].Gap {
		t.Fatalf("held %+v, want one for its dependency", got)
	}
	if rep := c.ask(get("y")); len(rep.Shown.Values) != 0 {
		t.Fatal("the effect is visible before its cause")
	}
	out = c.cycle(batch(cause...))
	if got := of[*replica.Applied](out.Events); len(got) != 2 || got[1].From != "b" {
		t.Errorf("applied %+v", got)
	}
}

func TestGateGivesRoomBack(t *testing.T) {
	all := line(t, 20)
	cfg := config("b", "a")
	cfg.GateOps = 1
	b := newNode(t, cfg, 8)
	for i := 0; i < len(all); i += 2 {
		out := b.cycle(batch(all[i+1], all[i]))
		if got := of[replica.Dropped](out.Events); len(got) != 0 {
			t.Fatalf("pair %d: dropped %+v", i/2, got)
		}
	}
}

func TestGateIsBoundedAndNeverStuck(t *testing.T) {
	all := line(t, 6)
	cfg := config("b", "a")
	cfg.GateOps = 2
	b := newNode(t, cfg, 8)
	out := b.cycle(batch(all[5], all[4], all[3], all[2]))
	if got := of[replica.Dropped](out.Events); len(got) != 2 || got[0].Reason != replica.GateFull {
		t.Fatalf("dropped %+v, want two for want of room", got)
	}
	b.cycle(batch(all[:4]...)) // the sender goes back
	if at := b.core.State().Frontier.At(7); at != 6 {
		t.Errorf("applied up to %d, want 6", at)
	}
}

func TestFarClockIsAppliedNotAbsorbed(t *testing.T) {
	a, b := newNode(t, config("a", "b"), 7), newNode(t, config("b", "a"), 8)
	a.skew = time.Hour
	out := b.cycle(batch(ops(a.cycle(replica.PeerUp{Peer: "b"}, set("x", "1")).Sends)...))
	got := of[replica.ClockAhead](out.Events)
	if len(got) != 1 || got[0].Ahead != time.Hour {
		t.Fatalf("events %+v", out.Events)
	}
	if rep := b.ask(get("x")); len(rep.Shown.Values) != 1 {
		t.Error("the op was not applied")
	}
	if st := b.core.State(); st.HLC.Wall > int64(epoch) || st.Lamport != 1 {
		t.Errorf("clocks %s, %d; want the Lamport stamp alone absorbed", st.HLC, st.Lamport)
	}
}

func TestImpossibleOpsStopTheLeader(t *testing.T) {
	dot := logical.Dot{Origin: 7, Seq: 2}
	for name, op := range map[string]*resolve.Op{
		"no dot":         {Key: "x"},
		"deps skip":      {Key: "x", Dot: dot},
		"deps on itself": {Key: "x", Dot: dot, Deps: logical.FrontierOf(dot)},
	} {
		b := newNode(t, config("b", "a"), 8)
		err := b.core.Step(b.moment(), batch(op), b.store, b.out)
		if err == nil || !strings.Contains(err.Error(), "op ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
