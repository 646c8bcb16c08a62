package world

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/scenarios/trace"
	"kvd/storage"
	"kvd/storage/carryover"
	"kvd/storage/checkpoint"
)

// fetchedDir has the state of another leader until it takes the place of the store.
const fetchedDir = "data.fetched"

// refused reports whether two leaders refuse each other's links, since one of them is forgotten.
func (w *World) refused(a, b string) bool { return w.forgotten[a] || w.forgotten[b] }

// beginAnew puts the store aside of a leader that was forgotten and is back: while the others
// did not count on it they may have removed what it never saw, so its data is not merged with
// theirs. What it alone had is told, and is in none of them. It is known again from now on.
func (l *leader) beginAnew() error {
	if !l.w.forgotten[l.name] {
		return nil
	}
	delete(l.w.forgotten, l.name)
	alone, err := l.alone()
	if err != nil {
		return fmt.Errorf("begin %s anew: %w", l.name, err)
	}
	l.w.Trace.Add(trace.Event{At: l.w.now, Kind: trace.Fault, Text: fmt.Sprintf("%s begins anew, and puts %d writes aside that it alone has", l.name, alone)})
	l.w.Fired["forgotten and begun anew"]++
	l.w.History.DiskLost(l.w.now, l.name)
	return l.aside("forgotten")
}

// aside renames the store, which stays beside the new one.
func (l *leader) aside(as string) error {
	l.putAside++
	return l.disk.fs.Rename(dataDir, fmt.Sprintf("data.%s-%d", as, l.putAside))
}

// alone is how many writes of its store no leader has that runs.
func (l *leader) alone() (n uint64, err error) {
	store, err := storage.Open(l.readOnly(dataDir))
	if err != nil {
		return 0, err
	}
	st, _, err := store.State()
	var others logical.Frontier
	for _, name := range l.w.names {
		if o := l.w.leaders[name]; o.pump != nil {
			others = others.Join(o.pump.State().Frontier)
		}
	}
	return st.Frontier.Beyond(others), errors.Join(err, store.Close())
}

func (l *leader) readOnly(dir string) storage.Options {
	return storage.Options{FS: l.disk.fs, Dir: dir, Cache: 1 << 20, ReadOnly: true}
}

// catchUp gets the state of another leader, when this one lacks what no log in reach has any
// more, and has lacked it when it looked before. It looks when it looks at its log.
func (l *leader) catchUp() error {
	behind := l.w.script.Settings.Pinned.Set || l.putAside > 0 // nobody else can be
	if l.pump == nil || l.looked != l.w.now || !behind {
		return nil
	}
	from, before := l.ahead(), l.lacked
	if l.lacked = from != nil; !l.lacked || !before {
		return nil
	}
	l.lacked = false
	if err := l.install(from); err != nil {
		return fmt.Errorf("install the state of %s at %s: %w", from.name, l.name, err)
	}
	l.w.Fired["state fetched"]++
	l.w.Trace.Add(trace.Event{At: l.w.now, Kind: trace.Fault, Text: l.name + " begins again with the state of " + from.name})
	if err := l.start(); err != nil {
		return err
	}
	for last := range l.pump.State().Frontier.All() { // no log here tells of most of it
		for q := logical.Seq(1); q <= last.Seq; q++ {
			l.w.seen(l, logical.Dot{Origin: last.Origin, Seq: q})
		}
	}
	return nil
}

// ahead is who in reach has most, if it lacks an op that others have and nobody in reach has in
// its log; nil: it does not.
func (l *leader) ahead() (most *leader) {
	mine, kept, lacks := l.pump.State().Frontier, logical.Frontier{}, false
	var all logical.Frontier
	for _, o := range l.inReach() {
		theirs := o.pump.State().Frontier
		all = all.Join(theirs)
		if most == nil || theirs.Beyond(mine) > most.pump.State().Frontier.Beyond(mine) {
			most = o
		}
		for d := range theirs.All() {
			if next := mine.At(d.Origin) + 1; d.Seq >= next && o.store.Log().First(d.Origin) <= next {
				kept.Advance(logical.Dot{Origin: d.Origin, Seq: next})
			}
		}
	}
	for d := range all.All() {
		if next := mine.At(d.Origin) + 1; d.Seq >= next && kept.At(d.Origin) < next {
			lacks = true
		}
	}
	if !lacks {
		return nil
	}
	return most
}

// inReach is the leaders that a connection can be had to, by name.
func (l *leader) inReach() (all []*leader) {
	for _, name := range l.w.names {
		o := l.w.leaders[name]
		cut := l.w.link(path{l.name, name}).cut || l.w.link(path{name, l.name}).cut
		if o != l && o.pump != nil && o.halted == nil && o.paused <= l.w.now && !cut && !l.w.refused(l.name, name) {
			all = append(all, o)
		}
	}
	return all
}

// install puts the state of another leader in the place of the store, with what only this one
// has, as real leaders do. It leaves the leader stopped.
func (l *leader) install(from *leader) error {
	c, err := from.store.StateCheckpoint()
	if err != nil {
		return err
	}
	fs := l.disk.fs
	err = errors.Join(fs.RemoveAll(fetchedDir), fs.MkdirAll(fetchedDir, 0o755))
	for _, f := range c.Files {
		if err == nil {
			err = fetch(fs, c, f)
		}
	}
	if err = errors.Join(err, c.Remove()); err != nil {
		return err
	}
	l.kill()
	own, err := storage.Open(l.readOnly(dataDir))
	if err != nil {
		return err
	}
	o := l.readOnly(fetchedDir)
	o.ReadOnly = false
	to, err := storage.Open(o)
	if err == nil {
		_, err = carryover.Into(to, own, nil)
		err = errors.Join(err, to.Close())
	}
	if err = errors.Join(err, own.Close()); err != nil {
		return err
	}
	return errors.Join(l.aside("replaced"), fs.Rename(fetchedDir, dataDir))
}

// fetch copies a file of a checkpoint.
func fetch(to *vfs.MemFS, c *checkpoint.Checkpoint, f checkpoint.File) error {
	name := to.PathJoin(fetchedDir, f.Name)
	if err := to.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	out, err := to.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	for at, p := int64(0), make([]byte, 64<<10); at < f.Bytes && err == nil; {
		n := 0
		if n, err = c.Read(f, at, p); n > 0 {
			_, failed := out.Write(p[:n])
			at, err = at+int64(n), errors.Join(err, failed)
		}
	}
	return errors.Join(err, out.Sync(), out.Close())
}
