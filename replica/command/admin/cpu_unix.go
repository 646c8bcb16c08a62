//go:build unix

package admin

import (
	"syscall"
	"time"
)

// cpuTimes is how long the process has used processors.
func cpuTimes() (user, system time.Duration, ok bool) {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0, 0, false
	}
	return time.Duration(r.Utime.Nano()), time.Duration(r.Stime.Nano()), true
}
