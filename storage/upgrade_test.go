package storage_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/vmihailenco/msgpack/v5"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// oldKey is a ledger key as stores of format 1 have it.
func oldKey(l *resolve.Loss) []byte {
	k := append([]byte{'P', byte(l.Resolver)}, strings.ReplaceAll(l.Key, "\x00", "\x00\xff")...)
	k = binary.BigEndian.AppendUint64(append(k, 0, 0), uint64(l.Loser.Origin))
	return binary.BigEndian.AppendUint64(k, uint64(l.Loser.Seq))
}

// oldValue is a loss as stores of format 1 have it, written by somebody else's
// encoder: numbers in their narrowest form are the same everywhere.
func oldValue(t testing.TB, l *resolve.Loss) []byte {
	t.Helper()
	var out strings.Builder
	e := msgpack.NewEncoder(&out)
	must(t, e.EncodeArrayLen(10))
	for _, n := range []uint64{1, uint64(l.Resolver), uint64(l.Relation)} {
		must(t, e.EncodeUint(n))
	}
	must(t, e.EncodeString(""))
	for _, n := range []uint64{uint64(l.Loser.Origin), uint64(l.Loser.Seq), uint64(l.Winner.Origin), uint64(l.Winner.Seq),
		uint64(l.At.Earliest), uint64(l.At.Latest.Sub(l.At.Earliest)) / 2000} {
		must(t, e.EncodeUint(n))
	}
	return []byte(out.String())
}

// TestOldLayout holds the two above to bytes that a program of then wrote.
func TestOldLayout(t *testing.T) {
	l := resolve.Loss{Resolver: resolve.HLC, Relation: resolve.Inverted, Key: "\x00\x01", Loser: codectest.TypicalOp().Dot, Winner: logical.Dot{Origin: 9, Seq: 5}, At: codectest.TypicalOp().Wall}
	golden(t, oldKey(&l), "50"+"02"+"00ff01"+"0000"+"9f3a61c04be27d15"+"000000000000c822")
	golden(t, oldValue(t, &l), "9a01"+"0201"+"a0"+"cf9f3a61c04be27d15"+"cdc822"+"0905"+"cf187a866b7325e655"+"cd0bb8")
	l = resolve.Loss{Resolver: resolve.LWW, Relation: resolve.Concurrent, Key: "key", Loser: logical.Dot{Origin: 7, Seq: 4}, At: wallclock.Around(1_000_000_003, 2000)}
	golden(t, oldKey(&l), "50"+"00"+"6b6579"+"0000"+"0000000000000007"+"0000000000000004")
	golden(t, oldValue(t, &l), "9a01"+"0002"+"a0"+"0704"+"0000"+"ce3b9ac233"+"02")
}

// oldLosses is what three resolvers lost of n writes, in their order of now. Two
// of the keys are those that old and new storage keys could be confused by.
func oldLosses(n int) []resolve.Loss {
	var all []resolve.Loss
	for i := range n {
		l := resolve.Loss{Relation: resolve.Concurrent, Key: fmt.Sprintf("key%06d", i), Loser: logical.Dot{Origin: 7, Seq: logical.Seq(i + 1)},
			Winner: logical.Dot{Origin: 9, Seq: 5}, At: wallclock.Around(wallclock.Instant(1e9+i), 2000)}
		switch i {
		case 0:
			l.Key = "\x00\x01"
		case 1:
			l.Key = "\x01key"
		case 2:
			l.Key = "\x02\x01key"
		case 3:
			l.Winner = logical.Dot{}
		}
		for _, id := range []resolve.ID{resolve.LWW, resolve.Lamport, resolve.HLC}[:1+i%3] {
			l.Resolver = id
			if all = append(all, l); i%2 == 0 {
				l.Relation = resolve.Inverted
			}
		}
	}
	return all
}

// oldStore is a store of format 1 with these losses, an object and a pair of
// duplicates beside them.
func oldStore(t testing.TB, fs vfs.FS, want []resolve.Loss) {
	t.Helper()
	db, err := pebble.Open(small(fs).Dir, &pebble.Options{FS: fs, Logger: silent{}})
	must(t, err)
	o := codectest.TypicalObject()
	must(t, db.Set([]byte("K"+o.Key), codec.AppendObjectAs(nil, "", o), pebble.NoSync))
	for _, d := range oldDuplicates {
		must(t, db.Set(rowKey('T', d), storage.AppendDuplicates(nil, oldDuplicates), pebble.NoSync))
	}
	for i := range want {
		must(t, db.Set(oldKey(&want[i]), oldValue(t, &want[i]), pebble.NoSync))
	}
	must(t, db.Close())
}

// rowKey is the key of a row by dot.
func rowKey(letter byte, d logical.Dot) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte{letter}, uint64(d.Origin)), uint64(d.Seq))
}

var oldDuplicates = []logical.Dot{{Origin: 3, Seq: 9}, {Origin: 8, Seq: 1}}

// carried checks that a store has these losses in rows of now, and counts them.
func carried(t *testing.T, s *storage.Store, want []resolve.Loss) {
	t.Helper()
	must(t, s.CheckLedger())
	var got []resolve.Loss
	must(t, s.Losses(func(l resolve.Loss) bool { got = append(got, l); return true }))
	if !slices.Equal(got, want) {
		t.Fatalf("%d losses are told, %d were there", len(got), len(want))
	}
	h, err := s.LedgerStats()
	must(t, err)
	last := losses.ID{}
	must(t, s.Oldest(0, func(r *losses.Row, _ int64) bool {
		if r.Key < last.Key || r.Evidence != nil {
			t.Errorf("%q comes after %q, with evidence %v", r.Key, last.Key, r.Evidence)
		}
		last = r.ID()
		return true
	}))
	if h.Inserted.Sum() != int64(len(want)) || h.Inserted != h.Held() || h.Entered != uint64(h.Rows) || h.Evicted != (losses.Evicted{}) {
		t.Errorf("%d losses are counted as %+v", len(want), h)
	}
	o, err := s.Object(codectest.TypicalObject().Key)
	must(t, err)
	duplicates, err := s.Duplicates(oldDuplicates[1])
	must(t, err)
	if !reflect.DeepEqual(o, codectest.TypicalObject()) || !slices.Equal(duplicates, oldDuplicates) {
		t.Errorf("the object is %+v, the duplicates are %v", o, duplicates)
	}
}

// TestOldLedgersAreCarriedOver: the losses of a store from before the ledger had
// one row for each write are all told, and are carried over once.
func TestOldLedgersAreCarriedOver(t *testing.T) {
	for _, n := range []int{0, 1, 7, 200} {
		fs, want := vfs.NewMem(), oldLosses(n)
		oldStore(t, fs, want)
		s, err := storage.Open(small(fs))
		must(t, err)
		carried(t, s, want)
		must(t, s.Close())
		o := small(fs)
		o.ReadOnly = true
		s = open(t, o)
		carried(t, s, want)
	}
}

// TestOldLedgersAreCarriedOverThroughCrashes cuts the power at ever later writes
// while a ledger of many batches is carried over. Whatever is left, opening it
// again goes on to the same end.
func TestOldLedgersAreCarriedOverThroughCrashes(t *testing.T) {
	want := oldLosses(4_000)
	mem := vfs.NewCrashableMem()
	oldStore(t, mem, want)
	var cuts []*vfs.MemFS
	rng := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	writes, next := 0, 1
	o := small(errorfs.Wrap(freshLogs{mem}, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if mu.Lock(); op.Kind == errorfs.OpFileWrite {
			if writes++; writes == next {
				next += 25
				cuts = append(cuts, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: len(cuts) % 3 * 50, RNG: rng}))
			}
		}
		mu.Unlock()
		return nil
	})))
	o.MemTable = 64 << 10 // each batch waits until the one before is flushed
	s, err := storage.Open(o)
	must(t, err)
	carried(t, s, want)
	must(t, s.Close())
	stages := map[string]int{}
	for _, fs := range cuts {
		stages[stage(t, fs)]++
		s := open(t, small(fs))
		carried(t, s, want)
		must(t, s.Close())
	}
	if t.Logf("the power was cut at %v", stages); len(stages) < 3 {
		t.Errorf("the power was cut at %v only", stages)
	}
}

// freshLogs uses no log file twice: that deadlocks with cloning in pebble v2.1.7.
type freshLogs struct{ vfs.FS }

func (f freshLogs) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Remove(old); err != nil {
		return nil, err
	}
	return f.Create(name, c)
}

// stage is which kinds of rows a store has.
func stage(t *testing.T, fs vfs.FS) string {
	t.Helper()
	db, err := pebble.Open(small(fs).Dir, &pebble.Options{FS: fs, Logger: silent{}})
	must(t, err)
	it, err := db.NewIter(nil)
	must(t, err)
	var letters []byte
	for ok := it.First(); ok; ok = it.Next() {
		if l := it.Key()[0]; l != 'K' && l != 'T' && (len(letters) == 0 || letters[len(letters)-1] != l) {
			letters = append(letters, l)
		}
	}
	must(t, it.Close())
	must(t, db.Close())
	return string(letters)
}

// TestOldRowsThatCannotBeRead: what is no row of the old layout fails the opening,
// and says where.
func TestOldRowsThatCannotBeRead(t *testing.T) {
	fs, want := vfs.NewMem(), oldLosses(3)
	oldStore(t, fs, want)
	db, err := pebble.Open(small(fs).Dir, &pebble.Options{FS: fs, Logger: silent{}})
	must(t, err)
	must(t, db.Set(oldKey(&want[0]), []byte{0x9a, 9}, pebble.Sync))
	must(t, db.Close())
	if _, err := storage.Open(small(fs)); err == nil || !strings.Contains(err.Error(), want[0].Loser.String()) {
		t.Errorf("opening says %v", err)
	}
}

// TestNewerStoresAreRefused: with the reason, and what to do.
func TestNewerStoresAreRefused(t *testing.T) {
	fs := vfs.NewMem()
	s, err := storage.Open(small(fs))
	must(t, err)
	must(t, s.Close())
	db, err := pebble.Open(small(fs).Dir, &pebble.Options{FS: fs, Logger: silent{}})
	must(t, err)
	format, closer, err := db.Get([]byte("Mformat"))
	must(t, err)
	if string(format) != "\x04" {
		t.Errorf("a fresh store has format %x", format)
	}
	must(t, closer.Close())
	must(t, db.Set([]byte("Mformat"), []byte{5}, pebble.Sync))
	must(t, db.Close())
	for _, readOnly := range []bool{false, true} {
		o := small(fs)
		o.ReadOnly = readOnly
		_, err := storage.Open(o)
		if err == nil {
			t.Fatal("a store of format 5 is opened")
		}
		for _, part := range []string{o.Dir, "newer version", "format 5", "up to 4", "start that version again"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	}
}
