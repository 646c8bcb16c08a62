package scrub_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec/codectest"
	"kvd/storage/disk"
	"kvd/storage/scrub"
	"kvd/storage/storagetest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const dir = "leader"

// filled is a closed store with a log, tables and separated values.
func filled(t *testing.T) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	const origin = logical.Origin(7)
	for part := range 3 {
		s, err := storage.Open(storage.Options{FS: fs, Dir: dir, Cache: 1 << 20, MemTable: 64 << 10})
		must(t, err)
		b := s.NewBatch()
		for i := range 20 {
			op := codectest.TypicalOp()
			op.Dot = logical.Dot{Origin: origin, Seq: logical.Seq(part*20 + i + 1)}
			op.Key, op.Value, op.Parents = fmt.Sprint("k", part, i), []byte(strings.Repeat("v", 3000)), nil
			if i%7 == 0 {
				op.Value = make([]byte, 20_000)
			}
			b.PutOp(op)
			b.PutObject(&resolve.Object{Key: op.Key, Versions: []resolve.Version{{Dot: op.Dot, Mask: 1, Kind: op.Kind, Value: op.Value, Wall: op.Wall, Lamport: op.Lamport}}})
			b.PutState(storage.State{Origin: origin, Frontier: logical.FrontierOf(op.Dot)})
			must(t, b.Commit())
		}
		must(t, b.Close())
		must(t, s.Close())
	}
	return fs
}

// TestFile: a flipped bit in any file of a store is found in that file and no other, at the
// frame or block that has it, and is damage; a file that cannot be read is told as that.
func TestFile(t *testing.T) {
	fs := filled(t)
	paths, err := scrub.Files(fs, dir)
	must(t, err)
	check := func(fs vfs.FS, path string) (all []scrub.Finding) {
		must(t, scrub.File(fs, path, func(f scrub.Finding) error { all = append(all, f); return nil }))
		return all
	}
	kinds := map[string]int{}
	for _, p := range paths {
		if all := check(fs, p); all != nil {
			t.Errorf("of %s, which is whole, %v is said", p, all)
		}
		info, err := fs.Stat(p)
		must(t, err)
		at := info.Size() / 3
		if strings.HasSuffix(p, ".log") {
			at = 1000
		}
		storagetest.Flip(t, fs, p, at)
		for _, other := range paths {
			all := check(fs, other)
			if (len(all) > 0) != (other == p) {
				t.Errorf("with a bit of %s flipped, of %s is said: %v", p, other, all)
			}
			for _, f := range all {
				if f.Path != p || f.Offset > at || f.Offset < at-40<<10 || !errors.Is(f, disk.ErrDamaged) || !strings.Contains(f.Error(), fmt.Sprintf("%s is damaged at byte %d", p, f.Offset)) {
					t.Errorf("a bit of %s at %d: %v", p, at, f)
				}
			}
		}
		storagetest.Flip(t, fs, p, at)
		unread := check(errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == errorfs.OpFileReadAt && op.Offset <= at && op.Path == p {
				return syscall.EIO
			}
			return nil
		})), p)
		if len(unread) != 1 || !errors.Is(unread[0], syscall.EIO) || errors.Is(unread[0], disk.ErrDamaged) {
			t.Errorf("%s cannot be read: %v", p, unread)
		}
		kinds[path.Ext(p)]++
	}
	if kinds[".log"] == 0 || kinds[".sst"] == 0 || kinds[".blob"] == 0 {
		t.Errorf("the store has %v", kinds)
	}
	if all := check(fs, dir+"/999999.sst"); all != nil {
		t.Errorf("of a table that is gone %v is said", all)
	}
}

// clock is time that passes only where the scrubber waits.
type clock struct {
	at     time.Time
	waited []time.Duration
	stop   func() bool
}

func (c *clock) now() time.Time { return c.at }
func (c *clock) wait(d time.Duration) bool {
	if d > 0 {
		c.at = c.at.Add(d)
		c.waited = append(c.waited, d)
	}
	return !c.stop()
}

// TestRounds: a scrubber begins a round when the last began so long ago, reads no faster than
// it may, goes on in another process where it was stopped, passes over what is being
// written, and tells each place once.
func TestRounds(t *testing.T) {
	fs := filled(t)
	paths, err := scrub.Files(fs, dir)
	must(t, err)
	size := int64(0)
	for _, p := range paths {
		info, err := fs.Stat(p)
		must(t, err)
		size += info.Size()
	}
	var kept []scrub.Progress
	var found []scrub.Finding
	var asked []string
	written := paths[len(paths)-1]
	storagetest.Flip(t, fs, paths[0], 1000)
	storagetest.Flip(t, fs, paths[2], 100)
	cfg := scrub.Config{FS: fs, Dir: dir, Every: time.Hour, Rate: 100 << 10,
		Writing: func(p string) bool { asked = append(asked, p); return p == written },
		Found:   func(f scrub.Finding) { found = append(found, f) },
		Keep:    func(p scrub.Progress) { kept = append(kept, p) },
	}
	begin := time.Unix(1000, 0)
	c := &clock{at: begin}
	run := func(from scrub.Progress, until func(*scrub.Scrubber) bool) *scrub.Scrubber {
		s, err := scrub.New(cfg, from)
		must(t, err)
		c.stop = func() bool { return until(s) }
		s.RunWith(c.now, c.wait)
		return s
	}
	s := run(scrub.Progress{}, func(s *scrub.Scrubber) bool { return len(kept) > 2 })
	if len(kept) < 3 || kept[0] != (scrub.Progress{Begun: begin}) || kept[1].Last != "log/00000001.log" || !kept[1].Begun.Equal(begin.Add(time.Hour)) {
		t.Fatalf("kept: %+v", kept)
	}
	if len(found) == 0 || s.Stats().Places != uint64(len(found)) || s.Stats().Rounds != 0 {
		t.Errorf("found %v, stats %+v", found, s.Stats())
	}
	asked, found = nil, nil
	from := kept[len(kept)-1]
	before := c.at
	s = run(from, func(s *scrub.Scrubber) bool { return s.Stats().Rounds == 3 })
	if i := slices.Index(paths, asked[0]); s.Stats().Rounds != 3 || i != 2 {
		t.Errorf("it went on with %s, after %s: %+v", asked[0], from.Last, s.Stats())
	}
	if len(found) != 2 || found[0].Path != paths[2] || found[1].Path != paths[0] {
		t.Errorf("in three rounds more it found %v", found)
	}
	took, bytes := c.at.Sub(before), int64(s.Stats().Bytes)
	if least := time.Duration(bytes/(100<<10)-2) * time.Second; bytes < size || took < least || took < 2*time.Hour || c.at.After(begin.Add(5*time.Hour)) {
		t.Errorf("it read %d bytes of a store of %d in %s", bytes, size, took)
	}
	if last := kept[len(kept)-1]; last.Last != "" || slices.ContainsFunc(kept, func(p scrub.Progress) bool { return strings.HasSuffix(written, "/"+p.Last) && p.Last != "" }) {
		t.Errorf("kept in the end: %+v; a file that is being written was verified", last)
	}
}

// TestAClockThatWasSetBack: a round that began in the future puts the next off by no more
// than usual.
func TestAClockThatWasSetBack(t *testing.T) {
	begin := time.Unix(1000, 0)
	c := &clock{at: begin}
	s, err := scrub.New(scrub.Config{FS: filled(t), Dir: dir, Every: time.Hour, Writing: func(string) bool { return false },
		Found: func(f scrub.Finding) { t.Error(f) }, Keep: func(scrub.Progress) {}}, scrub.Progress{Begun: begin.Add(1000 * time.Hour)})
	must(t, err)
	c.stop = func() bool { return s.Stats().Rounds == 1 }
	s.RunWith(c.now, c.wait)
	if s.Stats().Rounds != 1 || c.at.After(begin.Add(2*time.Hour)) {
		t.Errorf("%d rounds have ended after %s", s.Stats().Rounds, c.at.Sub(begin))
	}
}

// TestRunStops: Run ends when it is told to, in the middle of a file, too.
func TestRunStops(t *testing.T) {
	fs, stop, reads := filled(t), make(chan struct{}), make(chan struct{})
	s, err := scrub.New(scrub.Config{FS: fs, Dir: dir, Every: time.Hour, Rate: 1, Writing: func(string) bool { close(reads); return false },
		Found: func(f scrub.Finding) { t.Error(f) }, Keep: func(scrub.Progress) {}}, scrub.Progress{Begun: time.Now(), Last: "a"})
	must(t, err)
	done := make(chan struct{})
	go func() { defer close(done); s.Run(stop) }()
	<-reads
	close(stop)
	<-done
	if _, err := scrub.New(scrub.Config{FS: fs, Dir: dir}, scrub.Progress{}); err == nil {
		t.Error("a scrubber without a period is taken")
	}
}
