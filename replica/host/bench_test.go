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
// group is how many share a commit, cache the bytes of decoded objects.
func BenchmarkPumpSet(b *testing.B) {
	for _, c := range []struct {
		group int
		cache int64
	}{{1, 0}, {1, 64 << 20}, {64, 0}, {64, 64 << 20}} {
		group := c.group
		b.Run(fmt.Sprintf("group=%d/cache=%d", group, c.cache), func(b *testing.B) {
			s, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			cfg := config()
			cfg.Policy = resolve.Policy{Default: resolve.LWW}
			cfg.WindowOps, cfg.Resend = 1<<40, 1<<60 // the peer never answers
			p, err := host.OpenWith(cfg, s, 7, host.Options{CacheBytes: c.cache})
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
				if err := p.Step(at(int64(i)), &replica.Request{Verb: replica.Set, Key: keys[i%len(keys)], Value: value, Quiet: true}); err != nil {
					b.Fatal(err)
				}
				if i%group == group-1 {
					commit(b, p)
				}
			}
		})
	}
}

// BenchmarkGet is a read of a stored key through Do: on the lock-free path, from
// decoded objects or from the store, and through the loop.
func BenchmarkGet(b *testing.B) {
	for _, c := range []struct {
		name  string
		cache int64
		loop  bool
	}{{"decoded", 64 << 20, false}, {"stored", 0, false}, {"loop-decoded", 64 << 20, true}, {"loop-stored", 0, true}} {
		b.Run(c.name, func(b *testing.B) {
			l, keys := serving(b, c.cache)
			reqs := []*replica.Request{{Verb: replica.Get}}
			if c.loop { // an update that decides nothing must go through it
				reqs[0] = &replica.Request{Verb: replica.Update, Decide: leave}
			}
			answered := make(chan struct{}, 1)
			done := func([]replica.Reply) { answered <- struct{}{} }
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				reqs[0].Key = keys[i%len(keys)]
				if err := l.Do(reqs, done); err != nil {
					b.Fatal(err)
				}
				<-answered
			}
		})
	}
}

// BenchmarkDoSet is a pipeline of writes through the loop on a disk in memory.
func BenchmarkDoSet(b *testing.B) {
	for _, pipeline := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("pipeline=", pipeline), func(b *testing.B) {
			l, keys := serving(b, 64<<20)
			reqs := make([]*replica.Request, pipeline)
			for i := range reqs {
				reqs[i] = &replica.Request{}
			}
			value := make([]byte, 100)
			answered := make(chan struct{}, 1)
			done := func([]replica.Reply) { answered <- struct{}{} }
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				n := i % pipeline
				*reqs[n] = replica.Request{Verb: replica.Set, Key: keys[i%len(keys)], Value: value, Quiet: true}
				if n < pipeline-1 {
					continue
				}
				if err := l.Do(reqs, done); err != nil {
					b.Fatal(err)
				}
				<-answered
			}
		})
	}
}

// serving is a loop over 4096 stored keys of 100 bytes, which are asked for once.
func serving(b *testing.B, cache int64) (*host.Loop, []string) {
	s, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	cfg := config()
	cfg.Policy, cfg.Peers = resolve.Policy{Default: resolve.LWW}, nil
	p, err := host.OpenWith(cfg, s, 7, host.Options{CacheBytes: cache})
	if err != nil {
		b.Fatal(err)
	}
	h := start(b, p, host.LoopConfig{})
	b.Cleanup(h.end)
	keys := make([]string, 4096)
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
		h.begin(&replica.Request{Verb: replica.Set, Key: keys[i], Value: make([]byte, 100)})
	}
	for _, k := range keys {
		h.must(&replica.Request{Verb: replica.Get, Key: k})
	}
	return h.Loop, keys
}
