// Package storagetest is a leader over a store, for tests of what is done with stores:
// their ops, objects, ledger rows and states are real ones.
package storagetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// Leader accepts writes and stores them, one batch each. It belongs to one goroutine; its
// store may be read by others.
type Leader struct {
	Store *storage.Store
	t     testing.TB
	pump  *host.Pump
	now   time.Duration
}

// Options are of a store in dir with small tables.
func Options(fs vfs.FS, dir string) storage.Options {
	return storage.Options{FS: fs, Dir: dir, Cache: 1 << 20, MemTable: 256 << 10, WriteBehind: 16 << 10}
}

// Open opens a leader that accepts under an origin that has accepted nothing yet. It is
// closed at the end of the test, if it is not before.
func Open(t testing.TB, o storage.Options, origin logical.Origin) *Leader {
	t.Helper()
	s, err := storage.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	cfg := replica.Defaults()
	cfg.Name, cfg.Policy = "n1", resolve.Policy{Default: resolve.Siblings, Shadows: resolve.All}
	p, err := host.OpenWith(cfg, s, origin, host.Options{CacheBytes: 1 << 20, Ledger: losses.DefaultRetention()})
	if err != nil {
		t.Fatal(err)
	}
	l := &Leader{Store: s, t: t, pump: p}
	t.Cleanup(l.Close)
	return l
}

// Set writes a key, over whatever it shows.
func (l *Leader) Set(key, value string) {
	l.do(replica.Request{Verb: replica.Set, Key: key, Value: []byte(value)})
}

// SetBeside writes a key as somebody who was shown nothing of it.
func (l *Leader) SetBeside(key, value string) {
	l.do(replica.Request{Verb: replica.Set, Key: key, Value: []byte(value), Exact: true})
}

// Remove deletes a key.
func (l *Leader) Remove(key string) { l.do(replica.Request{Verb: replica.Remove, Key: key}) }

// SetMany writes n keys, of about so many bytes each.
func (l *Leader) SetMany(prefix string, n, bytes int) {
	l.t.Helper()
	for i := range n {
		l.Set(fmt.Sprintf("%s%05d", prefix, i), fmt.Sprintf("%0*d", bytes, i*i))
	}
}

func (l *Leader) do(q replica.Request) {
	l.t.Helper()
	l.now += time.Millisecond
	const epoch = wallclock.Instant(1_767_225_642_000_000_000)
	at := wallclock.Moment{Mono: wallclock.Mono(l.now), Wall: wallclock.Around(epoch.Add(l.now), time.Millisecond)}
	if err := l.pump.Step(at, &q); err != nil {
		l.t.Fatal(err)
	}
	if err := l.pump.Commit(); err != nil {
		l.t.Fatal(err)
	}
	for _, r := range l.pump.Release().Replies {
		if r.Err != nil {
			l.t.Fatal(r.Err)
		}
	}
}

// Close stops the leader in order.
func (l *Leader) Close() {
	l.t.Helper()
	if l.pump == nil {
		return
	}
	if err := l.pump.Close(); err != nil {
		l.t.Error(err)
	}
	if err := l.Store.Close(); err != nil {
		l.t.Error(err)
	}
	l.pump = nil
}

// Contents is every object of the store in dir, as text, by key. Dir stays as it is.
func Contents(t testing.TB, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	s, err := storage.Open(storage.Options{FS: fs, Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	if err := s.Objects(func(o *resolve.Object) bool {
		all[o.Key] = fmt.Sprintf("%+v", o.Versions)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return all
}

// Flip changes a bit of a file, or back again.
func Flip(t testing.TB, fs vfs.FS, path string, at int64) {
	t.Helper()
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err = f.ReadAt(b[:], at); err == nil {
		b[0] ^= 4
		_, err = f.WriteAt(b[:], at)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
