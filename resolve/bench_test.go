package resolve_test

import (
	"fmt"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// conflict is ops of one key, of which the last is to be folded over and over. It
// has seen all others; or not the one before it, and they collide; or they collide
// and resolvers are divided, since the clock of the other's leader is ahead.
func conflict(panel resolve.Panel, how string) (*resolvetest.History, []*resolve.Op) {
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
	switch how {
	case "conflicted":
		ops = append(ops, must(a.Accept(put("left"), 1001)))
	case "divided":
		ops = append(ops, must(b.Accept(put("early"), 1001)), must(a.Accept(put("left"), 5000)))
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
		how, who string
		panel    resolve.Panel
	}{
		{"unconflicted", "serving", alone},
		{"unconflicted", "panel", served(resolve.LWW)},
		{"conflicted", "serving", alone},
		{"conflicted", "panel", served(resolve.LWW)},
		{"divided", "serving", alone},
		{"divided", "panel", served(resolve.LWW)},
	} {
		b.Run(c.how+"/"+c.who, func(b *testing.B) {
			h, ops := conflict(c.panel, c.how)
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

// A long line of writes, each over the last, is lost at once to an unrelated write.
func BenchmarkCollateral(b *testing.B) {
	const length = 20_000
	panel := resolve.Panel{Serving: resolve.LWW}
	l := resolvetest.NewLeader(panel, "some/key", 10)
	for i := range length {
		if _, err := l.Accept(put(fmt.Sprint(i)), wallclock.Instant(1000+i)); err != nil {
			b.Fatal(err)
		}
	}
	unrelated := &resolve.Op{Key: "some/key", Kind: resolve.Put, Dot: logical.Dot{Origin: 20, Seq: 1}, Lamport: 1}
	unrelated.Wall.Earliest, unrelated.Wall.Latest = 100_000, 100_000
	l.History.Admit(unrelated)
	var folder resolve.Folder
	b.ReportAllocs()
	for b.Loop() {
		if got := folder.Fold(panel, l.Object.Clone(), unrelated, l.History, nil); len(got) != length {
			b.Fatalf("%d verdicts, want %d", len(got), length)
		}
	}
}
