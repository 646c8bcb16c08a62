package replica_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// lasting lets the request's value end after d of the node's wall clock.
func (n *node) lasting(q *replica.Request, d time.Duration) *replica.Request {
	q.Expires = n.moment().Wall.Midpoint().Add(d)
	return q
}

// pass lets time go by.
func (n *node) pass(d time.Duration) { n.now = n.now.Add(d) }

func values(rep replica.Reply) string { return fmt.Sprintf("%s", rep.Shown.Values) }

// every plays the test under each serving resolver with all others as shadows.
func every(t *testing.T, play func(t *testing.T, cfg replica.Config)) {
	for _, id := range resolve.IDs() {
		t.Run(id.String(), func(t *testing.T) {
			cfg := config("n1", "n2")
			cfg.Policy.Default = id
			play(t, cfg)
		})
	}
}

func TestExpiredValueIsNotShown(t *testing.T) {
	every(t, func(t *testing.T, cfg replica.Config) {
		n := newNode(t, cfg, 7)
		n.ask(n.lasting(set("x", "1"), time.Second))
		n.pass(time.Second - 1)
		if got := values(n.ask(get("x"))); got != "[1]" {
			t.Fatalf("just before the deadline: %s", got)
		}
		n.pass(1)
		var saw replica.Present
		n.ask(decided("x", func(p replica.Present) (replica.Write, error) { saw = p; return replica.Write{Verb: replica.Get}, nil }))
		rep := n.ask(get("x"))
		if values(rep) != "[]" || len(rep.Shown.Dots) != 1 || len(saw.Reading.Values) != 0 || saw.Expires != 0 {
			t.Errorf("at the deadline: %+v; an update is shown %+v", rep.Shown, saw)
		}
		if o := n.store.Object("x"); len(o.Versions) != 1 {
			t.Errorf("reading changed the object to %+v", o)
		}
	})
}

// The end of a value is an op of the leader's own, and what is written goes over
// it: nothing of what ended is left, and nobody lost anything.
func TestWriteOverAnExpiredValueDeletesItFirst(t *testing.T) {
	every(t, func(t *testing.T, cfg replica.Config) {
		n := newNode(t, cfg, 7)
		v := n.ask(n.lasting(set("x", "40"), time.Second))
		n.pass(2 * time.Second)
		q := incr("x", 2)
		q.Client, q.Number = 9, 1
		out := n.cycle(q)
		rep, accepted := out.Replies[0], of[replica.Accepted](out.Events)
		if values(rep) != "[2]" || rep.Dot.Seq != 3 || len(accepted) != 2 {
			t.Fatalf("answered %+v after %+v", rep, accepted)
		}
		end := accepted[0].Op
		if !accepted[0].Op.IsExpiry() || accepted[1].Op.IsExpiry() || end.Kind != resolve.Delete || end.HasRequest() || !slices.Equal(end.Parents, []logical.Dot{v.Dot}) {
			t.Errorf("the end is %+v", accepted[0])
		}
		if !slices.Contains(rep.Over, end.Dot) {
			t.Errorf("the write went over %v, not over the end %s", rep.Over, end.Dot)
		}
		if rows := n.store.Rows(); len(rows) != 0 {
			t.Errorf("the ledger holds %+v", rows)
		}
		if d, _ := n.store.Request(9, 1); d != rep.Dot {
			t.Errorf("the request was given %s, the write is %s", d, rep.Dot)
		}
	})
}

// An author that says what it was shown writes over that alone.
func TestExactWriteOverAnExpiredValue(t *testing.T) {
	every(t, func(t *testing.T, cfg replica.Config) {
		n := newNode(t, cfg, 7)
		v := n.ask(n.lasting(set("x", "1"), time.Second))
		n.pass(2 * time.Second)
		q := set("x", "2")
		q.Exact, q.Shown = true, []logical.Dot{v.Dot}
		if rep := n.ask(q); values(rep) != "[2]" || rep.Dot.Seq != 2 || !slices.Equal(rep.Over, []logical.Dot{v.Dot}) {
			t.Errorf("answered %+v", rep)
		}
	})
}

func TestDeadlineOfWhatFollows(t *testing.T) {
	every(t, func(t *testing.T, cfg replica.Config) {
		n := newNode(t, cfg, 7)
		deadline := n.moment().Wall.Midpoint().Add(time.Minute)
		ends := func() (at wallclock.Instant) {
			n.pass(time.Second)
			n.ask(decided("x", func(p replica.Present) (replica.Write, error) {
				at = p.Expires
				return replica.Write{Verb: replica.Get}, nil
			}))
			return at
		}
		n.ask(n.lasting(set("x", "1"), time.Minute))
		n.pass(time.Second)
		n.ask(incr("x", 1))
		if got := ends(); got != deadline {
			t.Errorf("an addition moved the deadline from %d to %d", deadline, got)
		}
		n.ask(decided("x", writes(replica.Write{Verb: replica.Incr, Delta: 1})))
		if got := ends(); got != deadline {
			t.Errorf("a decided addition moved the deadline from %d to %d", deadline, got)
		}
		n.ask(set("x", "1"))
		if got := ends(); got != 0 {
			t.Errorf("a set left the deadline %d", got)
		}
	})
}

func TestSweepDeletesWhatThisLeaderAccepted(t *testing.T) {
	every(t, func(t *testing.T, cfg replica.Config) {
		n := newNode(t, cfg, 7)
		v := n.ask(n.lasting(set("x", "1"), time.Second))
		n.ask(set("y", "1"))
		sweep := replica.Sweep{Keys: []string{"nothing", "x", "y"}}
		if out := n.cycle(sweep); len(out.Puts) != 0 {
			t.Fatalf("swept before the deadline: %+v", out.Events)
		}
		n.pass(2 * time.Second)
		out := n.cycle(sweep, sweep)
		accepted := of[replica.Accepted](out.Events)
		if len(accepted) != 1 || !accepted[0].Op.IsExpiry() || !slices.Equal(accepted[0].Op.Parents, []logical.Dot{v.Dot}) {
			t.Fatalf("swept twice: %+v", accepted)
		}
		if rep := n.ask(get("x")); values(rep) != "[]" || slices.Contains(rep.Shown.Dots, v.Dot) {
			t.Errorf("x shows %+v", rep.Shown)
		}
		if got := values(n.ask(get("y"))); got != "[1]" {
			t.Errorf("y shows %s", got)
		}
	})
}

// A leader that begins again alone, with a clock that is wrong, ends nothing by it
// as long as somebody could still contradict.
func TestSweepWaitsForLeadersThatWereEverKnown(t *testing.T) {
	const old, other = logical.Origin(5), logical.Origin(7)
	cfg := config("n1")
	cfg.ClockHold = time.Minute
	cfg.PastOrigins = []logical.Origin{old}
	for _, c := range []struct {
		name  string
		knows []logical.Origin
		after time.Duration
		ends  bool
	}{
		{name: "alone", knows: []logical.Origin{old}, ends: true},
		{name: "others known", knows: []logical.Origin{old, other}},
		{name: "others silent for long", knows: []logical.Origin{old, other}, after: cfg.ClockHold, ends: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, cfg, 9)
			st := replica.State{Origin: 9}
			for _, o := range c.knows {
				st.Frontier.Advance(logical.Dot{Origin: o, Seq: 1})
			}
			n.begin(cfg, st)
			n.ask(n.lasting(set("x", "1"), time.Second))
			n.pass(2*time.Second + c.after)
			out := n.cycle(replica.Sweep{Keys: []string{"x"}})
			if ended := len(of[replica.Accepted](out.Events)) == 1; ended != c.ends {
				t.Errorf("deleted: %t", ended)
			}
		})
	}
}

func TestSweepLeavesOthersValues(t *testing.T) {
	cfg := config("n1", "n2")
	a, b := newNode(t, cfg, 7), newNode(t, config("n2", "n1"), 8)
	sent := a.cycle(replica.PeerUp{Peer: "n2"}, a.lasting(set("x", "1"), time.Second))
	b.cycle(replica.Received{From: "n1", Message: &replica.Batch{Ops: ops(sent.Sends)}})
	a.pass(2 * time.Second)
	b.pass(2 * time.Second)
	if out := b.cycle(replica.Sweep{Keys: []string{"x"}}); len(out.Puts) != 0 {
		t.Errorf("a value of another leader was swept: %+v", out.Events)
	}
	if got := values(b.ask(get("x"))); got != "[]" {
		t.Errorf("the other leader shows %s", got)
	}
	st := a.core.State()
	st.Origin = 9
	cfg.PastOrigins = []logical.Origin{7}
	a.begin(cfg, st)
	a.cycle(replica.Tick{})
	a.pass(2 * time.Second) // nobody whose clock could contradict was heard
	if out := a.cycle(replica.Sweep{Keys: []string{"x"}}); len(of[replica.Accepted](out.Events)) != 1 {
		t.Errorf("a value of an earlier life was not swept: %+v", out.Events)
	}
}

// A value from a clock that ran ahead ends like any other, once: the deletion stands
// just above it, whatever the clock shows now, and beats nothing that is newer.
func TestEndOfAValueFromAFastClockBeatsOnlyThat(t *testing.T) {
	every(t, func(t *testing.T, cfg replica.Config) {
		n := newNode(t, cfg, 7)
		n.skew = time.Hour
		ends := n.now.Add(5 * time.Second)
		q := set("x", "1")
		q.Expires = wallclock.Instant(ends)
		v := n.ask(q)
		n.skew = 0
		n.pass(6 * time.Second)
		var made []*resolve.Op
		for range 3 {
			n.pass(time.Second)
			for _, a := range of[replica.Accepted](n.cycle(replica.Sweep{Keys: []string{"x"}}).Events) {
				made = append(made, a.Op)
			}
		}
		if len(made) != 1 || !slices.Equal(made[0].Parents, []logical.Dot{v.Dot}) || !made[0].IsExpiry() || made[0].Expires != q.Expires {
			t.Fatalf("swept: %+v", made)
		}
		if got := made[0].Expired.Wall.Midpoint().Sub(v.Wall.Midpoint()); got != 1 {
			t.Errorf("the end is stamped %s after the value", got)
		}
	})
}

// Trap: expiry by local clocks. Leaders whose clocks differ write, wait, sweep
// and hear of each other in any order; when all have applied the same, they hold
// the same.
func TestSkewedLeadersExpireAndConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		serving := rapid.SampledFrom(resolve.IDs()).Draw(t, "serving")
		w := newWorld(t, rapid.Uint64().Draw(t, "seed"), 3, func(c *replica.Config) { c.Policy.Default = serving })
		w.jitter = 200 * time.Millisecond
		for i, name := range w.names {
			w.nodes[name].skew = time.Duration(i-1) * 300 * time.Millisecond
		}
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			name := rapid.SampledFrom(w.names).Draw(t, "leader")
			n := w.nodes[name]
			n.now = w.now
			var in replica.Input = replica.Sweep{Keys: []string{"x", "y"}}
			if rapid.IntRange(0, 3).Draw(t, "sweep") > 0 {
				q := randomWrite(t, i)
				if q.Verb != replica.Remove && rapid.Bool().Draw(t, "ends") {
					n.lasting(q, time.Duration(rapid.IntRange(-100, 500).Draw(t, "after"))*time.Millisecond)
				}
				in = q
			}
			w.feed(name, in)
			w.run(time.Duration(rapid.IntRange(0, 200).Draw(t, "pause"))*time.Millisecond, nil)
		}
		w.mustConverge(5 * time.Second)
	})
}

// What a leader publishes of its peers is what their statuses said.
func TestPeerViewCountsWhatIsLacking(t *testing.T) {
	a, b := newNode(t, config("a", "b", "c"), 7), newNode(t, config("b", "a"), 8)
	a.cycle(replica.PeerUp{Peer: "b"}, set("x", "1"), set("x", "2"))
	view := a.core.Peers(nil)
	if len(view) != 2 || view[0].Behind != 2 || view[0].OwnOps != 2 || view[0].InFlight != 2 || !view[0].Up || view[1].Up || view[0].Origin != 0 {
		t.Fatalf("before anything was heard: %+v", view)
	}
	b.cycle(replica.PeerUp{Peer: "a"}, batch(ops(a.cycle(replica.Tick{}).Sends)...))
	st := &replica.Status{Origin: 8, Number: 1, Frontier: logical.FrontierOf(logical.Dot{Origin: 7, Seq: 1})}
	a.pass(time.Second)
	a.cycle(replica.Received{From: "b", Message: st})
	view = a.core.Peers(view[:0])
	if got := view[0]; got.Behind != 1 || got.OwnOps != 1 || got.Origin != 8 || got.Known.At(7) != 1 || got.Since != 0 || a.now == 0 {
		t.Errorf("after a status: %+v", got)
	}
	st = &replica.Status{Origin: 8, Number: 2, Frontier: logical.FrontierOf(logical.Dot{Origin: 7, Seq: 2})}
	a.cycle(replica.Received{From: "b", Message: st})
	if got := a.core.Peers(nil)[0]; got.Behind != 0 || got.InFlight != 0 {
		t.Errorf("when it has all: %+v", got)
	}
}

// The end of a value and what is written over it are stamped in turn with
// everything else that the cycle accepts.
func TestExpiryKeepsThePipelinesOrder(t *testing.T) {
	every(t, func(t *testing.T, cfg replica.Config) {
		n := newNode(t, cfg, 7)
		for i := range 20 {
			key := fmt.Sprint("k", i)
			n.ask(n.lasting(set(key, "0"), time.Second))
			n.ask(set("y"+key, "0"))
		}
		n.pass(2 * time.Second)
		for i := range 20 {
			key := fmt.Sprint("k", i)
			out := n.cycle(set("y"+key, "1"), set(key, "1"), set("y"+key, "2"), set(key, "2"))
			if values(out.Replies[2]) != "[2]" || values(out.Replies[3]) != "[2]" {
				t.Fatalf("%s: shows %s and %s after writing 1 and 2", key, values(out.Replies[2]), values(out.Replies[3]))
			}
		}
		if rows := n.store.Rows(); len(rows) != 0 {
			t.Errorf("the ledger holds %+v", rows)
		}
	})
}
