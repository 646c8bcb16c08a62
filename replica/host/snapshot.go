package host

import (
	"fmt"

	"kvd/logical"
	"kvd/replica"
	"kvd/storage"
)

// Snapshot lends use what is durable at one moment, with the frontier that was applied
// then; nothing of a batch that is still being synced shows. It waits for the
// loop when no snapshot is at hand. While a use is under way the loop cannot end, so
// whoever reads for long checks now and then whether it should stop. After use
// returned, c may not be touched.
func (l *Loop) Snapshot(use func(c *storage.Snapshot, applied logical.Frontier) error) error {
	snap, err := l.snapshot()
	if err != nil {
		return err
	}
	defer snap.Release()
	st, _, err := snap.State()
	if err != nil {
		return err
	}
	return use(snap.Snapshot, st.Frontier)
}

// ReadSnapshot lends use a way to read, as of one moment, what takes more memory at
// once than a caller has. Get answers a Get whose token is covered, within its budget;
// of what it answers nothing is kept here. It waits for the loop when no snapshot is at
// hand, and the loop cannot end before use has.
func (l *Loop) ReadSnapshot(use func(get func(q *replica.Request) replica.Reply) error) error {
	snap, err := l.snapshot()
	if err != nil {
		return err
	}
	defer snap.Release()
	return use(func(q *replica.Request) replica.Reply {
		rep, ok := l.pump.committed.ReadFrom(snap, q, l.cfg.Clock)
		if !ok {
			rep = replica.Reply{Err: fmt.Errorf("%s %.64q: the store cannot be read: %w", q.Verb, q.Key, l.ended())}
		}
		return rep
	})
}

// warm takes what is stored into memory. What cannot be read is damage, and whoever asks
// for it hears of it.
func (l *Loop) warm() {
	committed := l.pump.committed
	for snap, wait := committed.Acquire(); ; snap, wait = committed.Acquire() {
		if snap != nil {
			defer snap.Release()
			if err := committed.Warm(snap, l.goesOn); err != nil {
				committed.Store.NoteDamage(err)
			}
			return
		}
		if wait == nil {
			return
		}
		l.tick()
		select {
		case <-wait:
		case <-l.ending:
			return
		}
	}
}

// goesOn reports whether more cycles follow.
func (l *Loop) goesOn() bool {
	select {
	case <-l.ending:
		return false
	default:
		return true
	}
}
