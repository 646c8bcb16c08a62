package host

import (
	"slices"

	"kvd/replica"
	"kvd/replica/host/internal/state"
)

// Commit ships, stores everything staged together with the core's state, and
// returns once it is as durable as the store promises. A cycle that puts nothing
// touches no disk.
func (p *Pump) Commit() error {
	if err := p.Write(); err != nil {
		return err
	}
	if p.Unsynced() {
		p.fail(state.OnDisk(p.committed.Store.SyncLog()))
	}
	return p.commit()
}

// CommitUnsynced is Commit without the sync: the simulator's crash between
// writing and syncing. What it stores may be gone after a crash, so nothing may
// be released.
func (p *Pump) CommitUnsynced() error {
	if err := p.Write(); err != nil {
		return err
	}
	return p.commit()
}

// commit shows what was written, which is durable.
func (p *Pump) commit() error {
	for len(p.written) > 0 && p.err == nil {
		p.Publish()
	}
	p.stage = committed
	return p.err
}

// Write ships and hands everything staged to the store, together with the core's state.
// The next steps may be taken at once, over what it wrote; none of it is shown or may
// leave before Publish.
func (p *Pump) Write() error {
	p.begin()
	if p.err == nil {
		p.core.Ship(p.moment, p.overlay, p.out)
		p.fail(p.overlay.Err())
	}
	if p.err != nil {
		return p.err
	}
	stored := len(p.out.Puts) > 0 || p.overlay.LedgerDue(p.moment)
	if stored {
		p.encodeRest()
	}
	if p.err == nil {
		p.fail(state.OnDisk(p.batch.CommitUnsynced()))
	}
	if p.err != nil {
		return p.err
	}
	p.overlay.Seal(p.core.State(), p.core.Agreed(), stored)
	if at, ok := p.overlay.LedgerWake(p.moment); ok {
		p.out.Wake = min(p.out.Wake, at)
	}
	p.tamperOutput()
	p.wake = p.out.Wake
	p.written = append(p.written, written{p.out, stored})
	p.out = p.emptyOutput()
	p.stage = released
	return nil
}

// Unsynced reports whether what was written must be synced, with the store's SyncLog,
// before it is published.
func (p *Pump) Unsynced() bool {
	if !p.committed.Store.Always() {
		return false
	}
	for _, w := range p.written {
		if w.stored {
			return true
		}
	}
	return false
}

// Publish shows the oldest batch that was written, which is durable now, and gives what
// may leave: replies to clients, messages to peers, events. It is valid until the next
// Publish.
func (p *Pump) Publish() *replica.Output {
	if p.leaving != nil {
		p.leaving.Reset()
		p.spare = append(p.spare, p.leaving)
	}
	p.overlay.Publish()
	p.leaving = p.written[0].out
	p.written = slices.Delete(p.written, 0, 1)
	return p.leaving
}

// emptyOutput is an output that nobody holds.
func (p *Pump) emptyOutput() *replica.Output {
	if n := len(p.spare); n > 0 {
		out := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return out
	}
	return &replica.Output{}
}

// Release is what the last Commit lets leave: replies to clients, messages to peers,
// events. It is valid until the next Commit. It is empty while nothing is committed.
func (p *Pump) Release() *replica.Output {
	if p.stage != committed {
		p.none.Reset()
		p.none.Wake = p.wake
		return &p.none
	}
	p.stage = released
	return p.leaving
}
