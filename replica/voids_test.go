package replica_test

import (
	"errors"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/resolve/number"
)

// voidedNode is a leader with a counter x of which n additions by another origin do
// not count, because their requests count elsewhere.
func voidedNode(t *testing.T, serving resolve.ID, n int) *node {
	cfg := config("n1")
	cfg.Policy = resolve.Policy{Default: serving, Shadows: resolve.All}
	leader := newNode(t, cfg, 7)
	leader.ask(incr("x", 5))
	o := leader.store.Object("x")
	share := resolve.Version{Dot: logical.Dot{Origin: 3, Seq: logical.Seq(n)}, Kind: resolve.Add, Value: []byte("9"), Mask: resolve.Counter.Mask()}
	share.Count.Total = number.Of(int64(n))
	for i := range n {
		share.Count.Voids = append(share.Count.Voids, resolve.VoidDelta{Seq: logical.Seq(i + 1), Delta: number.Of(1)})
	}
	o.Versions = append([]resolve.Version{share}, o.Versions...)
	leader.store.Objects["x"] = o
	st := leader.core.State()
	st.Frontier = st.Frontier.Join(logical.FrontierOf(share.Dot))
	leader.begin(cfg, st)
	return leader
}

// TestACounterAddedToTwiceTooOften takes no more requests that might be, says what to
// do, and goes on.
func TestACounterAddedToTwiceTooOften(t *testing.T) {
	again := func() *replica.Request {
		q := incr("x", 1)
		q.Client, q.Number = 9, 9
		return q
	}
	for _, c := range []struct {
		serving resolve.ID
		voids   int
		refused bool
	}{{resolve.Counter, 16_384, true}, {resolve.Counter, 16_383, false}, {resolve.LWW, 16_384, false}} {
		n := voidedNode(t, c.serving, c.voids)
		rep := n.ask(again())
		if errors.Is(rep.Err, replica.ErrBadRequest) != c.refused || c.refused && !strings.Contains(rep.Err.Error(), "remove it and add what it showed") {
			t.Errorf("%s with %d: %v", c.serving, c.voids, rep.Err)
		}
		if !c.refused {
			continue
		}
		if rep := n.ask(incr("x", 1)); rep.Err != nil || string(rep.Wrote) != "6" {
			t.Errorf("an addition that is not retried makes it %s, %v", rep.Wrote, rep.Err)
		}
		n.ask(&replica.Request{Verb: replica.Remove, Key: "x"})
		if rep := n.ask(again()); rep.Err != nil || string(rep.Wrote) != "1" {
			t.Errorf("removed, and added to, it is %s, %v", rep.Wrote, rep.Err)
		}
	}
}
