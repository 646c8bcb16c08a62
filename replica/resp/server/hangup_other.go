//go:build !linux

package server

import "net"

// hungUp has no counterpart here: that a client has gone shows when it is written
// to.
func hungUp(net.Conn) bool { return false }
