package log_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/storage/log"
)

// manySegments writes groups of one op each, in a segment of its own.
func manySegments(t testing.TB, l *log.Log, from, to logical.Seq) (groups []log.Group) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		groups = append(groups, write(t, l, entry(1, seq, 50)))
	}
	return groups
}

func upTo(seq logical.Seq) logical.Frontier {
	return logical.FrontierOf(logical.Dot{Origin: 1, Seq: seq})
}

// TestACrashWhileSegmentsAreRemoved: before and after every call of the filesystem, with
// none, some or all of what was not synced, the log opens, has every op from where it
// begins, and takes the next. That is so, too, when all is stable: only the last segment is
// left then, of which nothing was synced before.
func TestACrashWhileSegmentsAreRemoved(t *testing.T) {
	for _, stable := range []logical.Seq{4, 6} {
		t.Run(fmt.Sprint(stable), func(t *testing.T) { crashesWhileRemoving(t, stable, min(stable+1, 6)) })
	}
}

// crashesWhileRemoving has 6 segments of one op each.
func crashesWhileRemoving(t *testing.T, stable, begins logical.Seq) {
	mem := vfs.NewCrashableMem()
	var clones []*vfs.MemFS
	crash := func() {
		for i, percent := range []int{0, 50, 100} {
			clones = append(clones, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(len(clones)), uint64(i)))}))
		}
	}
	removing, calls := false, 0
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(errorfs.Op) error {
		if removing {
			calls++
			crash()
		}
		return nil
	}))
	l := open(t, fs, 1)
	groups := manySegments(t, l, 1, 6)
	removing = true
	_, err := l.Remove(l.Outside(log.Kept{Stable: upTo(stable), From: l.End()}))
	must(t, err)
	removing = false
	crash()
	must(t, l.Close())
	if calls < 8 { // create, write, sync, rename, sync, and a file after the other
		t.Fatalf("removing took %d calls", calls)
	}
	began := map[logical.Seq]bool{}
	for i, clone := range clones {
		l := open(t, clone, 1)
		first := l.First(1)
		began[first] = true
		got, err := readFrom(l, 0)
		must(t, err)
		if len(got) < max(5-int(first)+1, 1) { // the last may not have been synced while it is not the first
			t.Fatalf("crash %d: the log begins at %d and has %d groups", i, first, len(got))
		}
		for j, g := range got {
			if !same(g, groups[int(first)-1+j]) {
				t.Fatalf("crash %d: group %d is another", i, j)
			}
		}
		write(t, l, entry(1, l.Last(1)+1, 50))
		must(t, l.Close())
		names, err := clone.List(dir)
		must(t, err)
		for _, n := range names {
			if first == begins && n < name(int(begins)) {
				t.Errorf("crash %d: the log begins at %d, and %s is still there", i, first, n)
			}
		}
	}
	if len(began) != 2 || !began[1] || !began[begins] {
		t.Errorf("the log began at %v, want at 1 or at %d", began, begins)
	}
}

// TestRemovingFails: whatever call fails, the log goes on, and has what it had or begins
// later; another Remove, or the next Open, ends what was begun.
func TestRemovingFails(t *testing.T) {
	for n := range 10 {
		mem := vfs.NewCrashableMem()
		left := -1
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(errorfs.Op) error {
			if left--; left == 0 {
				return errorfs.ErrInjected
			}
			return nil
		}))
		l := open(t, fs, 1)
		groups := manySegments(t, l, 1, 6)
		_, err := l.Sync()
		must(t, err)
		left = n + 1
		_, err = l.Remove(l.Outside(log.Kept{Stable: upTo(4), From: l.End()}))
		left = -1
		if err != nil && !errors.Is(err, errorfs.ErrInjected) {
			t.Fatal(err)
		}
		holds(t, l, groups[l.First(1)-1:])
		_, err = l.Remove(l.Outside(log.Kept{Stable: upTo(4), From: l.End()}))
		must(t, err)
		holds(t, l, groups[4:])
		must(t, l.Close())
		l = open(t, mem, 1)
		holds(t, l, groups[4:])
		must(t, l.Close())
	}
}

// TestWhatIsKept: by what is stable, by the position, by bytes, and by age.
func TestWhatIsKept(t *testing.T) {
	size := func() int64 {
		l := open(t, vfs.NewMem(), 1)
		manySegments(t, l, 1, 1)
		defer l.Close()
		return l.Size()
	}() + 50 // the footer and more
	at := func(groups []log.Group, n int) log.Position { return groups[n-1].End }
	for name, c := range map[string]struct {
		keep  func(groups []log.Group, end log.Position) log.Kept
		first logical.Seq
	}{
		"stable":   {func(_ []log.Group, end log.Position) log.Kept { return log.Kept{Stable: upTo(3), From: end} }, 4},
		"nothing":  {func(_ []log.Group, end log.Position) log.Kept { return log.Kept{From: end} }, 1},
		"position": {func(g []log.Group, _ log.Position) log.Kept { return log.Kept{Stable: upTo(9), From: at(g, 3)} }, 3},
		"last":     {func(_ []log.Group, end log.Position) log.Kept { return log.Kept{Stable: upTo(9), From: end} }, 9},
		"bytes": {func(_ []log.Group, end log.Position) log.Kept {
			return log.Kept{Stable: upTo(9), From: end, Bytes: 2*size + size/2}
		}, 6},
		"old": {func(_ []log.Group, end log.Position) log.Kept {
			return log.Kept{Stable: upTo(9), From: end, Bytes: 1 << 40, Since: time.Now().Add(time.Hour)}
		}, 9},
		"young": {func(_ []log.Group, end log.Position) log.Kept {
			return log.Kept{Stable: upTo(9), From: end, Bytes: 1 << 40, Since: time.Now().Add(-time.Hour)}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, vfs.NewMem(), 1)
			defer l.Close()
			groups := manySegments(t, l, 1, 9)
			if n := l.Excess(log.Kept{Stable: upTo(9), From: l.End()}); n <= 0 || n >= l.Size() {
				t.Errorf("%d bytes of %d need not be kept", n, l.Size())
			}
			_, err := l.Remove(l.Outside(c.keep(groups, l.End())))
			must(t, err)
			if first := l.First(1); name == "bytes" && (first < 5 || first > 8) || name != "bytes" && first != c.first {
				t.Errorf("the log begins at %d, want %d; segments have about %d bytes of %d", first, c.first, size, l.Size())
			}
			if name == "bytes" && l.Size() < 2*size+size/2 {
				t.Errorf("%d bytes are left", l.Size())
			}
		})
	}
}

// TestWhatIsRemovedWasNamed: what is written after Outside has answered lets nothing more
// go, and no other position is taken for one that it named.
func TestWhatIsRemovedWasNamed(t *testing.T) {
	l := open(t, vfs.NewMem(), 1)
	defer l.Close()
	groups := manySegments(t, l, 1, 9)
	keep := log.Kept{Stable: upTo(20), From: l.End(), Bytes: l.Size() / 2}
	until := l.Outside(keep)
	manySegments(t, l, 10, 12)
	if later := l.Outside(keep); until == l.Begin() || later <= until {
		t.Fatalf("before more was written all before %s need not be kept, then all before %s", until, later)
	}
	for _, p := range []log.Position{until + 1, l.End(), l.End() + 1<<32} {
		if _, err := l.Remove(p); !errors.Is(err, log.ErrPosition) || l.First(1) != 1 {
			t.Errorf("all before %s, where no segment ends that may go, is removed: %v", p, err)
		}
	}
	size := l.Size()
	bytes, err := l.Remove(until)
	must(t, err)
	if l.Begin() != until || l.Size() != size-bytes {
		t.Errorf("the log begins at %s, want %s; %d bytes of %d went, and %d are left", l.Begin(), until, bytes, size, l.Size())
	}
	if bytes, err := l.Remove(groups[0].End); bytes != 0 || err != nil {
		t.Errorf("what was gone is removed again: %d bytes, %v", bytes, err)
	}
}

// TestAPositionBeforeTheBeginning is told apart from one that never was; the one where the
// log begins is good.
func TestAPositionBeforeTheBeginning(t *testing.T) {
	l := open(t, vfs.NewMem(), 1)
	defer l.Close()
	groups := manySegments(t, l, 1, 6)
	_, err := l.Remove(l.Outside(log.Kept{Stable: upTo(3), From: l.End()}))
	must(t, err)
	if _, err := readFrom(l, groups[1].End); !errors.Is(err, log.ErrRemoved) {
		t.Errorf("a position before: %v", err)
	}
	if got, err := readFrom(l, groups[2].End); err != nil || len(got) != 3 {
		t.Errorf("where it begins: %d groups, %v", len(got), err)
	}
	if l.Begin() != groups[2].End {
		t.Errorf("the log begins at %s, want %s", l.Begin(), groups[2].End)
	}
}

// TestAReaderMeetsARemoval: it is told, and never given less.
func TestAReaderMeetsARemoval(t *testing.T) {
	l := open(t, vfs.NewMem(), 1)
	defer l.Close()
	manySegments(t, l, 1, 9)
	n := logical.Seq(0)
	err := l.Ops(1, 1, func(seq logical.Seq, _ []byte) (bool, error) {
		n = seq
		if seq == 3 {
			_, err := l.Remove(l.Outside(log.Kept{Stable: upTo(8), From: l.End()}))
			must(t, err)
		}
		return true, nil
	})
	if !errors.Is(err, log.ErrRemoved) || n != 3 {
		t.Errorf("a reader reached %d: %v", n, err)
	}
}

// TestFound makes a log that begins behind what another leader had.
func TestFound(t *testing.T) {
	fs := vfs.NewMem()
	must(t, log.Found(fs, dir, upTo(41)))
	l := open(t, fs, 0)
	if l.First(1) != 42 || l.Last(1) != 41 {
		t.Errorf("operations from %d, the last is %d; want 42 and 41", l.First(1), l.Last(1))
	}
	groups := manySegments(t, l, 42, 44)
	must(t, l.Close())
	l = open(t, fs, 0)
	holds(t, l, groups)
	must(t, l.Close())
	if err := log.Found(fs, dir, upTo(1)); err == nil {
		t.Error("a log was founded where one is")
	}
}

// TestADamagedBeginning: no byte of it can be another one.
func TestADamagedBeginning(t *testing.T) {
	mem := vfs.NewMem()
	l := open(t, mem, 1)
	manySegments(t, l, 1, 6)
	_, err := l.Remove(l.Outside(log.Kept{Stable: upTo(3), From: l.End()}))
	must(t, err)
	must(t, l.Close())
	files := copyFiles(t, mem)
	reopens := func(where string) {
		l, err := log.Open(log.Options{FS: restore(t, files), Dir: dir})
		if !errors.Is(err, log.ErrDamaged) {
			t.Errorf("%s: %v", where, err)
		}
		if err == nil {
			_ = l.Close()
		}
	}
	whole := files["begin"]
	for i := range whole {
		files["begin"] = append([]byte(nil), whole...)
		files["begin"][i] ^= 4
		reopens(fmt.Sprintf("byte %d", i))
	}
	delete(files, "begin")
	reopens("gone")
	files = map[string][]byte{"begin": whole}
	reopens("alone, without the segments that it says are there")
}

// TestNothingIsRemovedWhileSomebodyHoldsTheLog: several may hold it at a time.
func TestNothingIsRemovedWhileSomebodyHoldsTheLog(t *testing.T) {
	l := open(t, vfs.NewMem(), 1)
	defer l.Close()
	manySegments(t, l, 1, 6)
	until := l.Outside(log.Kept{Stable: upTo(3), From: l.End()})
	first, second := l.Hold(), l.Hold()
	for i, release := range []func(){first, second} {
		if n, err := l.Remove(until); n != 0 || err != nil || !l.Held() {
			t.Errorf("held by %d: removed %d bytes, %v, held %t", 2-i, n, err, l.Held())
		}
		release()
	}
	if n, err := l.Remove(until); n == 0 || err != nil || l.Held() {
		t.Errorf("held by nobody: removed %d bytes, %v, held %t", n, err, l.Held())
	}
}
