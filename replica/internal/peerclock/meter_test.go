package peerclock

import (
	"testing"
	"time"

	"kvd/wallclock"
)

var shows = wallclock.Around(1_700_000_000_000_000_000, time.Millisecond)

// Of what we sent the last few are remembered; a round is measured where the one that is
// echoed is among them.
func TestRoundsAreMeasured(t *testing.T) {
	for _, c := range []struct {
		echoed   uint64
		measured bool
	}{{0, false}, {3, false}, {4, true}, {35, true}, {36, false}} {
		var m Meter
		for n := range uint64(35) {
			m.Asked(n+1, wallclock.Mono(n+1)*100, 100)
		}
		m.Heard(9, shows, c.echoed, 10, 4000)
		o, known := m.clock.Shows(4000)
		if width := o.Latest.Sub(o.Earliest); !known && c.measured || known && (width < time.Hour) != c.measured {
			t.Errorf("an echo of %d: known %v to %s", c.echoed, known, width)
		}
	}
}

func TestWhenAMessageIsDue(t *testing.T) {
	var m Meter
	if !m.Due(0) {
		t.Error("the first is due at once")
	}
	if m.Asked(1, 50, 100); m.Due(149) || !m.Due(150) {
		t.Error("the next is due after the time that was asked for")
	}
}

// The last message is echoed with the time since, until the peer is another process;
// what we asked the one before may still be answered.
func TestTheLastMessageIsEchoed(t *testing.T) {
	var m Meter
	if n, held := m.Echo(5); n != 0 || held != 0 {
		t.Errorf("nothing came, echoed are %d, %s", n, held)
	}
	m.Asked(3, 5, 1)
	m.Heard(8, shows, 0, 0, 10)
	m.Heard(9, shows, 0, 0, 20)
	for now, want := range map[wallclock.Mono]time.Duration{25: 5, 20: 0, 15: 0} {
		if n, held := m.Echo(now); n != 9 || held != want {
			t.Errorf("at %d echoed are %d, %s", now, n, held)
		}
	}
	m.Restarted()
	if n, _ := m.Echo(30); n != 0 {
		t.Errorf("of another process %d is echoed", n)
	}
	if _, known := m.sent(3); !known {
		t.Error("what we sent is forgotten")
	}
}
