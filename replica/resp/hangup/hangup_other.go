//go:build !linux

package hangup

import "net"

// Detected has no counterpart here: that a client has gone shows when it is written
// to.
func Detected(net.Conn) bool { return false }
