package world

import (
	"time"

	"kvd/replica/stable"
)

// lookEvery is how often a leader finds out what of its log every leader has, as real ones
// do.
const lookEvery = time.Second

// Segments of the log are removed as a whole. Those of scenarios are small, as their stories
// are.
const (
	minSegment = 512
	segments   = 8 // of one history
)

// segmentBytes is the size of the log's segments; zero: the store's own.
func (w *World) segmentBytes() int64 {
	if !w.script.Settings.History.Set {
		return 0
	}
	return max(minSegment, int64(w.script.Settings.History.Value)/segments)
}

// shorten removes from the leader's log what every leader holds and what is outside of
// history, when it is time to look.
func (l *leader) shorten() error {
	h := l.w.script.Settings.History
	if !h.Set || l.pump == nil || l.w.now < l.looked+lookEvery {
		return nil
	}
	l.looked = l.w.now
	history, view := stable.History{Bytes: int64(h.Value), Pinned: int64(l.w.script.Settings.Pinned.Value)}, l.view()
	keep := history.Kept(l.stable.Observe(view), l.w.instant().Time())
	if capped := history.Beyond(view.Durable); history.Pinned > 0 && l.store.Log().Excess(capped) > l.store.Log().Excess(keep) {
		keep = capped
	}
	_, err := l.store.Collect(keep)
	return err
}

// view is what the leader knows of everybody who is not forgotten. All leaders of the scenario
// were met.
func (l *leader) view() stable.View {
	v := stable.View{Applied: l.pump.State().Frontier, Durable: l.pump.Durable()}
	l.w.peers = l.pump.Peers(l.w.peers[:0])
	for i := range l.w.peers {
		p := &l.w.peers[i]
		if l.w.forgotten[string(p.Peer)] || l.w.cfg.Outside != nil && l.w.cfg.Outside(string(p.Peer)) {
			continue
		}
		v.Members = append(v.Members, stable.Member{Name: string(p.Peer), Heard: p.Origin != 0, Known: p.Known, Durable: p.Durable})
	}
	return v
}
