package monitor

import "testing"

// A level is reached where it begins, and left when there is a quarter more.
func TestLevels(t *testing.T) {
	var r room
	for _, c := range []struct {
		free      uint64
		low, full bool
	}{
		{100, false, false}, {99, true, false}, {124, true, false}, {125, false, false}, {100, false, false},
		{50, true, false}, {49, true, true}, {62, true, false}, {49, true, true}, {0, true, true}, {61, true, true}, {200, false, false},
	} {
		r.free = c.free
		if r.judge(100); r.low != c.low || r.full != c.full {
			t.Errorf("with %d free: %+v", c.free, r)
		}
	}
	if r.judge(0); r.low || r.full {
		t.Errorf("nothing is kept free: %+v", r)
	}
}

// By itself as much is kept free as suits the disk.
func TestAuto(t *testing.T) {
	for total, want := range map[uint64]uint64{0: 0, 24 << 20: 24 << 20 / 50, 10 << 30: 10 << 30 / 50, 1 << 40: 256 << 20} {
		if got := (&room{total: total}).least(Auto); got != want {
			t.Errorf("of %d bytes %d are kept free, want %d", total, got, want)
		}
	}
	if got := (&room{total: 1 << 40}).least(5); got != 5 {
		t.Errorf("5 bytes are %d", got)
	}
}
