package world

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/stable"
	"kvd/scenarios/script"
	"kvd/storage"
	"kvd/storage/faulty"
	"kvd/wallclock"
)

// leader is one node: the real pump on a made-up disk, clock and network.
type leader struct {
	w     *World
	name  string
	disk  *disk
	store *storage.Store
	waits *rand.Rand // draws how many bytes of objects each store lets wait
	pump  *host.Pump // nil: the process does not run
	clock wallclock.Skewed

	inbox     []replica.Input
	due       bool           // a cycle is on the agenda
	paused    time.Duration  // true time until which the process stands still
	wake      time.Duration  // when a tick is on the agenda
	heartbeat time.Duration  // of its settings
	halted    error          // why its disk takes nothing; nil: it does
	because   faulty.Fault   // of the disk, when it halted
	salvaged  *host.Recovery // what was read of a damaged store and waits; nil: nothing
	rebuilds  int            // of its store
	putAside  int            // stores that others' states took the place of
	lacked    bool           // when it last looked, it lacked what no log in reach begins with
	stable    stable.Tracker // of what everybody holds, since the last start
	looked    time.Duration  // when the log was last looked at
	redlocks  map[string]redlock
	starts    int              // agenda items from before the last start are void
	origins   []logical.Origin // one for each start
}

// start begins a new incarnation on the disk the leader has.
func (l *leader) start() error {
	o := l.disk.options()
	o.WriteBehind = behinds[l.waits.IntN(len(behinds))]
	if o.SegmentBytes = l.w.segmentBytes(); o.SegmentBytes > 0 {
		o.WriteBehind = 0 // how much of the log can go must not depend on when a goroutine writes
	}
	if l.w.cfg.Store != nil {
		l.w.cfg.Store(&o)
	}
	store, rebuilt, err := l.openStore(o)
	if err != nil {
		return fmt.Errorf("start %s: %w", l.name, err)
	}
	origin := logical.Origin(l.w.origins.Uint64() | 1)
	cfg := l.w.config(l.name)
	pump, err := host.OpenWith(cfg, store, origin,
		host.Options{Tamper: l.w.cfg.Tamper, CacheBytes: host.DefaultCacheBytes, Ledger: l.w.cfg.Ledger})
	if err != nil {
		store.Close()
		return fmt.Errorf("start %s: %w", l.name, err)
	}
	l.store, l.pump, l.wake, l.heartbeat, l.stable = store, pump, 0, cfg.Heartbeat, stable.Tracker{}
	l.starts++
	l.origins = append(l.origins, origin)
	if rebuilt {
		l.w.History.DiskLost(l.w.now, l.name)
	}
	if err := l.reapply(); err != nil {
		return fmt.Errorf("start %s: %w", l.name, err)
	}
	l.w.rescan(l)
	for _, n := range l.w.names {
		if n != l.name {
			l.receive(replica.PeerUp{Peer: replica.Leader(n)})
		}
	}
	return nil
}

// receive queues an input and sees to it that a cycle runs at this instant, so
// that what arrives together shares one commit.
func (l *leader) receive(in replica.Input) {
	if l.pump != nil && l.halted != nil {
		if q, ok := in.(*replica.Request); ok {
			l.answer(q)
		}
		return
	}
	if q, ok := in.(*replica.Request); ok && l.pump != nil {
		if r := l.tooWide(q); r != nil {
			starts := l.starts
			l.w.at(l.paused, func() {
				if starts == l.starts {
					l.w.reply(l, r)
				}
			})
			return
		}
	}
	_, message := in.(replica.Received)
	if full := len(l.inbox) >= maxUnread && l.paused > l.w.now; l.pump == nil || message && full {
		return
	}
	l.inbox = append(l.inbox, in)
	l.arrange()
}

// maxUnread bounds what the other leaders' messages take that a process has not
// read, as a socket's buffer does: what arrives beyond it is lost. Requests of
// clients are as few as clients.
const maxUnread = 1024

// arrange puts a cycle on the agenda: now, or when the pause ends. Nothing is known
// of what it brings.
func (l *leader) arrange() {
	if l.due || l.pump == nil {
		return
	}
	l.due = true
	starts := l.starts
	l.w.at(l.paused, func() {
		if starts == l.starts && l.pump != nil {
			l.due = false
			l.cycle()
		}
	})
}

// moment is what both of the leader's clocks show.
func (l *leader) moment() wallclock.Moment {
	now := l.w.instant()
	return wallclock.Moment{Mono: wallclock.Mono(l.w.now + time.Hour), Wall: l.clock.Read(now)}
}

func (l *leader) cycle() {
	if l.paused > l.w.now {
		l.arrange()
		return
	}
	in := l.inbox
	l.inbox = nil
	err := l.pump.Step(l.moment(), in...)
	if err == nil {
		err = l.pump.Commit()
	}
	switch {
	case err == nil:
	case l.disk.faults.Fault() != faulty.None:
		l.halt(err)
		return
	default:
		l.w.fail(fmt.Errorf("%s: step and commit: %w", l.name, err))
		return
	}
	l.release(l.pump.Release())
	if err := errors.Join(l.shorten(), l.catchUp(), l.feed()); err != nil {
		l.w.fail(fmt.Errorf("%s: after a cycle: %w", l.name, err))
	}
}

func (l *leader) release(out *replica.Output) {
	for _, e := range out.Events {
		l.w.event(l, e, out.Replies)
	}
	for i := range out.Replies {
		l.w.reply(l, &out.Replies[i])
	}
	for _, s := range out.Sends {
		l.w.send(l, s)
	}
	l.schedule(out.Wake)
}

// schedule puts the next tick on the agenda, unless an earlier one is.
func (l *leader) schedule(wake wallclock.Mono) {
	if wake == 0 || l.pump == nil {
		return
	}
	at := time.Duration(wake) - time.Hour
	if l.wake > l.w.now && l.wake <= at {
		return
	}
	l.tickAt(max(at, l.w.now))
}

// tickAt puts a tick on the agenda. While the cluster is idle there is none.
func (l *leader) tickAt(due time.Duration) {
	l.wake = due
	starts := l.starts
	l.w.routinely(due, func() {
		if starts != l.starts || l.wake != due {
			return
		}
		l.wake = 0
		switch until := l.w.idle(); {
		case until < due+l.heartbeat:
			l.receive(replica.Tick{})
		case until < never:
			l.tickAt(due + (until-due)/l.heartbeat*l.heartbeat)
		}
	})
}

// crash stops the process. What arrived at this very instant has been written
// and not synced: the crash falls between persisting and acknowledging.
func (l *leader) crash(c script.Crash) {
	if l.pump == nil {
		return
	}
	l.w.Fired.crash(c.Unsynced)
	fate := l.disk.fate(c.Unsynced)
	if len(l.inbox) > 0 && l.paused <= l.w.now {
		l.w.Fired["crash between writing and syncing"]++
		l.disk.lazy.Store(true)
		if err := errors.Join(l.pump.Step(l.moment(), l.inbox...), l.pump.Commit()); err != nil {
			l.w.fail(fmt.Errorf("%s: crash while writing: %w", l.name, err))
			return
		}
	}
	after, err := l.disk.copy(fate)
	if err != nil {
		l.w.fail(fmt.Errorf("crash %s: %w", l.name, err))
		return
	}
	l.kill()
	l.disk = after
}

// kill ends the process and forgets all that was not on disk.
func (l *leader) kill() {
	if l.pump == nil {
		return
	}
	l.pump = nil
	l.inbox, l.due, l.paused, l.halted, l.salvaged, l.redlocks = nil, false, 0, nil, nil, nil
	l.starts++
	l.store.Close()
	l.store = nil
	l.w.disconnect(l.name)
}
