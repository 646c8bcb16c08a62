package live

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// reply is a RESP2 reply.
type reply struct {
	kind  byte // + - : $ *, or 0 for null
	text  string
	items []reply
}

// refused is what a leader answered instead of a reply.
type refused string

func (r refused) Error() string { return string(r) }

// conn is one connection to a leader. One goroutine uses it at a time.
type conn struct {
	nc net.Conn
	r  *bufio.Reader
}

// Bounds on replies; a leader's own limits are lower.
const (
	maxBulk  = 64 << 20
	maxItems = 1 << 20
	maxDepth = 8
)

// dial connects. The error is the network's.
func dial(addr string, patience time.Duration) (*conn, error) {
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return &conn{nc: nc, r: bufio.NewReader(nc)}, nil
}

func (c *conn) close() { _ = c.nc.Close() }

// do sends one command and waits for its reply. The error is a refused, or the
// network's: then the connection is of no more use.
func (c *conn) do(patience time.Duration, words ...string) (reply, error) {
	if err := c.nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return reply{}, err
	}
	if _, err := c.nc.Write(encode(words)); err != nil {
		return reply{}, err
	}
	r, err := read(c.r, 0)
	if err == nil && r.kind == '-' {
		return reply{}, refused(r.text)
	}
	return r, err
}

func encode(words []string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b
}

var errProtocol = errors.New("not a RESP reply")

func read(r *bufio.Reader, depth int) (reply, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return reply{}, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" || depth > maxDepth {
		return reply{}, errProtocol
	}
	out := reply{kind: line[0], text: line[1:]}
	switch out.kind {
	case '+', '-', ':':
		return out, nil
	case '$':
		return bulk(r, out)
	case '*':
		return array(r, out, depth)
	}
	return reply{}, fmt.Errorf("%w: %.40q", errProtocol, line)
}

func bulk(r *bufio.Reader, out reply) (reply, error) {
	n, err := strconv.Atoi(out.text)
	if err != nil || n > maxBulk {
		return reply{}, fmt.Errorf("%w: a string of %.40q bytes", errProtocol, out.text)
	}
	if n < 0 {
		return reply{}, nil
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return reply{}, err
	}
	out.text = string(b[:n])
	return out, nil
}

func array(r *bufio.Reader, out reply, depth int) (reply, error) {
	n, err := strconv.Atoi(out.text)
	if err != nil || n > maxItems {
		return reply{}, fmt.Errorf("%w: an array of %.40q", errProtocol, out.text)
	}
	for range n {
		item, err := read(r, depth+1)
		if err != nil {
			return reply{}, err
		}
		out.items = append(out.items, item)
	}
	return out, nil
}

// field is what a map says under a name; the zero reply if it says nothing.
func (r reply) field(name string) reply {
	for i := 0; i+1 < len(r.items); i += 2 {
		if r.items[i].text == name {
			return r.items[i+1]
		}
	}
	return reply{}
}

func (r reply) int() int64 {
	n, _ := strconv.ParseInt(r.text, 10, 64) // what is no number is none
	return n
}

// texts is the items as strings; nulls are empty.
func (r reply) texts() []string {
	var out []string
	for _, it := range r.items {
		out = append(out, it.text)
	}
	return out
}
