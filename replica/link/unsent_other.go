//go:build !linux

package link

import "net"

// limitUnsent has no counterpart here: a status may wait behind all that the
// kernel holds.
func limitUnsent(net.Conn) {}
