package conn

import (
	"bufio"
	"errors"
	"net"
	"strconv"
	"time"
)

// BufferBytes is the size of each of a connection's two buffers. Who pipelines more
// than that, or more replies, before it reads may wait for ever: neither side goes on.
const BufferBytes = 64 << 10

// Conn is one connection.
type Conn struct {
	// Aside says which items of a list are none of its items: Redis puts messages
	// between the replies of an EXEC. Nil: all are.
	Aside func(Reply) bool

	nc  net.Conn
	in  *bufio.Reader
	out []byte // what is not sent yet
}

// New takes over a connection. Close closes it.
func New(nc net.Conn) *Conn {
	return &Conn{nc: nc, in: bufio.NewReaderSize(nc, BufferBytes)}
}

// Dial connects over TCP within the timeout. The error is the network's.
func Dial(addr string, timeout time.Duration) (*Conn, error) {
	nc, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return nil, err
	}
	return New(nc), nil
}

// Close closes the connection; whoever reads it fails.
func (c *Conn) Close() error { return c.nc.Close() }

// SetDeadline is the moment from which reading and sending fail.
func (c *Conn) SetDeadline(at time.Time) error { return c.nc.SetDeadline(at) }

// Refused is an error that a server answered.
type Refused string

func (r Refused) Error() string { return string(r) }

// IsRefused reports whether a server answered an error, so that the connection can
// go on.
func IsRefused(err error) bool {
	_, ok := errors.AsType[Refused](err)
	return ok
}

// Login shows who the client is; an empty user is the default one. It fails with
// the server's words, a Refused.
func (c *Conn) Login(user, password string) error {
	if user == "" {
		c.Command("AUTH", password)
	} else {
		c.Command("AUTH", user, password)
	}
	if err := c.Send(); err != nil {
		return err
	}
	_, err := c.Value(nil)
	return err
}

// Do sends one command and reads its reply, all within the timeout. The error is a
// Refused, or that of a connection of no more use.
func (c *Conn) Do(timeout time.Duration, words ...string) (Reply, error) {
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return Reply{}, err
	}
	c.Command(words...)
	if err := c.Send(); err != nil {
		return Reply{}, err
	}
	r, err := c.Reply()
	if err == nil && r.Kind == '-' {
		return Reply{}, Refused(r.Text)
	}
	return r, err
}

// Command adds a command to what is to be sent.
func (c *Conn) Command(words ...string) {
	c.Begin(len(words))
	for _, w := range words {
		c.out = append(head(c.out, '$', len(w)), w...)
		c.out = append(c.out, '\r', '\n')
	}
}

// Begin adds the beginning of a command of n words, which Arg adds.
func (c *Conn) Begin(n int) { c.out = head(c.out, '*', n) }

// Arg adds a word of a command that was begun; b is copied.
func (c *Conn) Arg(b []byte) {
	c.out = append(head(c.out, '$', len(b)), b...)
	c.out = append(c.out, '\r', '\n')
}

// Literal adds text in the protocol's own form: whole words of a command, or
// something a test wants to be sent.
func (c *Conn) Literal(text string) { c.out = append(c.out, text...) }

func head(b []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(b, kind), int64(n), 10), '\r', '\n')
}

// Pending is how many bytes are to be sent.
func (c *Conn) Pending() int { return len(c.out) }

// Send sends what was added. A buffer that one large command has stretched is let go.
func (c *Conn) Send() error {
	_, err := c.nc.Write(c.out)
	if c.out = c.out[:0]; cap(c.out) > 4*BufferBytes {
		c.out = nil
	}
	return err
}
