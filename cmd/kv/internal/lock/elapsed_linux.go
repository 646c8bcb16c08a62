package lock

import (
	"time"

	"golang.org/x/sys/unix"
)

// elapsed is a clock that is never set, and goes on while the machine is suspended: package time's
// stands still then.
func elapsed() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Since(begun)
	}
	return time.Duration(t.Nano())
}
