//go:build unix

package ahead

import (
	"net"
	"syscall"
)

// Direct writes what the kernel takes at once. Most replies are written so, without a
// deadline and without a timer for what their client does meanwhile.
type Direct struct {
	raw   syscall.RawConn // nil: the connection is not the kernel's alone
	b     []byte
	n     int
	write func(fd uintptr) bool
}

// NewDirect writes to nc. For TLS, and whatever else is no socket, Write takes nothing.
func NewDirect(nc net.Conn) *Direct {
	d := &Direct{}
	if s, ok := nc.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			d.raw = raw
		}
	}
	d.write = func(fd uintptr) bool { // made once: it would be allocated with each call
		if n, err := syscall.Write(int(fd), d.b); err == nil {
			d.n = n
		}
		return true
	}
	return d
}

// Write is how many bytes of b were taken. It does not wait, and leaves an error to
// whoever writes the rest.
func (d *Direct) Write(b []byte) int {
	if d.raw == nil || len(b) == 0 {
		return 0
	}
	d.b, d.n = b, 0
	_ = d.raw.Write(d.write) // a deadline that has passed, or closed: the rest is written otherwise
	d.b = nil
	return d.n
}
