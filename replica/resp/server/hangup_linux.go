package server

import (
	"crypto/tls"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the kernel calls a connection whose other end has closed, and one that was
// reset (tcp_states.h).
const (
	tcpClose     = 7
	tcpCloseWait = 8
)

// hungUp reports whether the client has closed its end, although what it sent
// before may not have been read yet. Best effort: what is no TCP connection never
// has.
func hungUp(c net.Conn) bool {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		gone = err == nil && (info.State == tcpClose || info.State == tcpCloseWait)
	})
	return gone
}
