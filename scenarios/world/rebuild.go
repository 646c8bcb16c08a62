package world

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/storage"
	beneath "kvd/storage/disk"
)

const (
	dataDir  = "data"
	freshDir = "data.rebuilding"
)

// openStore opens the store that is on the leader's disk, and looks through all of its log. A
// damaged one is made anew from what can be read of it, as real leaders do.
func (l *leader) openStore(o storage.Options) (store *storage.Store, rebuilt bool, err error) {
	whole := func() bool { return true }
	if store, err = storage.Open(o); err == nil {
		if err = store.CheckWhole(whole); err == nil {
			return store, false, nil
		}
		err = errors.Join(err, store.Close())
	}
	if beneath.CauseOf(err) != beneath.Damaged {
		return nil, false, err
	}
	l.w.Fired["store made anew"]++
	if err := l.rebuild(o); err != nil {
		return nil, true, fmt.Errorf("make the store anew: %w", err)
	}
	store, err = storage.Open(o)
	return store, true, err
}

// rebuild puts a store of what can be read in the place of the damaged one, which is kept
// beside it.
func (l *leader) rebuild(o storage.Options) error {
	fresh := o
	fresh.Dir = freshDir
	to, err := storage.Open(fresh)
	if err != nil {
		return err
	}
	_, err = storage.Salvage(o.FS, dataDir, to)
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	l.rebuilds++
	if err := o.FS.Rename(dataDir, fmt.Sprintf("data.damaged-%d", l.rebuilds)); err != nil {
		return err
	}
	return o.FS.Rename(freshDir, dataDir)
}

// reapply applies what was salvaged, as far as nothing is missing that it depends on.
func (l *leader) reapply() (err error) {
	if l.salvaged, err = host.NewRecovery(l.store); err != nil || l.salvaged == nil {
		return err
	}
	if err := l.pump.Recover(l.salvaged, at(l.moment()), nil); err != nil {
		return err
	}
	return l.feed()
}

// feed queues what of the salvaged ops can be applied by now.
func (l *leader) feed() error {
	if l.salvaged == nil {
		return nil
	}
	ops, err := l.salvaged.Next(l.pump.State().Frontier)
	if err != nil {
		return err
	}
	if len(ops) > 0 {
		l.receive(replica.Recovered{Ops: ops})
		return nil
	}
	more, err := l.salvaged.Drop(l.pump.State().Frontier)
	if !more {
		l.salvaged = nil
	}
	return err
}

// rot flips a bit in the middle of what the leader's log has.
func (w *World) rot(leader string) error {
	fs := w.leaders[leader].disk.fs
	dir := fs.PathJoin(dataDir, beneath.LogDir)
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("rot %s: %w", leader, err)
	}
	slices.Sort(names)
	files, total := map[string][]byte{}, 0
	for _, name := range names {
		if !isLog(name) {
			continue
		}
		data, err := content(fs, fs.PathJoin(dir, name))
		if err != nil {
			return fmt.Errorf("rot %s: %w", leader, err)
		}
		files[name], total = data, total+written(data)
	}
	middle := total / 2
	for _, name := range names {
		data := files[name]
		n := written(data)
		if middle < n {
			data[middle] ^= 1
			return overwrite(fs, fs.PathJoin(dir, name), data)
		}
		middle -= n
	}
	return fmt.Errorf("rot %s: its log is empty", leader)
}

// written is how much of a file was: what was only reserved is zero.
func written(data []byte) int {
	for len(data) > 0 && data[len(data)-1] == 0 {
		data = data[:len(data)-1]
	}
	return len(data)
}

// overwrite puts data in the place of what a file holds, which stays the same file.
func overwrite(fs *vfs.MemFS, path string, data []byte) error {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
