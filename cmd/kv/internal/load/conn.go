package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// bufferBytes is the size of a client's buffers, and what a group may fill.
const bufferBytes = 64 << 10

// conn writes commands and reads replies of the kinds that commands of ours have:
// simple strings, errors, numbers, strings, nulls, and lists of those.
type conn struct {
	nc  net.Conn
	in  *bufio.Reader
	out []byte // the group so far
}

func newConn(nc net.Conn) *conn {
	return &conn{nc: nc, in: bufio.NewReaderSize(nc, bufferBytes)}
}

// Login shows who the client is; an empty user is the default one. It fails with
// the server's words, a Refused.
func Login(nc net.Conn, user, password string) error {
	c := newConn(nc)
	if user == "" {
		c.command("AUTH", password)
	} else {
		c.command("AUTH", user, password)
	}
	if err := c.send(); err != nil {
		return err
	}
	_, err := c.reply(nil)
	return err
}

// Refused is an error that a server answered.
type Refused string

func (r Refused) Error() string { return string(r) }

// command adds one to the group.
func (c *conn) command(words ...string) {
	c.out = head(c.out, '*', len(words))
	for _, w := range words {
		c.out = append(head(c.out, '$', len(w)), w...)
		c.out = append(c.out, '\r', '\n')
	}
}

// bytes adds an argument; the caller has announced how many there are.
func (c *conn) bytes(b []byte) {
	c.out = append(head(c.out, '$', len(b)), b...)
	c.out = append(c.out, '\r', '\n')
}

func head(b []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(b, kind), int64(n), 10), '\r', '\n')
}

// send writes the group and begins another. A buffer that one large command has
// stretched is let go.
func (c *conn) send() error {
	_, err := c.nc.Write(c.out)
	if c.out = c.out[:0]; cap(c.out) > 4*bufferBytes {
		c.out = nil
	}
	return err
}

// reply reads one reply. A string is appended to into, which may be nil to leave
// it out. The error is Refused if the server said so; after any other, the
// connection is of no use.
func (c *conn) reply(into []byte) ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return into, fmt.Errorf("read a reply: %w", err)
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return into, fmt.Errorf("read a reply: %.40q is none", line)
	}
	switch rest := line[1 : len(line)-2]; line[0] {
	case '+', ':', '_':
		return into, nil
	case '-':
		return into, Refused(rest)
	case '$':
		return c.text(rest, into)
	case '*':
		return into, c.list(rest)
	}
	return into, fmt.Errorf("read a reply: %.40q is of no kind that was asked for", line)
}

// list reads the parts of a reply that is one, and lets them go. Lists in lists
// are none that was asked for.
func (c *conn) list(length []byte) error {
	n, err := strconv.Atoi(string(length))
	if err != nil || n < 0 || n > maxParts {
		return fmt.Errorf("read a reply: a list of %.40q", length)
	}
	for range n {
		if kind, err := c.in.Peek(1); err == nil && kind[0] == '*' {
			return errors.New("read a reply: a list in a list")
		}
		if _, err := c.reply(nil); err != nil {
			return err
		}
	}
	return nil
}

// maxParts is more than any command of ours is answered with.
const maxParts = 1024

// text reads a string behind its length.
func (c *conn) text(length, into []byte) ([]byte, error) {
	n, err := strconv.Atoi(string(length))
	switch {
	case err != nil || n < -1 || n > maxReply:
		return into, fmt.Errorf("read a reply: a string of %.40q bytes", length)
	case n == -1:
		return into, nil
	case into == nil:
		_, err = c.in.Discard(n + 2)
		return nil, err
	}
	from := len(into)
	into = append(into, make([]byte, n+2)...)
	if _, err := io.ReadFull(c.in, into[from:]); err != nil {
		return into[:from], err
	}
	return into[:from+n], nil
}

// maxReply is more than any server of ours answers.
const maxReply = 64 << 20

// closedBy closes the connection when the context ends, so that nobody waits on
// it. The caller calls stop.
func closedBy(ctx context.Context, nc net.Conn) (stop func()) {
	cancel := context.AfterFunc(ctx, func() { _ = nc.Close() }) // readers see it
	return func() { cancel(); _ = nc.Close() }                  // it is done with
}

// refused reports whether the server answered an error.
func refused(err error) bool {
	var r Refused
	return errors.As(err, &r)
}
