package log_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/log"
)

// TestReadersBesideTheAppender: everything that may be called from anywhere is, while
// groups are written and segments are left; each sees whole groups that it knows.
func TestReadersBesideTheAppender(t *testing.T) {
	const groups = 1000
	l := open(t, vfs.NewMem(), 20_000)
	var done atomic.Bool
	var all sync.WaitGroup
	turns := make(chan struct{}) // the appender waits for a reader now and then
	beside := func(what string, do func(r *rand.Rand) error) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(len(what))))
			for last := false; !last; {
				last = done.Load()
				if err := do(r); err != nil {
					t.Errorf("%s: %v", what, err)
					done.Store(true)
				}
				select {
				case turns <- struct{}{}:
				default:
				}
			}
		})
	}
	var from log.Position
	var next logical.Seq = 1
	beside("read", func(*rand.Rand) error {
		return l.Read(from, func(g log.Group) (bool, error) {
			from = g.End
			for _, e := range g.Entries {
				if e.Dot.Origin == 1 {
					if e.Dot.Seq != next {
						return false, fmt.Errorf("operation %s, expected %d", e.Dot, next)
					}
					next++
				}
				if !bytes.Equal(e.Bytes, entry(e.Dot.Origin, e.Dot.Seq, len(e.Bytes)).Bytes) {
					return false, fmt.Errorf("operation %s has other bytes", e.Dot)
				}
			}
			return true, nil
		})
	})
	for n := range 2 {
		beside(fmt.Sprint("find ", n), func(r *rand.Rand) error {
			last := l.Last(1)
			if last == 0 {
				return nil
			}
			d := logical.Dot{Origin: 1, Seq: 1 + logical.Seq(r.Uint64N(uint64(last)))}
			found, err := l.Op(d, func(b []byte) error {
				if !bytes.Equal(b, entry(1, d.Seq, len(b)).Bytes) {
					return errors.New("other bytes")
				}
				return nil
			})
			if !found && err == nil {
				err = fmt.Errorf("%s of %d is not there", d, last)
			}
			return err
		})
	}
	beside("ops", func(r *rand.Rand) error {
		n := 0
		return l.Ops(2, max(1, l.Last(2))-min(l.Last(2)/2, logical.Seq(r.IntN(100))), func(logical.Seq, []byte) (bool, error) { n++; return n < 200, nil })
	})
	for n := range 3 {
		beside(fmt.Sprint("sync ", n), func(*rand.Rand) error {
			end := l.End()
			if p, err := l.Sync(); err != nil || p < end || l.Synced() < p {
				return fmt.Errorf("synced %s of %s, %w", p, end, err)
			}
			return nil
		})
	}
	beside("check", func(*rand.Rand) error {
		n := 0
		return l.Check(func() bool { n++; return n < 200 && l.Size() > 0 && l.Frontier().Len() > 0 })
	})
	for n := range logical.Seq(groups) {
		if n%20 == 0 && !done.Load() {
			<-turns
		}
		write(t, l, entry(1, n*3+1, 40), entry(1, n*3+2, 1), entry(2, n+1, 20), entry(0, 0, 3), entry(1, n*3+3, 100))
	}
	done.Store(true)
	all.Wait()
	if next != groups*3+1 || l.Synced() != l.End() {
		t.Errorf("read up to %d of %d operations, synced %s of %s", next-1, groups*3, l.Synced(), l.End())
	}
	must(t, l.Close())
}

// TestFindAmongManyOrigins finds every op of a thousand origins over many segments, also
// after the log was opened again.
func TestFindAmongManyOrigins(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs, 100_000)
	r := rand.New(rand.NewPCG(1, 2))
	last := map[logical.Origin]logical.Seq{}
	for range 200 {
		for range 50 {
			o := logical.Origin(1 + r.IntN(1000))
			last[o]++
			appendEntry(l, entry(o, last[o], 10+r.IntN(150)))
		}
		_, err := l.Write()
		must(t, err)
	}
	if n := l.End() >> 32; n < 8 {
		t.Fatalf("only %d segments", n)
	}
	for range 2 {
		for o, q := range last {
			for seq := logical.Seq(1); seq <= q; seq += 1 + logical.Seq(r.IntN(30)) {
				found, err := l.Op(logical.Dot{Origin: o, Seq: seq}, func(b []byte) error {
					if !bytes.Equal(b, entry(o, seq, len(b)).Bytes) {
						return errors.New("other bytes")
					}
					return nil
				})
				if !found || err != nil {
					t.Fatalf("operation %d of %s: found %v, %v", seq, o, found, err)
				}
			}
			n := logical.Seq(0)
			must(t, l.Ops(o, 1, func(seq logical.Seq, _ []byte) (bool, error) { n++; return seq == n, nil }))
			if n != q {
				t.Fatalf("%d of %d operations of %s", n, q, o)
			}
		}
		must(t, l.Close())
		l = open(t, fs, 100_000)
	}
	must(t, l.Close())
}

// dropping keeps nothing of what is written to its files: only the log's own memory counts.
type dropping struct{ vfs.FS }

type droppingFile struct{ vfs.File }

func (d dropping) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return droppingFile{f}, err
}

func (droppingFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

var hundred = bytes.Repeat([]byte("value"), 20)

func appendHundred(dst []byte) []byte { return append(dst, hundred...) }

// TestAppendingAllocatesNothing: a group of a few ops costs no memory, once the buffers
// are there; the index of an open segment grows by an entry now and then.
func TestAppendingAllocatesNothing(t *testing.T) {
	l := open(t, dropping{vfs.NewMem()}, 0)
	seq := logical.Seq(0)
	group := func() {
		for range 16 {
			seq++
			l.AppendOp(logical.Dot{Origin: 1, Seq: seq}, appendHundred)
		}
		l.AppendNote(hundred)
		if _, err := l.Write(); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		group()
	}
	if n := testing.AllocsPerRun(1000, group); n >= 1 {
		t.Errorf("%v allocations a group", n)
	}
	must(t, l.Close())
}
