//go:build !linux

package lock

import "time"

// elapsed is a clock that is never set. It may stand still while the machine is suspended: then
// only the fencing token is left.
func elapsed() time.Duration { return time.Since(begun) }
