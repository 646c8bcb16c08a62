package monitor

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica"
	"kvd/replica/console"
	"kvd/storage"
	"kvd/storage/scrub"
)

// Limits is what is chosen from outside. The zero Limits watch nothing.
type Limits struct {
	MinFree    int64         // bytes that are kept free; 0: none, Auto: what suits the disk
	SlowAfter  time.Duration // a write or sync that takes as long is slow; 0: none is
	ScrubEvery time.Duration // from the beginning of one scrubbing to that of the next; 0: never
	ScrubRate  int64         // bytes that are scrubbed in a second at most; 0: no bound
}

// DefaultLimits is what suits most leaders.
func DefaultLimits() Limits {
	return Limits{MinFree: Auto, SlowAfter: 2 * time.Second, ScrubEvery: 24 * time.Hour, ScrubRate: 8 << 20}
}

// Validate says what cannot be.
func (l *Limits) Validate() error {
	if l.MinFree < Auto || l.SlowAfter < 0 || l.ScrubEvery < 0 || l.ScrubRate < 0 {
		return fmt.Errorf("%d bytes that are kept free, slow after %s, scrubbed every %s at %d bytes a second: none can be below zero", l.MinFree, l.SlowAfter, l.ScrubEvery, l.ScrubRate)
	}
	return nil
}

// Config is what a monitor is told once.
type Config struct {
	Limits
	Name   string // the leader's
	Dir    string // of the store
	Side   string // where the scrubber's progress is remembered; empty: nowhere
	FS     vfs.FS // nil: this machine's
	Store  *storage.Store
	Logger *slog.Logger

	Refuse func(replica.Refusal)
	Allow  func(replica.Cause)
	Credit func(replica.Credit)
	// Failed is why the store commits nothing any more; nil: it does.
	Failed func() error
	// Reopen is called, once, when the store had failed for want of room and there is room.
	Reopen func()
}

// Monitor watches one disk.
type Monitor struct {
	cfg      Config
	scrubber *scrub.Scrubber // nil: nothing is scrubbed

	mu       sync.Mutex
	room     room
	slow     bool
	reopened bool
	owed     map[replica.Leader]int // bytes of ops that were not taken
}

// New looks at the disk once, so that a leader without room refuses writes from the start.
func New(cfg Config) *Monitor {
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	m := &Monitor{cfg: cfg, owed: map[replica.Leader]int{}}
	m.scrubber = m.newScrubber()
	m.look()
	return m
}

// lookEvery is how often the disk is looked at. What is written meanwhile is less than what
// is kept free, and asking takes microseconds.
const lookEvery = 50 * time.Millisecond

// Run watches until stop is closed.
func (m *Monitor) Run(stop <-chan struct{}) {
	var scrubbing sync.WaitGroup
	defer scrubbing.Wait()
	if m.scrubber != nil {
		scrubbing.Go(func() { m.scrubber.Run(stop) })
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			m.look()
		}
	}
}

// look looks at the disk.
func (m *Monitor) look() {
	m.lookForRoom()
	m.lookAtCalls()
}

// lookAtCalls says once that the disk is slow, and once that it is not any more.
func (m *Monitor) lookAtCalls() {
	c := m.cfg.Store.Disk().Calls()
	slow := m.cfg.SlowAfter > 0 && c.Slowest >= m.cfg.SlowAfter
	m.mu.Lock()
	was := m.slow
	m.slow = slow
	m.mu.Unlock()
	switch {
	case slow && !was:
		m.cfg.Logger.Warn("the disk is slow", "leader", m.cfg.Name, "took", c.Slowest.String(), "slow-after", m.cfg.SlowAfter.String(),
			"next", "look at what else uses it; until it is faster every write takes as long, and clients are better sent elsewhere")
	case was && !slow:
		m.cfg.Logger.Info("the disk is not slow any more", "leader", m.cfg.Name)
	}
}

// SlowDisk is the cause of a leader that is not ready because its disk is slow.
const SlowDisk console.Cause = "slow-disk"

// Reasons is why clients are better sent elsewhere; what keeps writes from being taken is a
// refusal of the loop, and not among them.
func (m *Monitor) Reasons() []console.Reason {
	c := m.cfg.Store.Disk().Calls()
	if m.cfg.SlowAfter == 0 || c.Slowest < m.cfg.SlowAfter {
		return nil
	}
	says := fmt.Sprintf("the disk of %s is slow: a write or sync took %s", m.cfg.Name, c.Slowest.Round(time.Millisecond))
	if c.Age >= m.cfg.SlowAfter {
		says = fmt.Sprintf("the disk of %s is slow: a write or sync has not returned for %s", m.cfg.Name, c.Age.Round(time.Millisecond))
	}
	return []console.Reason{{Cause: SlowDisk, Detail: fmt.Sprintf("%s, and %s is slow; writes are acknowledged as slowly", says, m.cfg.SlowAfter)}}
}

// Status is what there is to say of the disk.
func (m *Monitor) Status() console.DiskStatus {
	c := m.cfg.Store.Disk().Calls()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := console.DiskStatus{
		MinFreeBytes: m.room.least(m.cfg.MinFree), TakesOps: !m.room.full,
		CallSeconds: c.Age.Seconds(), SlowestSeconds: c.Slowest.Seconds(), Slow: m.slow,
	}
	if m.scrubber != nil {
		n := m.scrubber.Stats()
		s.Scrub = console.ScrubStatus{Bytes: n.Bytes, Rounds: n.Rounds, Places: n.Places, File: n.File}
	}
	return s
}
