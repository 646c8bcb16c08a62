package host_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/storage"
)

// BenchmarkPumpSet is one write through core and storage on a disk in memory;
// group is how many share a commit.
func BenchmarkPumpSet(b *testing.B) {
	for _, group := range []int{1, 64} {
		b.Run(fmt.Sprint("group=", group), func(b *testing.B) {
			s, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			cfg := config()
			cfg.Policy = resolve.Policy{Default: resolve.LWW}
			cfg.WindowOps, cfg.Resend = 1<<40, 1<<60 // the peer never answers
			p, err := host.Open(cfg, s, 7, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			step(b, p, replica.PeerUp{Peer: "n2"})
			commit(b, p)
			keys := make([]string, 4096)
			for i := range keys {
				keys[i] = fmt.Sprint("key", i)
			}
			value := make([]byte, 64)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := p.Step(at(int64(i)), &replica.Request{Verb: replica.Set, Key: keys[i%len(keys)], Value: value}); err != nil {
					b.Fatal(err)
				}
				if i%group == group-1 {
					commit(b, p)
				}
			}
		})
	}
}
