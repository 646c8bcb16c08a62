package disk

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// compactions lets the database compact, one compaction at a time, and only while the store
// is open and nothing has failed. Pebble's own scheduler begins while the database is being
// opened, as soon as an old write-ahead log was flushed: if the opening fails after that,
// pebble closes its tables under the compaction, which ends the process. After a fault a
// compaction can only fail, and pebble would repeat it at once.
type compactions struct {
	disk *FS
	db   pebble.DBForCompaction // set once, before anything else is called

	mu       sync.Mutex
	quiet    sync.Cond // signalled when granting ends
	running  bool
	granting bool // the database is being asked for what it wants to compact
	gone     bool // the database is being closed
}

var (
	_ pebble.CompactionScheduler   = (*compactions)(nil)
	_ pebble.CompactionGrantHandle = (*compactions)(nil)
)

func newCompactions(d *FS) *compactions {
	c := &compactions{disk: d}
	c.quiet.L = &c.mu
	return c
}

// Register says which database it is.
func (c *compactions) Register(_ int, db pebble.DBForCompaction) { c.db = db }

// Unregister ends when the database will not be called any more.
func (c *compactions) Unregister() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.gone = true; c.granting; {
		c.quiet.Wait()
	}
}

// opened lets what waits begin.
func (c *compactions) opened() {
	if c.db != nil {
		c.grant()
	}
}

// may reports whether a compaction may begin. mu is held.
func (c *compactions) may() bool {
	return !c.gone && !c.running && c.disk.opened.Load() && !c.disk.broken()
}

// TrySchedule is asked by the database, which then waits for a grant if it is refused.
func (c *compactions) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may() {
		return false, nil
	}
	c.running = true
	return true, c
}

// UpdateGetAllowedWithoutPermission changes nothing: it is always one.
func (c *compactions) UpdateGetAllowedWithoutPermission() {}

// Done is called when a compaction has ended.
func (c *compactions) Done() {
	c.mu.Lock()
	c.running = false
	c.mu.Unlock()
	c.grant()
}

// grant lets a compaction begin that waits for it. The database is not called under the
// lock, which it takes after its own.
func (c *compactions) grant() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.granting {
		c.quiet.Wait()
	}
	if !c.may() {
		return
	}
	c.granting, c.running = true, true
	c.mu.Unlock()
	waits, _ := c.db.GetWaitingCompaction()
	begun := waits && c.db.Schedule(c)
	c.mu.Lock()
	c.granting = false
	if !begun {
		c.running = false
	}
	c.quiet.Broadcast()
}

// Started, MeasureCPU and CumulativeStats tell of a compaction that goes on.
func (c *compactions) Started()                                          {}
func (c *compactions) MeasureCPU(pebble.CompactionGoroutineKind)         {}
func (c *compactions) CumulativeStats(pebble.CompactionGrantHandleStats) {}
