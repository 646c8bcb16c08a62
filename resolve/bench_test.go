package resolve_test

import (
	"fmt"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// conflict is ops of one key to be folded over and over: each of the second row
// either has seen the one before it, or none of the first row's.
func conflict(panel resolve.Panel, seen bool) (*resolvetest.History, []*resolve.Op) {
	a, b := resolvetest.NewLeader(panel, "some/key", 10), resolvetest.NewLeader(panel, "some/key", 20)
	must := func(op *resolve.Op, err error) *resolve.Op {
		if err != nil {
			panic(err)
		}
		return op
	}
	ops := []*resolve.Op{must(a.Accept(put("first"), 1000))}
	if err := b.Pull(a, -1, 1000); err != nil {
		panic(err)
	}
	if !seen {
		ops = append(ops, must(a.Accept(put("left"), 1001)))
	}
	ops = append(ops, must(b.Accept(put("right"), 1002)))
	for _, op := range ops {
		b.History.Admit(op)
	}
	return b.History, ops
}

func BenchmarkFold(b *testing.B) {
	alone := resolve.Panel{Serving: resolve.LWW}
	for _, c := range []struct {
		name  string
		panel resolve.Panel
		seen  bool
	}{
		{"unconflicted/serving", alone, true},
		{"unconflicted/panel", served(resolve.LWW), true},
		{"conflicted/serving", alone, false},
		{"conflicted/panel", served(resolve.LWW), false},
	} {
		b.Run(c.name, func(b *testing.B) {
			h, ops := conflict(c.panel, c.seen)
			last := ops[len(ops)-1]
			base := &resolve.Object{Key: last.Key}
			for _, op := range ops[:len(ops)-1] {
				c.panel.Fold(base, op, h, nil)
			}
			o, verdicts := base.Clone(), make([]resolve.Verdict, 0, 32)
			room := append(make([]resolve.Version, 0, 8), base.Versions...)
			var folder resolve.Folder
			b.ReportAllocs()
			for b.Loop() {
				o.Versions = append(room[:0], base.Versions...)
				verdicts = folder.Fold(c.panel, o, last, h, verdicts[:0])
			}
		})
	}
}

func BenchmarkDraft(b *testing.B) {
	for _, panel := range []resolve.Panel{{Serving: resolve.LWW}, served(resolve.LWW), served(resolve.Counter)} {
		b.Run(fmt.Sprintf("%s/%d", panel.Serving, len(panel.Mask().Names())), func(b *testing.B) {
			l := resolvetest.NewLeader(panel, "some/key", 10)
			if _, err := l.Accept(put("100"), 1000); err != nil {
				b.Fatal(err)
			}
			in := put("101").Intent
			b.ReportAllocs()
			for b.Loop() {
				if _, err := panel.Draft(l.Object, 10, in, l.History); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A long line of writes, each over the last, is lost at once to a stranger.
func BenchmarkCollateral(b *testing.B) {
	const length = 20_000
	panel := resolve.Panel{Serving: resolve.LWW}
	l := resolvetest.NewLeader(panel, "some/key", 10)
	for i := range length {
		if _, err := l.Accept(put(fmt.Sprint(i)), wallclock.Instant(1000+i)); err != nil {
			b.Fatal(err)
		}
	}
	stranger := &resolve.Op{Key: "some/key", Kind: resolve.Put, Dot: logical.Dot{Origin: 20, Seq: 1}, Lamport: 1}
	stranger.Wall.Earliest, stranger.Wall.Latest = 100_000, 100_000
	l.History.Admit(stranger)
	var folder resolve.Folder
	b.ReportAllocs()
	for b.Loop() {
		if got := folder.Fold(panel, l.Object.Clone(), stranger, l.History, nil); len(got) != length {
			b.Fatalf("%d verdicts, want %d", len(got), length)
		}
	}
}
