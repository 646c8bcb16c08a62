package replica_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/wallclock"
)

// content is another write to x under the dot 7-1, accepted at the epoch.
func content(change func(*resolve.Op)) *resolve.Op {
	op := &resolve.Op{Key: "x", Kind: resolve.Put, Value: []byte("theirs"), Dot: logical.Dot{Origin: 7, Seq: 1},
		Wall: wallclock.Around(epoch, time.Millisecond), HLC: logical.HLC{Wall: int64(epoch)}, Lamport: 1}
	if change != nil {
		change(op)
	}
	return op
}

// settling is a leader with a write to x under 7-1 and another origin since.
func settling(t *testing.T, tune func(*replica.Config)) *node {
	cfg := config("a")
	cfg.Policy.Default = resolve.Siblings
	if tune != nil {
		tune(&cfg)
	}
	n := newNode(t, cfg, 7)
	n.ask(set("x", "mine"))
	n.goesOn(cfg, 11)
	n.now = n.now.Add(time.Second)
	return n
}

func settle(n *node, m *replica.Settlement) replica.Reply {
	return n.ask(&replica.Request{Verb: replica.Settle, Key: "x", Settlement: m})
}

func TestWhatCannotBeSettledIsRefused(t *testing.T) {
	mine, theirs := content(nil), content(nil)
	other := content(func(op *resolve.Op) { op.Dot.Seq = 2 })
	for name, m := range map[string]*replica.Settlement{
		"nothing":                nil,
		"one content":            {Contents: []*resolve.Op{mine}},
		"less than none chosen":  {Contents: []*resolve.Op{mine, theirs}, Chosen: replica.KeepShown - 1},
		"more than there are":    {Contents: []*resolve.Op{mine, theirs}, Chosen: 2},
		"contents of other dots": {Contents: []*resolve.Op{mine, theirs, other}},
	} {
		n := settling(t, nil)
		if rep := settle(n, m); !errors.Is(rep.Err, replica.ErrBadRequest) || n.core.State().Frontier.At(11) != 0 {
			t.Errorf("%s: %+v", name, rep)
		}
	}
	for _, chosen := range []int{replica.KeepShown, 0, 1} {
		if rep := settle(settling(t, nil), &replica.Settlement{Contents: []*resolve.Op{mine, theirs}, Chosen: chosen}); rep.Err != nil {
			t.Errorf("chosen %d: %v", chosen, rep.Err)
		}
	}
}

// A stamp that no honest content has does not make whoever looked at it wait for ever.
func TestSeenIsWhatATokenMayCarry(t *testing.T) {
	const most = 1 << 62
	for stamp, want := range map[logical.Lamport]logical.Lamport{5: 5, most: most, most + 1: most} {
		m := &replica.Settlement{Contents: []*resolve.Op{content(nil), content(func(op *resolve.Op) { op.Lamport = stamp })}}
		if got := replica.Seen(m).Lamport; got != want {
			t.Errorf("a stamp of %d is seen as %d, want %d", stamp, got, want)
		}
	}
}

// What settles must be stamped above every content by every clock. A stamp that is not
// above this leader's, or that its next one will pass, is no hindrance.
func TestWhatSettlesIsStampedAboveTheContents(t *testing.T) {
	now := epoch.Add(time.Second)
	hlc := func(wall wallclock.Instant, count uint32) func(*resolve.Op) {
		return func(op *resolve.Op) { op.HLC = logical.HLC{Wall: int64(wall), Count: count} }
	}
	wall := func(at wallclock.Instant) func(*resolve.Op) {
		return func(op *resolve.Op) { op.Wall = wallclock.Around(at, time.Millisecond) }
	}
	lamport := func(stamp logical.Lamport) func(*resolve.Op) { return func(op *resolve.Op) { op.Lamport = stamp } }
	for name, c := range map[string]struct {
		change func(*resolve.Op)
		says   string // empty: it is settled
	}{
		"quiet, with a hybrid stamp below the clock": {hlc(now-1, 9), ""},
		"quiet, with one of this moment":             {hlc(now, 0), "logical stamp that this leader has not reached"},

		"just before":                         {wall(now - 1), ""},
		"at this moment":                      {wall(now), "only in 0s"},
		"a hybrid stamp below the clock":      {hlc(now-1, 9), ""},
		"one of this moment":                  {hlc(now, 1), "logical stamp that this leader has not reached"},
		"the stamp that this leader has":      {hlc(now, 0), ""},
		"a Lamport stamp that it has reached": {lamport(2), ""},
		"one that it has not":                 {lamport(3), "logical stamp that this leader has not reached"},
	} {
		n := settling(t, nil)
		if !strings.HasPrefix(name, "quiet") {
			n.ask(set("y", "stamped at this moment"))
		}
		rep := settle(n, &replica.Settlement{Contents: []*resolve.Op{n.store.Log[logical.Dot{Origin: 7, Seq: 1}], content(c.change)}})
		if behind := errors.Is(rep.Err, replica.ErrBehind); behind != (c.says != "") || behind && !strings.Contains(rep.Err.Error(), c.says) {
			t.Errorf("%s: %v", name, rep.Err)
		}
	}
}

// Everything is known to be possible before anything is accepted.
func TestASettlementThatNoMessageCouldCarryIsRefusedWhole(t *testing.T) {
	large := content(func(op *resolve.Op) { op.Value = make([]byte, 2000) })
	overMany := content(func(op *resolve.Op) {
		for i := range 200 {
			op.Parents = append(op.Parents, logical.Dot{Origin: 5, Seq: logical.Seq(i + 1)})
		}
	})
	for name, m := range map[string]*replica.Settlement{
		"a large value":                   {Contents: []*resolve.Op{content(nil), large}, Chosen: 1},
		"a large value beside another":    {Contents: []*resolve.Op{content(nil), large}, Chosen: 1, Newer: true},
		"a deletion over many versions":   {Contents: []*resolve.Op{content(nil), overMany}},
		"one of many, beside a small one": {Contents: []*resolve.Op{overMany, content(nil)}, Chosen: 1},
	} {
		n := settling(t, func(c *replica.Config) { c.OpBytes = 1500 })
		beside := begins(20)
		beside.Key = "x"
		n.cycle(batch(beside))
		rep := settle(n, m)
		if !errors.Is(rep.Err, replica.ErrBadRequest) || !strings.Contains(rep.Err.Error(), "every leader can be sent") || n.core.State().Frontier.At(11) != 0 {
			t.Errorf("%s: %+v, accepted %d", name, rep.Err, n.core.State().Frontier.At(11))
		}
	}
}

// One op names so many versions and no more, those too that a content had hidden.
func TestASettlementNamesNoMoreThanAnOpCan(t *testing.T) {
	for _, more := range []int{0, 1} {
		hides := content(func(op *resolve.Op) {
			op.Hidden = make([]logical.Dot, limits.Dots+more)
			for i := range op.Hidden {
				op.Hidden[i] = logical.Dot{Origin: 5, Seq: logical.Seq(i + 1)}
			}
		})
		rep := settle(settling(t, nil), &replica.Settlement{Contents: []*resolve.Op{content(nil), hides}})
		if refused := errors.Is(rep.Err, replica.ErrBadRequest); refused != (more > 0) || refused && !strings.Contains(rep.Err.Error(), "one op can name") {
			t.Errorf("%d too many: %.200v", more, rep.Err)
		}
	}
}

// Whether what is newer knew the dot cannot be told once its op has left the log; the
// chosen content then stands beside it.
func TestWhatIsNewerMayHaveLeftTheLog(t *testing.T) {
	n := settling(t, nil)
	newer := n.ask(set("x", "newer")).Dot
	delete(n.store.Log, newer)
	m := &replica.Settlement{Contents: []*resolve.Op{n.store.Log[logical.Dot{Origin: 7, Seq: 1}], content(nil)}, Chosen: 1, Newer: true}
	n.now = n.now.Add(time.Second)
	if rep := settle(n, m); rep.Err != nil {
		t.Fatal(rep.Err)
	}
	var got []string
	for _, v := range n.ask(get("x")).Shown.Values {
		got = append(got, string(v))
	}
	if slices.Sort(got); fmt.Sprint(got) != "[newer theirs]" {
		t.Errorf("shown are %q", got)
	}
}

// A content ends at its deadline, and not a nanosecond before.
func TestAContentEndsAtItsDeadline(t *testing.T) {
	now := epoch.Add(time.Second)
	ends := func(at wallclock.Instant) *resolve.Op {
		return content(func(op *resolve.Op) { op.Expires = at })
	}
	for _, newer := range []bool{false, true} {
		for at, want := range map[wallclock.Instant]bool{now: false, now + 1: true} {
			n := settling(t, nil)
			if newer {
				beside := begins(20)
				beside.Key = "x"
				n.cycle(batch(beside))
			}
			mine := n.store.Log[logical.Dot{Origin: 7, Seq: 1}]
			if rep := settle(n, &replica.Settlement{Contents: []*resolve.Op{mine, ends(at)}, Chosen: 1, Newer: newer}); rep.Err != nil {
				t.Fatal(rep.Err)
			}
			stood := 1 // the deletion, and what stood already
			if newer {
				stood = 3
			}
			if got := int(n.core.State().Frontier.At(11)) > stood; got != want {
				t.Errorf("newer %v, %s left: it stands %v", newer, at.Sub(now), got)
			}
		}
	}
}

// So does a counter.
func TestACounterEndsAtItsDeadline(t *testing.T) {
	for left, want := range map[time.Duration]logical.Seq{0: 3, 1: 4} {
		n := settling(t, func(c *replica.Config) { c.Policy.Default = resolve.Counter })
		q := incr("z", 5)
		n.ask(q)
		touch := &replica.Request{Verb: replica.Touch, Key: "z", Expires: epoch.Add(time.Second + time.Minute)}
		n.ask(touch)
		n.now = n.now.Add(time.Minute - left)
		other := content(func(op *resolve.Op) { op.Key = "z"; op.Kind = resolve.Touch })
		another := content(func(op *resolve.Op) { op.Key = "z"; op.Kind = resolve.Touch })
		rep := n.ask(&replica.Request{Verb: replica.Settle, Key: "z", Settlement: &replica.Settlement{Contents: []*resolve.Op{other, another}, Chosen: replica.KeepShown}})
		if ops := n.core.State().Frontier.At(11); rep.Err != nil || ops != want {
			t.Errorf("%s before its end: %d ops, %v", left, ops, rep.Err)
		}
	}
}
