package scenarios_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
	"kvd/wallclock"
)

// honest is a cluster whose clocks are as wrong as they claim at most, and whose clients write
// a few keys at random without having seen them, through slow links.
func honest(r *rand.Rand, option string) string {
	var b strings.Builder
	b.WriteString("-- scenario --\nname honest\ntitle t\nmodel timing=asynchronous nodes=crash-stop\nleaders n1 n2 n3\npolicy k=interval" + option + "\n")
	for n := 1; n <= 3; n++ {
		claim := 1 + r.IntN(40)
		fmt.Fprintf(&b, "clock n%d offset=%dms error=%dms\nclient C%d at=n%d\n", n, r.IntN(2*claim+1)-claim, claim, n, n)
	}
	fmt.Fprintf(&b, "link * delay=%dms\n", 1+r.IntN(300))
	for i := range 24 {
		fmt.Fprintf(&b, "at %dms C%d set k%d %d as w%d\n", 1000+r.IntN(1500), 1+r.IntN(3), r.IntN(2), i, i)
	}
	return b.String() + "settle 3s\n"
}

// written is one acknowledged write of a run, by true time since its zero.
type written struct {
	key         string
	sent, acked time.Duration
	stamp       wallclock.Interval
}

// inOrder says what in a run contradicts commit-wait: a write that is acknowledged before its
// stamp is past, one that began after another's acknowledgement and is stamped before that
// ended, or one that lost to such another.
func inOrder(t *testing.T, text string) (wrong []string) {
	t.Helper()
	s, err := script.Parse("honest", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	res, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.Interval, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*written{}
	for e := range res.Trace.All() {
		switch w := all[e.Label]; e.Kind {
		case trace.Sent:
			all[e.Label] = &written{key: e.Key, sent: e.At}
		case trace.Accepted:
			w.stamp = e.Clock
		case trace.Acked:
			if w.acked = e.At; world.Instant(e.At) <= w.stamp.Latest {
				wrong = append(wrong, fmt.Sprintf("%s is acknowledged %s before its stamp is past", e.Label, w.stamp.Latest.Sub(world.Instant(e.At))))
			}
		}
	}
	for e := range res.Trace.All() {
		if l, o := all[e.Label], all[e.Other]; e.Kind == trace.Lost && o.acked > 0 && o.acked < l.sent {
			wrong = append(wrong, fmt.Sprintf("%s lost to %s, which was acknowledged before it began", e.Label, e.Other))
		}
	}
	for name, w := range all {
		for before, v := range all {
			if v.key == w.key && v.acked > 0 && v.acked < w.sent && w.stamp.Latest <= v.stamp.Latest {
				wrong = append(wrong, fmt.Sprintf("%s began after %s was acknowledged and its stamp ends before", name, before))
			}
		}
	}
	return wrong
}

// With honest bounds the stamps of acknowledged writes are in the order of true time, and none
// that began after another's acknowledgement loses to it. Without the wait they are not.
func TestCommitWaitKeepsTheOrderOfTrueTime(t *testing.T) {
	broken := map[string]bool{"before its stamp is past": false, "its stamp ends before": false}
	for seed := range uint64(6) {
		if wrong := inOrder(t, honest(rand.New(rand.NewPCG(seed, 1)), ",commit-wait")); len(wrong) > 0 {
			t.Errorf("seed %d: %s", seed, strings.Join(wrong, "\n"))
		}
		for _, wrong := range inOrder(t, honest(rand.New(rand.NewPCG(seed, 1)), "")) {
			for what := range broken {
				broken[what] = broken[what] || strings.Contains(wrong, what)
			}
		}
	}
	for what, seen := range broken {
		if !seen {
			t.Errorf("without the wait nothing %s: the test sees nothing", what)
		}
	}
}

// An answer that waits for its stamp does not leave a process that stands still meanwhile.
func TestAPausedLeaderAnswersAfterItsPause(t *testing.T) {
	s, err := script.Parse("paused", []byte(`-- scenario --
name paused
title t
model timing=asynchronous nodes=crash-stop
leaders n1
policy k=interval,commit-wait
clock n1 error=40ms
client C at=n1
at 1s C set k 1 as w
at 1.02s pause n1 1s
settle 2s
`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.Interval, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var acked time.Duration
	for e := range res.Trace.All() {
		if e.Kind == trace.Acked {
			acked = e.At
		}
	}
	if acked < 2020*time.Millisecond {
		t.Errorf("it answers at %s, and stands still until 2.02s", acked)
	}
}
