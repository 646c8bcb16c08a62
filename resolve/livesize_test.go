package resolve_test

import (
	"fmt"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// concurrentWrites is n writes to one key that know nothing of each other, by three leaders,
// and their fold.
func concurrentWrites(panel resolve.Panel, n int) (*resolve.Object, *resolvetest.History) {
	h := resolvetest.NewHistory()
	o := &resolve.Object{Key: "some/key"}
	mask := panel.Mask() & (resolve.Siblings.Mask() | resolve.Causal.Mask() | resolve.Interval.Mask())
	for origin := logical.Origin(1); origin <= 3; origin++ {
		for seq := range logical.Seq(n / 3) {
			op := blind(origin, seq+1)
			h.Admit(op)
			o.Versions = append(o.Versions, resolve.Version{Dot: op.Dot, Mask: mask, Kind: op.Kind, Value: op.Value,
				Wall: op.Wall, HLC: op.HLC, Lamport: op.Lamport})
		}
	}
	newest := blind(4, 1) // shown by the stamp resolvers, and the bar
	h.Admit(newest)
	panel.Fold(o, newest, h, nil)
	return o, h
}

// blind is a write that was shown nothing. All intervals overlap.
func blind(origin logical.Origin, seq logical.Seq) *resolve.Op {
	at := wallclock.Instant(1000 + 4*seq + logical.Seq(origin))
	return &resolve.Op{Dot: logical.Dot{Origin: origin, Seq: seq}, Key: "some/key", Kind: resolve.Put, Value: []byte("v"),
		Wall: wallclock.Interval{Earliest: at, Latest: at + 1<<40}, HLC: logical.HLC{Wall: int64(at)}, Lamport: logical.Lamport(seq)}
}

// Sixty thousand versions side by side: each step here looks at each of them
// a few times. Were it once for every other, this would take minutes.
func TestWritesToAKeyWithManySiblingsCostWhatTheyAre(t *testing.T) {
	const n = 60_000
	for _, serving := range []resolve.ID{resolve.Siblings, resolve.Interval, resolve.Causal, resolve.LWW} {
		t.Run(serving.String(), func(t *testing.T) {
			t.Parallel()
			panel := served(serving)
			o, h := concurrentWrites(panel, n)
			more := blind(5, 1)
			h.Admit(more)
			if got := panel.Fold(o, more, h, nil); len(o.Versions) != n/3*3+2 {
				t.Fatalf("%d versions, verdicts %d", len(o.Versions), len(got))
			}
			stale := resolve.Intent{Kind: resolve.Put, Value: []byte("w"), Exact: true, Shown: []logical.Dot{{Origin: 2, Seq: 7}}}
			settle(t, panel, o, h, stale, n/3*3+2)
			o.Duplicates = true
			if got := panel.Read(o, h); len(got.Dots) == 0 {
				t.Error("nothing is shown")
			}
			o.Duplicates = false
			settle(t, panel, o, h, resolve.Intent{Kind: resolve.Touch, Expires: 1 << 50}, len(o.Versions))
			if read, ends := panel.ReadAt(o, h, 0); ends != 1<<50 {
				t.Errorf("%d values end at %d", len(read.Values), ends)
			}
			settle(t, panel, o, h, resolve.Intent{Kind: resolve.Put, Value: []byte("one")}, 8)
		})
	}
}

// settle writes what is meant, and says how many versions may be left.
func settle(t *testing.T, panel resolve.Panel, o *resolve.Object, h *resolvetest.History, in resolve.Intent, left int) {
	t.Helper()
	op, err := panel.Draft(o, 6, in, h)
	if err != nil {
		t.Fatal(err)
	}
	stamps := blind(6, 1<<30+logical.Seq(left))
	op.Dot, op.Wall, op.HLC, op.Lamport = stamps.Dot, stamps.Wall, stamps.HLC, stamps.Lamport
	h.Admit(&op)
	new(resolve.Folder).Accept(panel, o, &op, h, nil)
	if len(o.Versions) > left {
		t.Errorf("%d versions are left, at most %d may be", len(o.Versions), left)
	}
}

func BenchmarkCrowd(b *testing.B) {
	for _, n := range []int{100, 1000, 4000} {
		for _, serving := range []resolve.ID{resolve.Siblings, resolve.LWW} {
			b.Run(fmt.Sprintf("%s/%d", serving, n), func(b *testing.B) {
				panel := served(serving)
				base, h := concurrentWrites(panel, n)
				op := blind(5, 1)
				h.Admit(op)
				o, room := base.Clone(), make([]resolve.Version, 0, n+8)
				var folder resolve.Folder
				var verdicts []resolve.Verdict
				for b.Loop() {
					o.Versions = append(room[:0], base.Versions...)
					verdicts = folder.Fold(panel, o, op, h, verdicts[:0])
				}
			})
		}
	}
}
