package log_test

import (
	"bytes"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/storage/log"
)

// findings is every place that Verify finds in these files.
func findings(t *testing.T, fs vfs.FS) (all []*log.DamageError) {
	t.Helper()
	paths, err := log.Segments(fs, dir)
	must(t, err)
	for _, path := range paths {
		must(t, log.Verify(fs, path, func(d *log.DamageError) error {
			all = append(all, d)
			return nil
		}))
	}
	return all
}

// TestVerifyFindsEveryFlippedByte: in a closed log one place is found, in that file and
// not behind the byte; and of two places in a segment both are.
func TestVerifyFindsEveryFlippedByte(t *testing.T) {
	_, files := threeSegments(t)
	if all := findings(t, restore(t, files)); all != nil {
		t.Fatalf("of a whole log %v is said", all)
	}
	for file, b := range files {
		for i := range b {
			damaged := maps.Clone(files)
			damaged[file] = bytes.Clone(b)
			damaged[file][i] ^= 0x10
			where := fmt.Sprintf("%s byte %d", file, i)
			all := findings(t, restore(t, damaged))
			if file == name(3) && i >= len(b)-16 { // the mark of a clean end
				continue
			}
			if len(all) != 1 || all[0].Segment != dir+"/"+file || all[0].Offset > int64(i) {
				t.Errorf("%s: %v", where, all)
			}
			for _, d := range all {
				named(t, where, d)
			}
		}
	}
	b := bytes.Clone(files[name(1)])
	b[100] ^= 1
	b[len(b)/2+100] ^= 1
	two := maps.Clone(files)
	two[name(1)] = b
	if all := findings(t, restore(t, two)); len(all) != 2 || all[0].Offset > 100 || all[1].Offset <= 100 {
		t.Errorf("of two places %v are found", all)
	}
}

// TestVerifyBesideAWriter: of a log that is written to nothing is said, whatever of it is
// there when it is read.
func TestVerifyBesideAWriter(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs, 4<<10)
	var writer sync.WaitGroup
	done := make(chan struct{})
	writer.Go(func() {
		defer close(done)
		for n := range 300 {
			appendEntry(l, entry(1, logical.Seq(n+1), 90))
			if _, err := l.Write(); err != nil {
				t.Error(err)
			}
			if _, err := l.Sync(); err != nil {
				t.Error(err)
			}
		}
	})
	rounds := 0
	for going := true; going; rounds++ {
		select {
		case <-done:
			going = false
		default:
		}
		if all := findings(t, fs); all != nil {
			t.Fatalf("round %d: %v", rounds, all)
		}
	}
	writer.Wait()
	must(t, l.Close())
	t.Logf("%d rounds", rounds)
}

// TestVerifyMeetsAWrite: groups that are written and synced where nothing was when it was
// read are no damage.
func TestVerifyMeetsAWrite(t *testing.T) {
	mem := vfs.NewMem()
	l := open(t, mem, 0)
	defer l.Close()
	n := logical.Seq(0)
	more := func() {
		n++
		write(t, l, entry(1, n, 90))
		_, err := l.Sync()
		must(t, err)
	}
	more()
	more()
	f, err := mem.OpenReadWrite(dir+"/"+name(1), vfs.WriteCategoryUnspecified)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	_, err = f.WriteAt(make([]byte, 64<<10), info.Size()) // as it is preallocated elsewhere
	must(t, err)
	must(t, f.Close())
	reads := 0
	all := findings(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt && n < 40 {
			reads++
			more()
			more()
		}
		return nil
	})))
	if all != nil || reads < 4 {
		t.Errorf("%d reads find %v", reads, all)
	}
}

// TestVerifyWhatIsNotThere: a segment that was removed is no damage, nor is a last one whose
// header was not written yet.
func TestVerifyWhatIsNotThere(t *testing.T) {
	_, files := threeSegments(t)
	header := files[name(1)][:20]
	for _, b := range [][]byte{nil, header} {
		files[name(4)] = b
		if all := findings(t, restore(t, files)); all != nil {
			t.Errorf("with %d bytes in the last segment %v is said", len(b), all)
		}
	}
	must(t, log.Verify(restore(t, files), dir+"/"+name(5), func(d *log.DamageError) error { return d }))
}
