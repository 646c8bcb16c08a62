package world

import (
	"errors"
	"fmt"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/scenarios/world/internal/medium"
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
	if err := medium.Rot(fs, fs.PathJoin(dataDir, beneath.LogDir)); err != nil {
		return fmt.Errorf("rot %s: %w", leader, err)
	}
	return nil
}
