//go:build unix

package replay

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"kvd/resolve"
	"kvd/storage/codec"
)

// history is a million ops, made once and kept for all benchmarks.
func history(b *testing.B) []*resolve.Op {
	var ops []*resolve.Op
	for op := range generate(1, 1_000_000, 100_000) {
		c := *op
		ops = append(ops, &c)
	}
	return ops
}

func BenchmarkReplay(b *testing.B) {
	ops := history(b)
	var room []byte
	size := func(o *resolve.Object) int {
		room = codec.AppendObject(room[:0], o)
		n := len(room) - len(o.Key)
		for i := range o.Versions {
			n -= len(o.Versions[i].Value)
		}
		return n
	}
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"all", Config{Policy: resolve.Policy{Shadows: resolve.All}, Resolvers: resolve.All, Size: size}},
		{"acceptances", Config{Resolvers: resolve.All, Size: size}},
		{"lww", Config{Resolvers: resolve.LWW.Mask()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var r *replayer
			began := spent(b)
			for b.Loop() {
				r = newReplayer(c.cfg)
				for _, op := range ops {
					if err := r.apply(op); err != nil {
						b.Fatal(err)
					}
				}
				if res := r.result(); res.Outcomes[0].Accepted != len(ops) {
					b.Fatalf("%+v", res.Outcomes[0])
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(len(ops))*float64(b.N)/(spent(b)-began).Seconds(), "ops/cpu-s")
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(len(ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(ops)), "B/op-held")
			runtime.KeepAlive(r)
		})
	}
}

// spent is the processor time of this program so far, collecting garbage
// included: other programs' load does not count.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
