package monitor

import (
	"fmt"
	"maps"
	"slices"

	"kvd/replica"
	"kvd/storage/disk"
)

// DiskSpace is the cause of a leader that takes no writes because its disk is nearly full.
const DiskSpace replica.Cause = "disk-space"

// Auto lets a fiftieth of the disk be kept free, and maxAuto at most: a large disk is not to
// be left half empty, and on a small one there is little to be written.
const (
	Auto    = -1
	maxAuto = 256 << 20
	autoOf  = 50
)

// room is how much there is. Bytes of which the disk says nothing are zero.
type room struct {
	free, total uint64
	low, full   bool
}

// least is what is kept free of the disk.
func (r *room) least(limit int64) uint64 {
	if limit == Auto {
		return min(maxAuto, r.total/autoOf)
	}
	return uint64(limit)
}

// judge sorts what is free into levels. One that is reached is left when there is a quarter
// more than where it begins.
func (r *room) judge(least uint64) {
	if r.low {
		r.low = r.free < least+least/4
	} else {
		r.low = r.free < least
	}
	if half := least / 2; r.full {
		r.full = r.free < half+half/4
	} else {
		r.full = r.free < half
	}
}

// lookForRoom finds out how much there is, and says what follows when that changes.
func (m *Monitor) lookForRoom() {
	usage, err := m.cfg.FS.GetDiskUsage(m.cfg.Dir)
	if err != nil {
		return // it has no room that could end, or cannot be asked: then writing fails, too
	}
	m.mu.Lock()
	before := m.room
	m.room.free, m.room.total = usage.AvailBytes, usage.TotalBytes
	least := m.room.least(m.cfg.MinFree)
	m.room.judge(least)
	now, reopen := m.room, m.reopens()
	owed := m.owed
	if !now.full && len(owed) > 0 {
		m.owed = map[replica.Leader]int{}
	} else {
		owed = nil
	}
	m.mu.Unlock()
	switch {
	case now.low && !before.low:
		m.cfg.Refuse(replica.Refusal{Cause: DiskSpace, Detail: fmt.Sprintf(
			"the disk of %s has %s left, and --min-free keeps %s; make room there, and writes are taken again by themselves", m.cfg.Dir, mebibytes(now.free), mebibytes(least))})
	case before.low && !now.low:
		m.cfg.Allow(DiskSpace)
	}
	switch {
	case now.full && !before.full:
		m.cfg.Logger.Error("takes no ops of other leaders, because the disk is nearly full", "leader", m.cfg.Name, "free", mebibytes(now.free), "next", "make room; they keep what is missing here, and send it then")
	case before.full && !now.full:
		m.cfg.Logger.Info("takes ops of other leaders again", "leader", m.cfg.Name, "free", mebibytes(now.free))
	}
	for _, p := range slices.Sorted(maps.Keys(owed)) {
		m.cfg.Credit(replica.Credit{Peer: p, Bytes: owed[p]})
	}
	if reopen {
		m.cfg.Reopen()
	}
}

// reopens reports whether a store that has failed for want of room is to be opened again
// now. mu is held.
func (m *Monitor) reopens() bool {
	least := max(m.room.least(m.cfg.MinFree), m.room.least(Auto))
	if m.reopened || m.room.free < least+least/4 || disk.CauseOf(m.cfg.Failed()) != disk.Full {
		return false
	}
	m.reopened = true
	return true
}

// mebibytes is a number of bytes for people.
func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// Take reports whether ops of another leader may be applied. If not, they are to be dropped,
// and the credit for them is given back when there is room: until then their sender, which
// ships them again, sends no more than fits into a window.
func (m *Monitor) Take(from replica.Leader, b *replica.Batch) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.room.full {
		return true
	}
	for _, op := range b.Ops {
		m.owed[from] += op.Footprint()
	}
	return false
}

// Reconnected forgets what a peer is owed: another connection has a window of its own.
func (m *Monitor) Reconnected(p replica.Leader) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.owed, p)
}
