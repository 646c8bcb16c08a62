package detect

import "time"

// Timeout is how long an answer is waited for, from how long answers took. The zero Timeout has seen none.
type Timeout struct {
	Min, Max time.Duration // of Limit; what it is before the first answer is Max

	smooth, varies time.Duration
	seen           bool
	backoff        uint
}

// Observe notes how long an answer took. Every request has an identity, so it is known which one was
// answered (Karn's ambiguity does not arise).
func (t *Timeout) Observe(took time.Duration) {
	t.backoff = 0
	if !t.seen {
		t.seen, t.smooth, t.varies = true, took, took/2
		return
	}
	off := t.smooth - took
	if off < 0 {
		off = -off
	}
	t.varies += (off - t.varies) / 4
	t.smooth += (took - t.smooth) / 8
}

// Expire notes that no answer came: the next one is waited for twice as long.
func (t *Timeout) Expire() { t.backoff = min(t.backoff+1, 16) }

// Limit is how long the next answer is waited for.
func (t *Timeout) Limit() time.Duration {
	if !t.seen {
		return t.Max
	}
	return min(max((t.smooth+4*t.varies)<<t.backoff, t.Min), t.Max)
}

// Watch notices that this process stood still.
type Watch struct {
	last time.Duration
}

// StoodStill is from how long a silence of its own ticks on a process is taken to have stood still.
const StoodStill = 250 * time.Millisecond

// Tick is to be called every so often, and says how much later than that it was; zero: not so late that anything
// was missed.
func (w *Watch) Tick(now, every time.Duration) (late time.Duration) {
	if w.last > 0 && now-w.last-every > StoodStill {
		late = now - w.last - every
	}
	w.last = now
	return late
}
