package node

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/member"
	"kvd/replica/node/internal/folding"
	"kvd/replica/node/internal/joining"
	"kvd/replica/node/internal/known"
	"kvd/replica/node/internal/monitor"
	"kvd/replica/node/internal/recovery"
	"kvd/replica/node/internal/stability"
	"kvd/replica/node/internal/transfer"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/backup"
	"kvd/storage/offline"
)

// writeBehind is the bytes of objects after which they are put into the database; see
// memory.Plan.
func (s *StorageConfig) writeBehind() int64 {
	p := Memory{MemTable: int64(cmp.Or(s.MemTable, storage.DefaultMemTable))}
	return p.WriteBehind()
}

func (l *Leader) openStore(context.Context) (err error) {
	if l.onDisk() && backup.Restoring(l.cfg.Dir) {
		return offline.ErrRestoring(l.cfg.Dir)
	}
	if l.onDisk() {
		if _, err := transfer.Install(l.cfg.Dir, l.cfg.Name, l.cfg.Logger); err != nil {
			return err
		}
	}
	s := l.cfg.Storage
	l.disk, err = recovery.Open(recovery.Config{
		Name: l.cfg.Name, Dir: l.cfg.Dir, Logger: l.cfg.Logger, Alone: l.neverJoined, Members: l.knownNames, Serve: l.cfg.ServeDamaged, Over: l.faultyFiles(),
		Options: storage.Options{FS: l.cfg.FS, Sync: s.Sync, Interval: s.Interval, Cache: cmp.Or(s.Blocks, s.Cache), MemTable: s.MemTable, WriteBehind: s.writeBehind(), SegmentBytes: s.History.SegmentBytes()},
	})
	l.store = l.disk.Store()
	return err
}

// foldAgain brings the store under the policy, before the pump that cfg describes is opened.
func (l *Leader) foldAgain(ctx context.Context, cfg replica.Config, statuses uint64) error {
	set, err := folding.KeepNumbers(l.store, l.cfg.Policy, l.clock, func(under resolve.Policy) (_ *host.Pump, err error) {
		cfg.Policy = under
		if l.pump, err = l.openPump(cfg); err == nil {
			err = l.beginIdentity(statuses)
		}
		return l.pump, err
	})
	if set > 0 {
		l.cfg.Logger.Info("has set counters to their numbers, since they shall be registers", "leader", l.cfg.Name, "counters", set)
	}
	if err != nil {
		return err
	}
	o, clients := l.objects(), l.respConfig()
	clients.Loading = l.blockers.Loading
	l.folded, err = folding.Run(ctx, folding.Config{
		Leader: l.cfg.Name, Store: l.store, Policy: &l.cfg.Policy, Objects: o.Refold(), Logger: l.cfg.Logger, Block: l.blockers.Block, Reasons: l.blockers.Reasons,
		Clients: l.listeners.resp, People: l.listeners.http, RESP: clients, Metrics: l.metrics, Began: l.began,
		Console: console.Config{TLS: l.cfg.TLS.Server(), Logger: l.cfg.Logger, Login: l.cfg.loginConsole()},
	})
	return err
}

// faultyFiles is this machine's files with the faults that are planted in them; nil: none can
// be, or the store is not on this machine's files.
func (l *Leader) faultyFiles() vfs.FS {
	if !l.cfg.UnsafeFaults || !l.onDisk() {
		return nil
	}
	return l.diskFaults.Over(vfs.Default)
}

// collect begins to remove from the log what is known everywhere.
func (l *Leader) collect() {
	history := l.cfg.Storage.History
	if !l.onDisk() { // nobody in memory gets a state
		history.Pinned = 0
	}
	l.collector = stability.New(stability.Config{
		Leader: l.cfg.Name, Store: l.store, History: history, Loop: l.loop, Clock: l.clock, Roster: l.roster, Forgotten: l.forgotten.Has, Logger: l.cfg.Logger,
	})
	l.serving.Go(l.collector.Run)
}

// watchDisk watches the disk beneath the store from now on.
func (l *Leader) watchDisk() *monitor.Monitor {
	return monitor.New(monitor.Config{
		Limits: l.cfg.Storage.Limits, Name: l.cfg.Name, Dir: l.disk.StoreDir(), Side: l.sideDir(), FS: cmp.Or(l.cfg.FS, l.faultyFiles()), Store: l.store, Logger: l.cfg.Logger,
		Refuse: l.loop.RefuseWrites, Allow: l.loop.AllowWrites, Credit: l.outbox.Credit, Failed: l.loop.Err,
		Reopen: func() {
			if l.cfg.Renewable {
				l.fail(ErrReopen)
			}
		},
	})
}

// ErrReopen is given by Broken when the disk had been full, and has room again: whoever
// runs the leader stops it and starts it again.
var ErrReopen = errors.New("the disk was full and has room again; the store is opened again")

func (l *Leader) neverJoined() bool {
	members, err := known.ReadMembers(l.cfg.Dir)
	return err == nil && len(members) == 0 && len(l.cfg.Join) == 0
}

func (l *Leader) knownNames() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.known))
}

// beginsEmpty reports whether the leader has no data, or not yet all that its
// cluster had when it began without.
func (l *Leader) beginsEmpty() (bool, error) {
	st, _, err := l.store.State()
	if err != nil {
		return false, err
	}
	return joining.BeginsEmpty(l.sideDir(), st.Frontier)
}

// sideDir is the directory for what is remembered beside the store; empty: none, since
// nothing outlives the process.
func (c *Config) sideDir() string {
	if c.FS != nil {
		return ""
	}
	return c.Dir
}

func (l *Leader) sideDir() string { return l.cfg.sideDir() }

// join makes a leader that began without data wait until it has what others had.
func (l *Leader) join() {
	n := joining.New(joining.Config{
		Name: l.cfg.Name, Dir: l.sideDir(), Serve: l.cfg.ServeWhileJoining, Logger: l.cfg.Logger,
		Members: func() member.View { return l.withoutForgotten(l.members.View()) }, Loop: l.loop, Block: l.blockers.Block,
	})
	l.newcomer.Store(n)
	l.serving.Go(func() {
		if n.Run() {
			l.newcomer.Store(nil)
		}
	})
}

func (l *Leader) nameOf(o logical.Origin) string { return l.origins.Leader(o) }

// nameOwn learns our own origins, which the store remembers.
func (l *Leader) nameOwn() error {
	origins, err := l.store.Incarnations()
	for _, o := range append(origins, l.origin) {
		l.origins.Learn(o, l.cfg.Name)
	}
	return err
}

// keepNames writes them beside the members. Nothing but answers to people needs them.
func (l *Leader) keepNames() {
	if err := l.origins.Write(l.sideDir()); err != nil {
		l.cfg.Logger.Warn("names are not remembered", "leader", l.cfg.Name, "why", err.Error())
	}
}
