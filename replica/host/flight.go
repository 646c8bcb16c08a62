package host

import (
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica/host/internal/state"
)

// flight is the batches that are written and not released, oldest first. A goroutine of
// its own syncs them, one sync at a time.
type flight struct {
	staged  bool     // steps were taken that are not written
	mended  []func() // who is told when what is staged is durable
	written []batch
	syncing int           // how many of them a sync under way covers; zero: none is
	begin   chan struct{} // a sync
	done    chan synced   // one that has ended
	ended   sync.WaitGroup
}

// batch is what a leader is once the batch is durable, how long writing it took, and who
// waits for it.
type batch struct {
	status *Status
	took   time.Duration
	mended []func()
}

// synced is a sync that has ended.
type synced struct {
	took time.Duration
	err  error
}

// syncer syncs when it is asked to.
func (l *Loop) syncer() {
	for range l.flight.begin {
		began := time.Now()
		err := state.OnDisk(l.pump.committed.Store.SyncLog())
		l.flight.done <- synced{time.Since(began), err}
	}
}

// write ends the batch and has it synced. No sync is under way.
func (l *Loop) write() error {
	if err := l.tellUnderway(l.moment); err != nil {
		return err
	}
	began := time.Now()
	if err := l.pump.Write(); err != nil {
		return err
	}
	f := &l.flight
	f.staged = false
	now := l.statusNow()
	l.pace.Note(l.moment.Mono, logical.Dot{Origin: now.State.Origin, Seq: now.State.Frontier.At(now.State.Origin)}, now.Peers)
	f.written = append(f.written, batch{now, time.Since(began), f.mended})
	f.mended = nil
	if !l.pump.Unsynced() {
		l.release(len(f.written), 0)
		return nil
	}
	f.syncing = len(f.written)
	f.begin <- struct{}{}
	return nil
}

// landed releases what a sync has covered, and writes what was stepped meanwhile.
func (l *Loop) landed(s synced) error {
	n := l.flight.syncing
	l.flight.syncing = 0
	if s.err != nil {
		return s.err
	}
	l.release(n, s.took)
	if l.flight.staged {
		return l.write()
	}
	return nil
}
