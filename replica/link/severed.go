package link

import (
	"fmt"
	"net"

	"kvd/replica"
)

// severed is a connection for something else than the link, which ends with the first write while a
// planted fault cuts the link.
type severed struct {
	net.Conn
	faults *Faults
	to     replica.Leader
}

// severing is the connection, cut when the link is.
func (f *Faults) severing(to replica.Leader, c net.Conn) net.Conn {
	if f == nil {
		return c
	}
	return &severed{c, f, to}
}

// Write fails while the link is cut.
func (s *severed) Write(p []byte) (int, error) {
	if s.faults.cut(s.to) {
		_ = s.Close() // as if it had broken
		return 0, fmt.Errorf("a planted fault cuts the link to %s", s.to)
	}
	return s.Conn.Write(p)
}
