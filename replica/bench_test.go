package replica_test

import (
	"fmt"
	"testing"
	"time"

	"kvd/replica"
	"kvd/resolve"
)

// BenchmarkStepSet is the core alone, on maps: one write a step, shipped to two
// peers every 64.
func BenchmarkStepSet(b *testing.B) {
	for name, shadows := range map[string]resolve.Mask{"serving": 0, "shadows": resolve.All} {
		b.Run(name, func(b *testing.B) {
			cfg := config("a", "b", "c")
			cfg.Policy.Shadows = shadows
			cfg.WindowOps, cfg.Resend = 1<<40, 1<<60 // the peers never answer
			n := newNode(b, cfg, 7)
			n.cycle(replica.PeerUp{Peer: "b"}, replica.PeerUp{Peer: "c"})
			keys := make([]string, 1024)
			for i := range keys {
				keys[i] = fmt.Sprint("key", i)
			}
			value := make([]byte, 64)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				q := &replica.Request{Verb: replica.Set, Key: keys[i%len(keys)], Value: value}
				if err := n.core.Step(n.moment(), q, n.store, n.out); err != nil {
					b.Fatal(err)
				}
				if i%64 == 63 {
					n.core.Ship(n.moment(), n.store, n.out)
					n.store.Reset()
					n.now = n.now.Add(time.Millisecond)
				}
			}
		})
	}
}
