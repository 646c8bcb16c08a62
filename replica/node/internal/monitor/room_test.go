package monitor

import (
	"errors"
	"log/slog"
	"slices"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

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

// roomy is a filesystem with as much room as a test says.
type roomy struct {
	vfs.FS
	free uint64
}

func (r *roomy) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: r.free, TotalBytes: 1000}, nil
}

// watched is a monitor that keeps 100 bytes of a disk free, and what it did.
type watched struct {
	*Monitor
	disk     roomy
	failed   error
	given    []replica.Credit
	reopened int
}

func watch(free uint64) *watched {
	w := &watched{disk: roomy{free: free}}
	w.Monitor = &Monitor{owed: map[replica.Leader]int{}, cfg: Config{
		Limits: Limits{MinFree: 100}, FS: &w.disk, Logger: slog.New(slog.DiscardHandler),
		Refuse: func(replica.Refusal) {}, Allow: func(replica.Cause) {}, Credit: func(c replica.Credit) { w.given = append(w.given, c) },
		Failed: func() error { return w.failed }, Reopen: func() { w.reopened++ },
	}}
	w.lookForRoom()
	return w
}

// Credit for what was not taken is given back when there is room, once, and on the
// connection that it came by.
func TestWhatWasNotTakenIsCredited(t *testing.T) {
	w := watch(49)
	op := &resolve.Op{Dot: logical.Dot{Origin: 1, Seq: 1}, Key: "k"}
	for _, from := range []replica.Leader{"c", "b", "gone", "b"} {
		if w.Take(from, &replica.Batch{Ops: []*resolve.Op{op}}) {
			t.Error("taken without room")
		}
	}
	w.Reconnected("gone")
	if w.lookForRoom(); len(w.given) != 0 {
		t.Errorf("given without room: %v", w.given)
	}
	w.disk.free = 200
	w.lookForRoom()
	w.lookForRoom()
	if want := []replica.Credit{{Peer: "b", Bytes: 2 * op.Footprint()}, {Peer: "c", Bytes: op.Footprint()}}; !slices.Equal(w.given, want) {
		t.Errorf("given is %v, want %v", w.given, want)
	}
	if !w.Take("b", &replica.Batch{Ops: []*resolve.Op{op}}) {
		t.Error("not taken with room")
	}
}

// A store that failed for want of room is opened again, once, when there is room.
func TestWhenTheStoreIsOpenedAgain(t *testing.T) {
	w := watch(200)
	for _, c := range []struct {
		failed error
		free   uint64
		want   int
	}{
		{nil, 200, 0}, {errors.New("broken"), 200, 0}, {syscall.ENOSPC, 124, 0}, {syscall.ENOSPC, 125, 1}, {syscall.ENOSPC, 200, 1},
	} {
		w.failed, w.disk.free = c.failed, c.free
		if w.lookForRoom(); w.reopened != c.want {
			t.Errorf("failed with %v and %d free: opened again %d times, want %d", c.failed, c.free, w.reopened, c.want)
		}
	}
}
