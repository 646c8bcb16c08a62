package lock

import "time"

// due is what is to be done at a moment.
type due int

const (
	nothing due = iota
	renew
	tell // the command to end
	kill
)

// watch says when a lease is renewed, and when the command must end because the lease may. Times are
// of one clock that never goes back.
type watch struct {
	ttl, grace time.Duration

	end    time.Duration // until then the lease lasts, for all we know
	next   time.Duration // when it is renewed
	looked time.Duration // the last time that anybody looked
	stood  time.Duration // the longest time in which nobody did, since the lease was last known to be held

	asking bool // a renewal is under way
	over   bool // the lease is known to have ended
	told   bool
	killAt time.Duration // once told
	killed bool
}

// held notes that the lease was granted or renewed, with so much left, as of a question asked then.
func (w *watch) held(asked, left time.Duration) {
	w.end = max(w.end, asked+left-left/10)
	w.next = asked + w.ttl/4
	w.stood = 0
}

// lost notes that somebody else says the lease is over. The command has no longer than a
// grace to end.
func (w *watch) lost(now time.Duration) {
	w.over = true
	w.end = min(w.end, now+w.grace)
}

// stop notes that the command was told to end, and has so long for it while the lease lasts.
func (w *watch) stop(now, grace time.Duration) {
	w.told, w.killAt = true, now+grace
}

// look says what is due.
func (w *watch) look(now time.Duration) due {
	w.stood = max(w.stood, now-w.looked)
	w.looked = now
	switch {
	case w.killed:
		return nothing
	case now >= w.end, w.told && now >= w.killAt:
		return kill
	case !w.told && (w.over || now >= w.end-w.grace):
		return tell
	case !w.asking && !w.over && now >= w.next:
		return renew
	}
	return nothing
}

// every is how often somebody looks.
func (w *watch) every() time.Duration { return min(100*time.Millisecond, w.ttl/20) }
