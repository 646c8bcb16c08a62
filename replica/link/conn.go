package link

import (
	"crypto/tls"
	"net"
	"time"
)

// conn fails, once idle is set, a read or write that makes no progress for so long. Any
// byte is progress: a slow link is not a dead one.
type conn struct {
	net.Conn
	idle time.Duration // set before the connection is shared
}

func (c *conn) Read(b []byte) (int, error) {
	if c.idle > 0 {
		if err := c.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

// pieceBytes is how much is written under one deadline: a large frame on a slow
// link takes longer than silence may last, and is no silence.
const pieceBytes = 64 << 10

func (c *conn) Write(b []byte) (int, error) {
	done := 0
	for {
		n, err := c.writePiece(b[done:min(len(b), done+pieceBytes)])
		if done += n; err != nil || done == len(b) {
			return done, err
		}
	}
}

func (c *conn) writePiece(b []byte) (int, error) {
	if c.idle > 0 {
		if err := c.SetWriteDeadline(time.Now().Add(c.idle)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

func (c *conn) watch(idle time.Duration) error {
	c.idle = idle
	return c.SetDeadline(time.Time{})
}

// Close does not wait to say so to the other side, as TLS would for seconds.
func (c *conn) Close() error {
	if t, ok := c.Conn.(*tls.Conn); ok {
		return t.NetConn().Close()
	}
	return c.Conn.Close()
}

// closeWrite says that nothing more will be written, and leaves reading open, so
// that what the kernel still holds is not thrown away by a reset.
func (c *conn) closeWrite() {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
	}
}
