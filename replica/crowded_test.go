package replica_test

import (
	"errors"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// crowdedNode is a leader that holds n versions of x side by side, more than it
// would let in itself, and the dot of one that was overwritten long ago.
func crowdedNode(t *testing.T, serving resolve.ID, limit, n int) (*node, logical.Dot) {
	cfg := config("n1")
	cfg.Policy, cfg.MaxSiblings = resolve.Policy{Default: serving, Shadows: resolve.All}, limit
	leader := newNode(t, cfg, 7)
	first := leader.ask(set("x", "1"))
	leader.ask(set("x", "2"))
	full := leader.store.Object("x")
	var mine []resolve.Version
	for i := len(full.Versions); i < n; i++ {
		mine = append(mine, resolve.Version{Dot: logical.Dot{Origin: 3, Seq: logical.Seq(i + 1)}, Kind: resolve.Put, Value: []byte("v"),
			Mask: serving.Mask() | resolve.Causal.Mask(), Wall: wallclock.Interval{Latest: 1 << 62}})
	}
	full.Versions = append(mine, full.Versions...)
	leader.store.Objects["x"] = full
	st := leader.core.State()
	st.Frontier = st.Frontier.Join(logical.FrontierOf(logical.Dot{Origin: 3, Seq: logical.Seq(n)}))
	leader.begin(cfg, st)
	return leader, first.Dot
}

func TestWriteThatWouldCrowdAKeyIsRefused(t *testing.T) {
	for _, serving := range []resolve.ID{resolve.Siblings, resolve.Interval} {
		for _, shown := range []string{"nothing", "what was overwritten"} {
			t.Run(serving.String()+" "+shown, func(t *testing.T) {
				n, old := crowdedNode(t, serving, 10, 12)
				q := &replica.Request{Verb: replica.Set, Key: "x", Value: []byte("y"), Exact: true}
				if shown != "nothing" {
					q.Shown = []logical.Dot{old}
				}
				before := len(n.store.Object("x").Versions)
				if r := n.ask(q); !errors.Is(r.Err, replica.ErrSiblings) {
					t.Errorf("%d versions, and one more was answered %v", before, r.Err)
				}
				if after := len(n.store.Object("x").Versions); after != before {
					t.Errorf("%d versions became %d", before, after)
				}
			})
		}
	}
}

// What was let in by whoever it was can be taken away by anybody in one command:
// over what the leader shows, or over what a reply showed.
func TestCrowdedKeyIsSettledByOneWrite(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 20_000
	}
	ways := map[string]func(shown []logical.Dot) *replica.Request{
		"set":     func([]logical.Dot) *replica.Request { return set("x", "one") },
		"remove":  func([]logical.Dot) *replica.Request { return &replica.Request{Verb: replica.Remove, Key: "x"} },
		"resolve": func(shown []logical.Dot) *replica.Request { return overExactly(set("x", "one"), shown) },
		"over some": func(shown []logical.Dot) *replica.Request {
			return overExactly(set("x", "one"), shown[len(shown)/2:])
		},
	}
	for _, serving := range []resolve.ID{resolve.Siblings, resolve.Interval} {
		for name, way := range ways {
			t.Run(serving.String()+" "+name, func(t *testing.T) {
				leader, _ := crowdedNode(t, serving, 10, n)
				shown := leader.ask(get("x")).Shown.Dots
				if len(shown) < n-20 {
					t.Fatalf("%d dots are shown", len(shown))
				}
				r := leader.ask(way(shown))
				left := len(shown)/2 + 1
				if name != "over some" {
					left = 1
				}
				if r.Err != nil || len(r.Shown.Values) > left {
					t.Errorf("it was answered %v and leaves %d values", r.Err, len(r.Shown.Values))
				}
			})
		}
	}
}

func overExactly(q *replica.Request, shown []logical.Dot) *replica.Request {
	q.Exact, q.Shown = true, shown
	return q
}

// Where clocks can tell, a later write takes the place of those before it, and a
// key that is full of those is not full for it.
func TestIntervalsThatLieBeforeAWriteDoNotCrowdItOut(t *testing.T) {
	n, _ := crowdedNode(t, resolve.Interval, 10, 12)
	o := n.store.Object("x")
	for i := range o.Versions {
		o.Versions[i].Wall = wallclock.Interval{}
	}
	n.store.Objects["x"] = o
	if r := n.ask(&replica.Request{Verb: replica.Set, Key: "x", Value: []byte("y"), Exact: true}); r.Err != nil || len(r.Shown.Values) != 1 {
		t.Errorf("it was answered %v and leaves %d values", r.Err, len(r.Shown.Values))
	}
}

// Values are bounded together as well: a write that would leave more side by side than
// one reply can show is refused, and one that goes over some of them is not.
func TestWriteThatWouldShowTooMuchIsRefused(t *testing.T) {
	cfg := config("n1")
	cfg.Policy, cfg.ShownBytes = resolve.Policy{Default: resolve.Siblings, Shadows: resolve.All}, 3*64
	n := newNode(t, cfg, 7)
	beside := func() replica.Reply {
		return n.ask(&replica.Request{Verb: replica.Set, Key: "x", Value: make([]byte, 64), Exact: true})
	}
	for range 3 {
		if r := beside(); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	if r := beside(); !errors.Is(r.Err, replica.ErrSiblings) {
		t.Errorf("a fourth is answered %v", r.Err)
	}
	shown := n.ask(&replica.Request{Verb: replica.Get, Key: "x"}).Shown
	if len(shown.Values) != 3 {
		t.Errorf("%d values are shown", len(shown.Values))
	}
	over := &replica.Request{Verb: replica.Set, Key: "x", Value: make([]byte, 64), Exact: true, Shown: shown.Dots[:1]}
	if r := n.ask(over); r.Err != nil {
		t.Errorf("a write in the place of one is answered %v", r.Err)
	}
	if r := n.ask(set("x", "all")); r.Err != nil || len(n.ask(&replica.Request{Verb: replica.Get, Key: "x"}).Shown.Values) != 1 {
		t.Errorf("a write over all is answered %v", r.Err)
	}
}
