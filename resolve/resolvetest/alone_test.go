package resolvetest

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// TestOneClientAtOneLeaderLosesNothing: whoever writes one thing after the other
// at one leader with a clock that runs has been shown all there was, so no
// resolver loses anything of it, whichever serves. The leader may begin a new
// origin in between, values may end, and the client may pass on what it was shown.
func TestOneClientAtOneLeaderLosesNothing(t *testing.T) {
	for _, id := range resolve.IDs() {
		t.Run(id.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := Panel(t, id)
				l := NewLeader(p, "k", 1)
				for i := range rapid.IntRange(1, 20).Draw(t, "steps") {
					nextRequest(t, l, wallclock.Instant(1000+10*i))
				}
				everyone := NewReplica(resolve.Panel{Serving: id, Shadows: resolve.All &^ id.Mask()}, "k")
				for _, r := range []*Replica{l.Replica, everyone} {
					for _, op := range l.Log {
						if err := r.Apply(op); err != nil {
							t.Fatal(err)
						}
					}
					for _, by := range resolve.IDs() {
						if lost := r.History.Losses(by); len(lost) > 0 {
							t.Fatalf("%s loses %v of\n%s", by, lost, Past{Panel: p, Key: "k", Ops: l.Log})
						}
					}
				}
			})
		})
	}
}

// nextRequest is the client's next request, or what happens to its leader meanwhile.
func nextRequest(t *rapid.T, l *Leader, now wallclock.Instant) {
	shown := l.Panel.Read(l.Object, l.History)
	in := drawIntent(t, now)
	switch rapid.SampledFrom([]string{"write", "write", "write", "delete", "pass on", "end", "restart"}).Draw(t, "do") {
	case "delete":
		in = resolve.Intent{Kind: resolve.Delete}
	case "pass on":
		in.Exact, in.Shown = true, slices.SortedFunc(slices.Values(shown.Dots), logical.Dot.Compare)
	case "end":
		in.Expires = now
	case "restart":
		l.origin, l.seq = l.origin+1, 0
	}
	if ended := l.Panel.Expired(l.Object, now, nil); !in.Exact && len(ended) > 0 {
		accept(t, l, resolve.Intent{Kind: resolve.Delete, Exact: true, Shown: ended}, now)
	}
	accept(t, l, in, now+1) // a leader gives no two ops the same reading
}

func accept(t *rapid.T, l *Leader, in resolve.Intent, now wallclock.Instant) {
	if _, err := l.Accept(Asked{Intent: in}, now); err != nil {
		t.Fatal(err)
	}
}
