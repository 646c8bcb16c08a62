package log_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/log"
)

// reopen opens a log of these files and closes it at the end of the test.
func reopen(t *testing.T, files map[string][]byte) (*log.Log, error) {
	t.Helper()
	l, err := log.Open(log.Options{FS: restore(t, files), Dir: dir, SegmentBytes: 500})
	if err == nil {
		t.Cleanup(func() { must(t, l.Close()) })
	}
	return l, err
}

// TestTornTail: of a last group of which any number of bytes is missing, zero or something
// else, nothing is there, and the log goes on behind the group before.
func TestTornTail(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs, 0)
	groups := []log.Group{write(t, l, entry(1, 1, 60)), write(t, l, entry(2, 1, 20), entry(1, 2, 30))}
	begin := int(groups[1].End & (1<<32 - 1))
	// Two frames, the second of which is small.
	last := write(t, l, entry(1, 3, 33_000), entry(0, 0, 100), entry(1, 4, 50))
	files := copyFiles(t, fs)
	must(t, l.Close())
	whole := files[name(1)]
	for end := begin; end < len(whole); end += step(end, begin, len(whole)) {
		for what, b := range map[string][]byte{
			"missing": whole[:end],
			"zero":    append(bytes.Clone(whole[:end]), make([]byte, len(whole)-end+50)...),
			"garbage": append(bytes.Clone(whole[:end]), bytes.Repeat([]byte{0x13, 0xc1, 'K', 'L'}, 20)...),
		} {
			again := restore(t, map[string][]byte{name(1): b})
			l := open(t, again, 0)
			holds(t, l, groups)
			shorter := write(t, l, entry(1, 3, 10))
			holds(t, l, append(groups[:2:2], shorter))
			must(t, l.Close())
			l = open(t, again, 0)
			holds(t, l, append(groups[:2:2], shorter))
			must(t, l.Close())
			if t.Failed() {
				t.Fatalf("%d of %d bytes are there, and what is behind is %s", end-begin, len(whole)-begin, what)
			}
		}
	}
	l = open(t, restore(t, files), 0)
	holds(t, l, append(groups, last))
	must(t, l.Close())
}

// step goes through the heads of frames byte by byte, and faster through the long op.
func step(at, begin, end int) int {
	if at > begin+40 && at < end-200 {
		return min(9973, end-200-at)
	}
	return 1
}

// TestOldFrameDoesNotFollow: a frame of a torn group that would fit behind a new one is not
// taken for its continuation.
func TestOldFrameDoesNotFollow(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs, 0)
	first := write(t, l, entry(1, 1, 60))
	begin := int(first.End & (1<<32 - 1))
	torn := write(t, l, entry(1, 2, 40))
	write(t, l, entry(1, 3, 40))
	files := copyFiles(t, fs)
	must(t, l.Close())
	files[name(1)][begin+20] ^= 1 // the second group; the third is as it was
	again := restore(t, files)
	l = open(t, again, 0)
	holds(t, l, []log.Group{first})
	replaced := write(t, l, entry(1, 2, 40))
	if replaced.End != torn.End {
		t.Fatal("the new group has another length, and the test shows nothing")
	}
	files = copyFiles(t, again)
	must(t, l.Close())
	l = open(t, restore(t, files), 0)
	holds(t, l, []log.Group{first, replaced})
	must(t, l.Close())
}

// TestEveryFlippedByte: whichever byte of a log is another, every group that was synced is
// there, or the damage is named; and of what was not synced, a number of whole groups from
// the first on is there. Check names what Open passes over.
func TestEveryFlippedByte(t *testing.T) {
	for _, closed := range []bool{false, true} {
		fs := vfs.NewMem()
		l := open(t, fs, 500)
		var groups []log.Group
		for n := range 9 {
			groups = append(groups, write(t, l, entry(1, logical.Seq(2*n+1), 60), entry(2, logical.Seq(n+1), 20), entry(0, 0, 9), entry(1, logical.Seq(2*n+2), 30)))
			if n < 7 {
				_, err := l.Sync()
				must(t, err)
			}
		}
		if l.End()>>32 != 3 {
			t.Fatalf("%s: not three segments", l.End())
		}
		files := copyFiles(t, fs)
		must(t, l.Close())
		synced := 7
		if closed {
			files, synced = copyFiles(t, fs), len(groups)
		}
		outcomes := map[string]int{}
		for file, b := range files {
			for i := range b {
				for _, bit := range []byte{1, 0x80} {
					damaged := maps.Clone(files)
					damaged[file] = bytes.Clone(b)
					damaged[file][i] ^= bit
					outcomes[flipped(t, damaged, fmt.Sprintf("%s byte %d, closed %v", file, i, closed), groups, synced)]++
				}
			}
		}
		t.Logf("closed %v: %v", closed, outcomes)
		if closed && outcomes["torn"] > 0 || !closed && outcomes["torn"] == 0 || outcomes["refused"] == 0 {
			t.Errorf("closed %v: %v", closed, outcomes)
		}
	}
}

// flipped opens a log with one bit changed and says what came of it.
func flipped(t *testing.T, files map[string][]byte, where string, groups []log.Group, synced int) string {
	t.Helper()
	l, err := log.Open(log.Options{FS: restore(t, files), Dir: dir, SegmentBytes: 500})
	if err != nil {
		named(t, where, err)
		return "refused"
	}
	defer func() { must(t, l.Close()) }()
	checked := l.Check(func() bool { return true })
	got, err := readFrom(l, 0)
	for i, g := range got {
		if !same(g, groups[i]) {
			t.Fatalf("%s: group %d is another", where, i)
		}
	}
	switch {
	case err != nil:
		named(t, where, err)
		named(t, where, checked)
		return "read"
	case len(got) < synced:
		t.Errorf("%s: %d groups of %d that were synced, and nothing is said", where, len(got), synced)
	case len(got) < len(groups):
		return "torn"
	case checked != nil:
		named(t, where, checked)
		return "checked"
	}
	return "whole"
}

// named fails unless err says that a log is damaged, and where.
func named(t *testing.T, where string, err error) {
	t.Helper()
	var d *log.DamageError
	if !errors.Is(err, log.ErrDamaged) || !errors.As(err, &d) || d.Segment == "" || d.Expected == "" {
		t.Errorf("%s: %v", where, err)
	}
}

// threeSegments is a closed log and its files.
func threeSegments(t *testing.T) ([]log.Group, map[string][]byte) {
	t.Helper()
	fs := vfs.NewMem()
	l := open(t, fs, 500)
	var groups []log.Group
	for n := range 9 {
		groups = append(groups, write(t, l, entry(1, logical.Seq(n+1), 150)))
	}
	if l.End()>>32 != 3 {
		t.Fatalf("%s: not three segments", l.End())
	}
	must(t, l.Close())
	return groups, copyFiles(t, fs)
}

// TestMissingSegment: a file that is not there is damage, unless it is the last, of which
// nobody can know.
func TestMissingSegment(t *testing.T) {
	groups, files := threeSegments(t)
	for n := 1; n <= 3; n++ {
		fewer := maps.Clone(files)
		delete(fewer, name(n))
		l, err := reopen(t, fewer)
		if n == 3 {
			must(t, err)
			got, err := readFrom(l, 0)
			must(t, err)
			if len(got) == 0 || len(got) >= len(groups) {
				t.Errorf("%d groups without the last segment", len(got))
			}
			continue
		}
		named(t, name(n), err)
	}
	swapped := maps.Clone(files)
	swapped[name(1)], swapped[name(2)] = files[name(2)], files[name(1)]
	_, err := reopen(t, swapped)
	named(t, "swapped", err)
}

// TestNewSegmentIsLost: of a segment that was just made, the file may be there with
// nothing, or a part of its header. It is made again.
func TestNewSegmentIsLost(t *testing.T) {
	groups, files := threeSegments(t)
	header := append([]byte(nil), files[name(3)][:35]...)
	for n := range 40 {
		b := make([]byte, 4096)
		copy(b, header[:min(n, 31)]) // the last bytes of a header are zeros
		if n >= len(header) {
			b = b[:n-len(header)]
		}
		cut := maps.Clone(files)
		cut[name(3)] = b
		fs := restore(t, cut)
		before := 0
		for before < len(groups) && groups[before].End>>32 < 3 {
			before++
		}
		for range 2 {
			l := open(t, fs, 500)
			holds(t, l, groups[:before])
			must(t, l.Close())
		}
		l := open(t, fs, 500)
		again := write(t, l, groups[before].Entries...)
		holds(t, l, append(groups[:before:before], again))
		must(t, l.Close())
		l = open(t, fs, 500)
		holds(t, l, append(groups[:before:before], again))
		must(t, l.Close())
		// Since the third had been made, nothing of the second is torn.
		for _, less := range []log.Position{0, 1} {
			short := maps.Clone(cut)
			short[name(2)] = files[name(2)][:groups[before-1].End&(1<<32-1)-less]
			_, err := reopen(t, short)
			named(t, fmt.Sprintf("a second segment shorter by %d, %d", less, n), err)
		}
	}
}

// TestFooterIsRebuilt: without its footer a segment is read through, to where the next says
// that its groups end.
func TestFooterIsRebuilt(t *testing.T) {
	groups, files := threeSegments(t)
	end := 0
	for _, g := range groups {
		if g.End>>32 == 1 {
			end = int(g.End & (1<<32 - 1))
		}
	}
	for _, b := range [][]byte{files[name(1)][:end], files[name(1)][:end+10], append(bytes.Clone(files[name(1)][:end]), make([]byte, 500)...)} {
		without := maps.Clone(files)
		without[name(1)] = b
		l, err := reopen(t, without)
		must(t, err)
		holds(t, l, groups)
		findAll(t, l, groups)
		named(t, "check", l.Check(func() bool { return true }))
	}
	short := maps.Clone(files)
	short[name(1)] = files[name(1)][:end-1]
	_, err := reopen(t, short)
	named(t, "a group less", err)
}

// TestManyFalseFrames: what clients write may look like frames, and a search for frames
// behind a torn group ends all the same.
func TestManyFalseFrames(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs, 0)
	first := write(t, l, entry(1, 1, 60))
	value := bytes.Repeat([]byte{0xc1, 'K', 'L', 0x13, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1<<16)
	l.AppendRaw(entry(1, 2, 0).Dot, value)
	_, err := l.Write()
	must(t, err)
	files := copyFiles(t, fs)
	must(t, l.Close())
	files[name(1)][first.End&(1<<32-1)+16] ^= 1
	_, err = log.Open(log.Options{FS: restore(t, files), Dir: dir})
	named(t, "false frames", err)
}

// TestMovedFrame: a whole frame at another position is none.
func TestMovedFrame(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs, 0)
	first := write(t, l, entry(0, 0, 20))
	l.AppendNote([]byte("another of 20 bytes."))
	_, err := l.Write()
	must(t, err)
	files := copyFiles(t, fs)
	must(t, l.Close())
	b, end := files[name(1)], int(first.End&(1<<32-1))
	files[name(1)] = append(append(bytes.Clone(b[:35]), b[end:]...), b[35:end]...)
	l, err = reopen(t, files)
	must(t, err)
	holds(t, l, nil)
}

// TestFramesThatDoNotFollow: frames that are valid each, and are no group of this log: a
// flag is missing or too much, or an operation is not the next of its origin.
func TestFramesThatDoNotFollow(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs, 0)
	first := write(t, l, entry(1, 1, 20))
	write(t, l, entry(1, 2, 33_000), entry(1, 3, 20))
	files := copyFiles(t, fs)
	must(t, l.Close())
	begin := int(first.End & (1<<32 - 1))
	second := bytes.LastIndex(files[name(1)], []byte{0xc1, 'K', 'L', 0x12}) - 4
	for what, change := range map[string]func(b []byte){
		"no first":           func(b []byte) { b[begin+7] = 0x10 },
		"two first":          func(b []byte) { b[second+7] = 0x13 },
		"no last":            func(b []byte) { b[second+7] = 0x10 },
		"a mark inside":      func(b []byte) { b[second+7] = 0x30 },
		"an index":           func(b []byte) { b[begin+7] = 0x50 },
		"an operation later": func(b []byte) { b[begin+16] += 4 },
	} {
		b := bytes.Clone(files[name(1)])
		change(b)
		l, err := reopen(t, map[string][]byte{name(1): log.Refit(b, 1)})
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		got, err := readFrom(l, 0)
		if err != nil || len(got) != 1 || !same(got[0], first) {
			t.Errorf("%s: %d groups, %v", what, len(got), err)
		}
	}
	groups, files := threeSegments(t)
	third := groups[slices.IndexFunc(groups, func(g log.Group) bool { return g.End>>32 == 3 })]
	b := bytes.Clone(files[name(3)][:third.End&(1<<32-1)])
	b[35+16] += 4
	_, err := reopen(t, map[string][]byte{name(1): files[name(1)], name(2): files[name(2)], name(3): log.Refit(b, 3)})
	named(t, "the first operation of a segment is later", err)
}

// TestReopenedIsDurable: what a process found when it opened the log, though nobody had
// synced it, survives a crash from then on.
func TestReopenedIsDurable(t *testing.T) {
	fs := vfs.NewCrashableMem()
	l := open(t, fs, 0)
	groups := []log.Group{write(t, l, entry(1, 1, 10))}
	again := open(t, fs, 0)
	if again.Synced() != groups[0].End {
		t.Errorf("synced %s", again.Synced())
	}
	crashed := open(t, fs.CrashClone(vfs.CrashCloneCfg{}), 0)
	holds(t, crashed, groups)
	must(t, errors.Join(crashed.Close(), again.Close(), l.Close()))
}
