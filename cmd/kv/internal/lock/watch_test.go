package lock

import (
	"testing"
	"time"
)

// A lease is renewed in time; a command is told to end before its lease may, and killed when it may, or at once where
// nobody looked until then.
func TestWhatIsDue(t *testing.T) {
	const ttl, grace = 1000, 250
	start := func() *watch {
		w := &watch{ttl: ttl, grace: grace}
		w.held(0, ttl) // until 900
		return w
	}
	for _, c := range []struct {
		name string
		w    func(*watch)
		at   time.Duration
		want due
	}{
		{"all is well", func(*watch) {}, 249, nothing},
		{"a quarter is over", func(*watch) {}, 250, renew},
		{"a renewal is under way", func(w *watch) { w.asking = true }, 600, nothing},
		{"it was renewed", func(w *watch) { w.held(500, ttl) }, 700, nothing},
		{"an answer comes late, to an old question", func(w *watch) { w.held(500, ttl); w.held(100, ttl) }, 1149, renew},
		{"it was not renewed", func(w *watch) { w.asking = true }, 650, tell},
		{"it may be over", func(w *watch) { w.stop(650, grace) }, 900, kill},
		{"it is renewed after all, and the command was told", func(w *watch) { w.stop(650, grace); w.asking = true; w.held(651, ttl) }, 900, kill},
		{"the user wants it to end, and the lease goes on", func(w *watch) { w.stop(100, 10*ttl); w.held(800, ttl) }, 1200, renew},
		{"nobody looked", func(*watch) {}, 5000, kill},
		{"somebody else released it", func(w *watch) { w.lost(100) }, 101, tell},
		{"somebody else released it, and the command goes on", func(w *watch) { w.lost(100); w.stop(101, grace) }, 350, kill},
		{"it is killed already", func(w *watch) { w.killed = true }, 5000, nothing},
	} {
		w := start()
		c.w(w)
		if got := w.look(c.at); got != c.want {
			t.Errorf("%s: at %d %d is due, want %d", c.name, c.at, got, c.want)
		}
	}
	w := start()
	w.look(10)
	w.look(5000)
	if w.stood != 4990 {
		t.Errorf("nobody looked for %d", w.stood)
	}
}
