package world

import (
	"math"
	"time"

	"kvd/replica"
)

// A cluster that has nothing left to do goes on sending heartbeats, and a month of
// them takes longer to simulate than anything that happens in it. So while nothing
// can change, leaders are not woken: their ticks are put off by whole heartbeats to
// shortly before the next thing that can bring news, as if those in between had been
// simulated. What is put off decides nothing: every message would have said what its
// receiver knows, or would have been dropped.

const (
	never = time.Duration(math.MaxInt64)
	// calm is how long nothing must have happened before a cluster counts as idle
	// in which every message that can arrive has arrived.
	calm = time.Second / 2
	// stale is the same where something is still missing that a link without loss
	// carries in one direction only: longer than leaders wait before they try
	// everything that they can try again.
	stale = time.Minute
	// early is how long before news leaders are awake again.
	early = time.Second / 2
)

// idle is until when nothing happens that is worth being awake for: zero if the
// cluster is busy, never if nothing is left to come.
func (w *World) idle() time.Duration {
	if w.cfg.Awake || w.script.Settings.ComparesClocks() || w.now-w.lastNews < calm || !w.quiet() {
		return 0
	}
	if len(w.news) == 0 {
		return never
	}
	return w.news[0].at - early
}

// noteNews notes that something happened that leaders may have to tell each other.
func (w *World) noteNews() { w.lastNews = w.now }

// quiet reports whether no leader waits for anything that could still come.
func (w *World) quiet() bool {
	for _, n := range w.names {
		a := w.leaders[n]
		if !a.awake() {
			continue
		}
		if a.pump.Load().WaitingReqs > 0 {
			return false
		}
		w.peers = a.pump.Peers(w.peers[:0])
		for i := range w.peers {
			v := &w.peers[i]
			if b := w.leaders[string(v.Peer)]; b.awake() && !w.caughtUp(a, b, v) {
				return false
			}
		}
	}
	return true
}

// caughtUp reports whether b has all that a can still send it, and a knows it if it can
// be told.
func (w *World) caughtUp(a, b *leader, v *replica.PeerView) bool {
	there, back := w.link(path{a.name, b.name}), w.link(path{b.name, a.name})
	switch {
	case there.dead():
		return true
	case !back.dead():
		return v.Behind == 0 && v.Origin != 0
	}
	return b.pump.State().Frontier.Includes(a.pump.State().Frontier) || there.Loss == 0 && w.now-w.lastNews >= stale
}

// awake reports whether the leader's process runs and does not stand still, nor is without
// a disk.
func (l *leader) awake() bool { return l.pump != nil && l.halted == nil && l.paused <= l.w.now }

// dead reports whether nothing gets through the link.
func (l *link) dead() bool { return l.cut || l.Loss.Fraction() >= 1 }
