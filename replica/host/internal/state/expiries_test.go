package state

import (
	"testing"

	"pgregory.net/rapid"

	"kvd/wallclock"
)

// Endings agree with a list of all deadlines, but for what lies within a span, and
// hold no more than they may; so do two that are joined.
func TestEndingsAgreeWithAList(t *testing.T) {
	const ms = wallclock.Instant(1e6)
	rapid.Check(t, func(t *rapid.T) {
		var one, two expiries
		var all []wallclock.Instant
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			at := wallclock.Instant(rapid.Int64Range(1, 1<<44).Draw(t, "at"))
			into := &one
			if rapid.Bool().Draw(t, "two") {
				into = &two
			}
			into.add(at, 1)
			all = append(all, at)
			if rapid.IntRange(0, 9).Draw(t, "widen") == 0 {
				into.widen()
			}
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				one.add(all[0], -1)
				all = all[1:]
			}
		}
		sum := one.clone()
		sum.join(&two, 1)
		sum.add(0, 1) // never
		now := wallclock.Instant(rapid.Int64Range(1, 1<<45).Draw(t, "now"))
		width := ms << sum.shift
		var surely, atMost int64
		for _, at := range all {
			if at <= now {
				atMost++
			}
			if at < now-now%width-ms {
				surely++
			}
		}
		if got := sum.before(now); got < surely || got > atMost {
			t.Fatalf("%d ended, want %d to %d", got, surely, atMost)
		}
	})
}

func TestEndingsAreBounded(t *testing.T) {
	var e expiries
	for i := range int64(3 * maxExpiries) {
		e.add(wallclock.Instant(i*7e9+1e6), 1)
		if len(e.counts) > maxExpiries {
			t.Fatalf("%d spans", len(e.counts))
		}
	}
	if n := e.before(1 << 62); n != 3*maxExpiries {
		t.Errorf("%d of %d are counted", n, 3*maxExpiries)
	}
}
