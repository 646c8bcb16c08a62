package stability

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/member"
	"kvd/replica/stable"
	"kvd/storage"
	"kvd/storage/log"
)

// History is how much of the log is kept that every leader has.
type History = stable.History

// DefaultHistory is the history of a leader that was told of none.
func DefaultHistory() History { return stable.DefaultHistory() }

// Config is what a collector is told once.
type Config struct {
	Leader  string // its name
	Store   *storage.Store
	History History
	Loop    *host.Loop // when it has ended, nothing is removed any more
	Clock   host.Clock
	Logger  *slog.Logger

	Roster    func() member.View // everybody who was ever met and is not forgotten
	Forgotten func(name string) bool
}

// Stats is how large the log is and what keeps it so.
type Stats struct {
	Bytes       int64            // of the log
	Collectable int64            // outside of history and known everywhere: it is about to go
	Removed     logical.Frontier // what is gone: history begins behind it
	Stable      logical.Frontier
	Pins        map[string]int64 // by member: bytes of log that would go if it held all
	// Outpaced is the members that need ops which are gone: this log cannot bring them up
	// to date.
	Outpaced map[string]bool

	closing stable.Closing
}

// Status is the stats as a leader shows them.
func (s *Stats) Status() console.Log {
	var none logical.Frontier
	return console.Log{Bytes: s.Bytes, CollectableBytes: s.Collectable, RemovedOps: s.Removed.Beyond(none), StableOps: s.Stable.Beyond(none)}
}

// Collector removes from the log what is stable and outside of history.
type Collector struct {
	cfg     Config
	tracker stable.Tracker
	told    map[string]bool // members of which it was said what is wrong
	stats   atomic.Pointer[Stats]
	deleted deleted
}

// New is a collector that has looked once. Whoever made it calls Run.
func New(cfg Config) *Collector {
	c := &Collector{cfg: cfg, told: map[string]bool{}}
	c.look(time.Now())
	c.deleted.collector = c
	return c
}

// Stats is as of the last look. Nobody changes it; a collector that is nil has none.
func (c *Collector) Stats() *Stats {
	if c == nil {
		return &Stats{}
	}
	return c.stats.Load()
}

// every is how long it is between two looks.
const every = time.Second

// Run looks and removes until the loop ends.
func (c *Collector) Run() {
	var dropping sync.WaitGroup
	defer dropping.Wait()
	dropping.Go(c.deleted.run)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-c.cfg.Loop.Done():
			return
		case <-tick.C:
		}
		keep := c.look(time.Now())
		if !c.cfg.History.Bounded() || c.cfg.Store.Disk().Err() != nil {
			continue
		}
		if n, err := c.cfg.Store.Collect(keep); err != nil {
			c.cfg.Logger.Warn("what is known everywhere stays in the log for now", "leader", c.cfg.Leader, "why", err.Error())
		} else if n > 0 {
			c.cfg.Logger.Debug("removed from the log what is known everywhere", "leader", c.cfg.Leader, "bytes", n)
			c.look(time.Now())
		}
	}
}

// look finds out what is stable, and what must stay.
func (c *Collector) look(now time.Time) log.Kept {
	v, l := c.cfg.view(), c.cfg.Store.Log()
	stableNow := c.tracker.Observe(v)
	keep := c.cfg.History.Kept(stableNow, now)
	if capped := c.cfg.History.Beyond(v.Durable); c.cfg.History.Pinned > 0 && l.Excess(capped) > l.Excess(keep) {
		keep = capped
	}
	s := &Stats{Bytes: l.Size(), Removed: l.Removed(), Stable: stableNow, Pins: map[string]int64{}, Outpaced: map[string]bool{}}
	s.closing = stable.Closing{Outside: stableNow.Meet(s.Removed), Floor: v.Promised(), Lamport: c.cfg.Loop.Status().State.Lamport}
	if c.cfg.History.Bounded() {
		s.Collectable = l.Excess(keep)
	}
	all := l.Excess(c.cfg.History.Kept(v.Durable, now))
	said := map[string]bool{}
	for _, m := range v.Members {
		if n := all - l.Excess(c.cfg.History.Kept(v.Durable.Meet(m.Durable), now)); n > 0 {
			s.Pins[m.Name] = n
		}
		if m.Heard && !m.Known.Includes(s.Removed) {
			s.Outpaced[m.Name] = true
		}
		if why := s.trouble(&m); why != "" {
			said[m.Name] = true
			if !c.told[m.Name] {
				c.cfg.Logger.Warn(why, "leader", c.cfg.Leader, "other", m.Name, "bytes", s.Pins[m.Name], "next", "kv status says what to do")
			}
		}
	}
	c.told = said
	c.stats.Store(s)
	return keep
}

// trouble is what is wrong with a member that does not pass by itself; empty: nothing.
func (s *Stats) trouble(m *stable.Member) string {
	switch {
	case s.Outpaced[m.Name]:
		return "another leader needs ops that the log does not keep any more"
	case !m.Reached && s.Pins[m.Name] > 0:
		return "a leader that cannot be reached keeps the log from being removed"
	}
	return ""
}
