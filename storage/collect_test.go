package storage_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/log"
)

// collecting opens a store whose log has many segments.
func collecting(t testing.TB, fs vfs.FS, writeBehind int64) *storage.Store {
	t.Helper()
	o := small(fs)
	o.SegmentBytes, o.WriteBehind = 4<<10, writeBehind
	return open(t, o)
}

func takeSteps(t testing.TB, s *storage.Store, from, to logical.Seq) {
	t.Helper()
	b := s.NewBatch()
	for n := from; n <= to; n++ {
		step(b, n)
		must(t, b.Commit())
	}
	must(t, b.Close())
}

func own(seq logical.Seq) logical.Frontier {
	return logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: seq})
}

// agreeFrom is agree for a store whose log begins later: ops, requests and sums are there
// from where it begins.
func agreeFrom(t testing.TB, s *storage.Store) (first, last logical.Seq) {
	t.Helper()
	st, _, err := s.State()
	must(t, err)
	first, last = s.Log().First(ownOrigin), st.Frontier.At(ownOrigin)
	ops, err := s.Ops(ownOrigin, 1, 1<<20, 1<<30)
	must(t, err)
	if len(ops) != int(last-first)+1 || ops[0].Dot.Seq != first {
		t.Fatalf("%d ops from %d on, the first is %s; the frontier says %d", len(ops), first, ops[0].Dot, last)
	}
	must(t, s.CheckLog(100))
	must(t, s.CheckWhole(func() bool { return true }))
	newest := logical.Seq(0)
	must(t, s.Objects(func(o *resolve.Object) bool {
		newest = max(newest, o.Versions[0].Dot.Seq)
		return true
	}))
	if newest != last {
		t.Fatalf("the newest object is of %d, the frontier says %d", newest, last)
	}
	for n := first; n <= last; n++ {
		if _, found, err := s.Request(5, uint64(n)); err != nil || !found {
			t.Fatalf("request %d is not known, and its op is in the log from %d on: %v", n, first, err)
		}
	}
	return first, last
}

// TestCollect: what is stable and reflected by the database goes, with the rows that name
// it; everything else is there, now and when the store is opened again.
func TestCollect(t *testing.T) {
	fs := vfs.NewMem()
	s := collecting(t, fs, 0)
	takeSteps(t, s, 1, 600)
	size := s.Log().Size()
	bytes, err := s.Collect(log.Kept{Stable: own(400)})
	must(t, err)
	first, _ := agreeFrom(t, s)
	if bytes == 0 || s.Log().Size() != size-bytes || first < 350 || first > 401 {
		t.Fatalf("%d bytes went of %d, the log begins at %d", bytes, size, first)
	}
	for n := logical.Seq(1); n < first; n++ {
		d := logical.Dot{Origin: ownOrigin, Seq: n}
		_, op, err := s.Op(d)
		must(t, err)
		_, request, err := s.Request(5, uint64(n))
		must(t, err)
		_, sum, err := s.Sum(d)
		must(t, err)
		if op || request || sum {
			t.Fatalf("of %s, before %d: op %v, request %v, sum %v", d, first, op, request, sum)
		}
	}
	if _, ok, err := s.Sum(logical.Dot{Origin: ownOrigin, Seq: 512}); err != nil || !ok {
		t.Errorf("no sum through 512: %v", err)
	}
	takeSteps(t, s, 601, 620)
	must(t, s.Close())
	s = collecting(t, fs, 0)
	if again, last := agreeFrom(t, s); again != first || last != 620 {
		t.Errorf("the store has ops from %d to %d, want %d to 620", again, last, first)
	}
	if bytes, err := s.Collect(log.Kept{Stable: own(400)}); bytes != 0 || err != nil {
		t.Errorf("%d bytes went that were gone, %v", bytes, err)
	}
}

// TestCollectDropsTheRowsOfOps that are gone, and those only: of ops that stay, and of another
// leader's, nothing is dropped.
func TestCollectDropsTheRowsOfOps(t *testing.T) {
	s := collecting(t, vfs.NewMem(), 0)
	takeSteps(t, s, 1, 300)
	mine := func(n logical.Seq) logical.Dot { return logical.Dot{Origin: ownOrigin, Seq: n} }
	others := func(n logical.Seq) logical.Dot { return logical.Dot{Origin: ownOrigin + 1, Seq: n} }
	commit(t, s, func(b *storage.Batch) {
		for n := logical.Seq(1); n <= 300; n++ {
			b.PutDuplicates([]logical.Dot{mine(n), others(n)})
		}
		b.PutRequest(5, 3, others(3))
	})
	_, err := s.Collect(log.Kept{Stable: own(250)})
	must(t, err)
	first := s.Log().First(ownOrigin)
	if first < 200 {
		t.Fatalf("the log begins at %d", first)
	}
	for n := logical.Seq(1); n <= 300; n++ {
		of, err := s.Duplicates(mine(n))
		must(t, err)
		ofOther, err := s.Duplicates(others(n))
		must(t, err)
		if (len(of) > 0) != (n >= first) || len(ofOther) == 0 {
			t.Errorf("the log begins at %d: duplicates of %s: %v, of %s: %v", first, mine(n), of, others(n), ofOther)
		}
	}
	if d, found, err := s.Request(5, 3); err != nil || !found || d != others(3) {
		t.Errorf("a request that another leader's op answers is of %s: %v, %v", d, found, err)
	}
}

// TestCollectKeepsWhatObjectsDoNotReflect: they are folded again from it after a crash.
func TestCollectKeepsWhatObjectsDoNotReflect(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := collecting(t, mem, 1<<30)
	takeSteps(t, s, 1, 300)
	_, err := s.Collect(log.Kept{Stable: own(300)})
	must(t, err)
	clone := mem.CrashClone(vfs.CrashCloneCfg{})
	agreeFrom(t, collecting(t, clone, 0))
}

// TestACrashWhileCollecting: before every call of the filesystem, with none, some or all
// of what was not synced.
func TestACrashWhileCollecting(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex
	var clones []*vfs.MemFS
	removing := false
	crash := func() {
		mu.Lock()
		defer mu.Unlock()
		for _, percent := range []int{0, 50, 100} {
			if removing {
				clones = append(clones, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(len(clones)), 1))}))
			}
		}
	}
	s := collecting(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind { // after what changed nothing, a crash is as before it
		case errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpRename, errorfs.OpRemove:
			crash()
		}
		return nil
	})), 0)
	takeSteps(t, s, 1, 60)
	mu.Lock()
	removing = true
	mu.Unlock()
	_, err := s.Collect(log.Kept{Stable: own(50)})
	must(t, err)
	crash()
	mu.Lock()
	removing = false
	mu.Unlock()
	began := map[logical.Seq]int{}
	for i, clone := range clones {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			s := collecting(t, clone, 0)
			first, last := s.Log().First(ownOrigin), s.Log().Last(ownOrigin)
			began[first]++
			if st, _, err := s.State(); err != nil || st.Frontier.At(ownOrigin) != 60 || last != 60 {
				t.Fatalf("the log ends at %d, the state at %s: %v", last, st.Frontier, err)
			}
			must(t, s.CheckWhole(func() bool { return true }))
			_, err := s.Collect(log.Kept{Stable: own(50)})
			must(t, err)
			if first, _ := agreeFrom(t, s); first < 30 {
				t.Errorf("the log begins at %d after it was collected again", first)
			}
			takeSteps(t, s, 61, 70)
		})
	}
	if len(began) != 2 {
		t.Errorf("the log began at %v in %d crashes, want before and after", began, len(clones))
	}
}

// TestHistoryIsKept by bytes, though all of it is stable, unless it is old.
func TestHistoryIsKept(t *testing.T) {
	s := collecting(t, vfs.NewMem(), 0)
	takeSteps(t, s, 1, 300)
	const history = 64 << 10
	_, err := s.Collect(log.Kept{Stable: own(300), Bytes: history})
	must(t, err)
	if n := s.Log().Size(); n < history || n > history+20<<10 {
		t.Errorf("%d bytes are kept, want about %d", n, history)
	}
	_, err = s.Collect(log.Kept{Stable: own(300), Bytes: history, Since: time.Now().Add(time.Minute)})
	must(t, err)
	if n := s.Log().Size(); n > 20<<10 {
		t.Errorf("%d bytes are kept, and all is old", n)
	}
}

// TestACheckpointOfALogThatBeginsLater is a store that begins there, too.
func TestACheckpointOfALogThatBeginsLater(t *testing.T) {
	fs := vfs.NewMem()
	s := collecting(t, fs, 0)
	takeSteps(t, s, 1, 300)
	_, err := s.Collect(log.Kept{Stable: own(250)})
	must(t, err)
	first, _ := agreeFrom(t, s)
	c, err := s.Checkpoint()
	must(t, err)
	must(t, fs.MkdirAll("elsewhere/log", 0o755))
	for _, f := range c.Files {
		p := make([]byte, f.Bytes)
		if n, err := c.Read(f, 0, p); n < len(p) {
			t.Fatal(err)
		}
		out, err := fs.Create("elsewhere/"+f.Name, vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = out.Write(p)
		must(t, err)
		must(t, out.Close())
	}
	must(t, c.Remove())
	o := small(fs)
	o.Dir = "elsewhere"
	if began, last := agreeFrom(t, open(t, o)); began != first || last != 300 || first < 200 {
		t.Errorf("the checkpoint has ops from %d to %d, the store from %d", began, last, first)
	}
}
