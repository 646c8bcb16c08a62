package log_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/log"
)

// onDisk opens a log in a directory of its own on the machine's disk.
func onDisk(b *testing.B) *log.Log {
	l, err := log.Open(log.Options{FS: vfs.Default, Dir: vfs.Default.PathJoin(b.TempDir(), "log")})
	must(b, err)
	b.Cleanup(func() { must(b, l.Close()) })
	return l
}

// appendGroups writes n operations of 100 bytes in groups of that size.
func appendGroups(b *testing.B, l *log.Log, n, group int) {
	for seq := l.Last(1) + 1; n > 0; n -= group {
		for range group {
			l.AppendOp(logical.Dot{Origin: 1, Seq: seq}, appendHundred)
			seq++
		}
		if _, err := l.Write(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend is one operation of 100 bytes, written and not synced.
func BenchmarkAppend(b *testing.B) {
	for _, group := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			l := onDisk(b)
			appendGroups(b, l, group, group)
			b.SetBytes(100)
			b.ReportAllocs()
			b.ResetTimer()
			appendGroups(b, l, b.N, group)
		})
	}
}

// BenchmarkGroupSync is one operation of one of many goroutines, each of which waits until
// its own is durable.
func BenchmarkGroupSync(b *testing.B) {
	for _, appenders := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("appenders=%d", appenders), func(b *testing.B) {
			l := onDisk(b)
			var mu sync.Mutex
			seq := logical.Seq(0)
			one := func() error {
				mu.Lock()
				seq++
				l.AppendOp(logical.Dot{Origin: 1, Seq: seq}, appendHundred)
				_, err := l.Write()
				mu.Unlock()
				if err == nil {
					_, err = l.Sync()
				}
				return err
			}
			must(b, one())
			b.ResetTimer()
			var all sync.WaitGroup
			for n := range appenders {
				all.Go(func() {
					for range (b.N + n) / appenders {
						if err := one(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// filled is a log of operations of 100 bytes over several segments.
func filled(b *testing.B, origins, n int) *log.Log {
	l := onDisk(b)
	r := rand.New(rand.NewPCG(1, 1))
	last := make([]logical.Seq, origins)
	for range n / 64 {
		for range 64 {
			o := r.IntN(origins)
			last[o]++
			l.AppendRaw(logical.Dot{Origin: logical.Origin(o + 1), Seq: last[o]}, hundred)
		}
		if _, err := l.Write(); err != nil {
			b.Fatal(err)
		}
	}
	_, err := l.Sync()
	must(b, err)
	return l
}

// BenchmarkReadForward reads a whole log: MB/s are of the log, not of the operations.
func BenchmarkReadForward(b *testing.B) {
	l := filled(b, 3, 2_000_000)
	b.SetBytes(l.Size())
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		must(b, l.Read(0, func(g log.Group) (bool, error) { n += len(g.Entries); return true, nil }))
		if n < 1_900_000 {
			b.Fatalf("%d operations", n)
		}
	}
}

// BenchmarkFind finds an operation by its dot anywhere in a log of two million.
func BenchmarkFind(b *testing.B) {
	for _, origins := range []int{3, 1000} {
		b.Run(fmt.Sprintf("origins=%d", origins), func(b *testing.B) {
			l := filled(b, origins, 2_000_000)
			r := rand.New(rand.NewPCG(2, 2))
			b.ReportAllocs()
			for b.Loop() {
				o := logical.Origin(1 + r.IntN(origins))
				d := logical.Dot{Origin: o, Seq: 1 + logical.Seq(r.Uint64N(uint64(l.Last(o))))}
				if found, err := l.Op(d, func([]byte) error { return nil }); !found || err != nil {
					b.Fatalf("%s: %v, %v", d, found, err)
				}
			}
		})
	}
}

// BenchmarkOpen opens a log of about 250 MB, of which the last segment is read.
func BenchmarkOpen(b *testing.B) {
	fs := vfs.Default
	dir := fs.PathJoin(b.TempDir(), "log")
	l, err := log.Open(log.Options{FS: fs, Dir: dir})
	must(b, err)
	appendGroups(b, l, 2_400_000, 64)
	must(b, l.Close())
	for b.Loop() {
		l, err := log.Open(log.Options{FS: fs, Dir: dir, ReadOnly: true})
		must(b, err)
		must(b, l.Close())
	}
}
