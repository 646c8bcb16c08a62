package conn

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
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

// Reply is one reply of a server. Whoever reads it owns it.
type Reply struct {
	Kind  byte    // what announced it: + - : $ * _ % ~ > , # ( = as the protocol has them
	Null  bool    // $-1, *-1 or _
	Text  string  // of what is no list: as it came
	Int   int64   // of :
	Items []Reply // of * % ~ >; a map's keys and values in turn
}

// Bounds on replies, which are more than any server of ours answers.
const (
	maxText  = 64 << 20
	maxItems = 1 << 20
	maxDepth = 32
)

// ErrProtocol says that what came is no reply.
var ErrProtocol = errors.New("not a RESP reply")

// Reply reads one whole reply of any kind. An error that a server answered is a
// reply of kind '-' here.
func (c *Conn) Reply() (Reply, error) { return c.read(0) }

func (c *Conn) read(depth int) (Reply, error) {
	line, err := c.line()
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Kind: line[0]}
	rest := line[1:]
	switch r.Kind {
	case '+', '-', ',', '#', '(':
		r.Text = string(rest)
		return r, nil
	case ':':
		r.Text = string(rest)
		if r.Int, err = strconv.ParseInt(r.Text, 10, 64); err != nil {
			return r, fmt.Errorf("%w: a number of %.40q", ErrProtocol, rest)
		}
		return r, nil
	case '_':
		r.Null = true
		return r, nil
	case '$', '=':
		return c.readText(r, rest)
	case '*', '%', '~', '>':
		return c.readItems(r, rest, depth)
	}
	return r, fmt.Errorf("%w: %.40q is of no kind that is known", ErrProtocol, line)
}

// line is a line without its end. It is good until the next read.
func (c *Conn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("read a reply: %w", err)
	}
	n := len(line) - 2
	if n < 1 || line[n] != '\r' {
		return nil, fmt.Errorf("%w: the line %.40q", ErrProtocol, line)
	}
	return line[:n], nil
}

func (c *Conn) readText(r Reply, length []byte) (Reply, error) {
	n, err := textLength(length)
	if err != nil || n < 0 {
		r.Null = true
		return r, err
	}
	b, err := c.body(nil, n)
	r.Text = string(b)
	return r, err
}

// textLength reads the length of a string; -1: there is none.
func textLength(text []byte) (int, error) {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < -1 || n > maxText {
		return -1, fmt.Errorf("%w: a string of %.40q bytes", ErrProtocol, text)
	}
	return n, nil
}

// body appends n bytes and takes their line end away.
func (c *Conn) body(into []byte, n int) ([]byte, error) {
	from := len(into)
	into = slices.Grow(into, n+2)[:from+n+2]
	if _, err := io.ReadFull(c.in, into[from:]); err != nil {
		return into[:from], err
	}
	if string(into[from+n:]) != "\r\n" {
		return into[:from], fmt.Errorf("%w: a string without its end", ErrProtocol)
	}
	return into[:from+n], nil
}

func (c *Conn) readItems(r Reply, length []byte, depth int) (Reply, error) {
	n, err := strconv.Atoi(string(length))
	switch {
	case err != nil || n < -1 || n > maxItems || depth >= maxDepth:
		return r, fmt.Errorf("%w: a list of %.40q in %d others", ErrProtocol, length, depth)
	case n == -1:
		r.Null = true
		return r, nil
	case r.Kind == '%':
		n *= 2
	}
	r.Items = make([]Reply, 0, min(n, 1024)) // more only as they come
	for len(r.Items) < n {
		item, err := c.read(depth + 1)
		if err != nil {
			return r, err
		}
		if c.Aside == nil || !c.Aside(item) {
			r.Items = append(r.Items, item)
		}
	}
	return r, nil
}

// Value reads one reply and keeps no more than a string of it: that is appended to
// into, or let go where into is nil. Nothing else is allocated. The error is Refused
// if the server said so; after any other, the connection is of no use.
func (c *Conn) Value(into []byte) ([]byte, error) { return c.value(into, 0) }

func (c *Conn) value(into []byte, depth int) ([]byte, error) {
	line, err := c.line()
	if err != nil {
		return into, err
	}
	switch rest := line[1:]; line[0] {
	case '+', ':', '_', ',', '#', '(':
		return into, nil
	case '-':
		return into, Refused(rest)
	case '$', '=':
		n, err := textLength(rest)
		switch {
		case err != nil || n < 0:
			return into, err
		case into == nil:
			_, err = c.in.Discard(n + 2)
			return nil, err
		}
		return c.body(into, n)
	case '*', '%', '~', '>':
		return into, c.passOver(line[0], rest, depth)
	}
	return into, fmt.Errorf("%w: %.40q is of no kind that is known", ErrProtocol, line)
}

// passOver reads the items of a list and lets them go.
func (c *Conn) passOver(kind byte, length []byte, depth int) error {
	n, err := strconv.Atoi(string(length))
	if err != nil || n < -1 || n > maxItems || depth >= maxDepth {
		return fmt.Errorf("%w: a list of %.40q in %d others", ErrProtocol, length, depth)
	}
	if kind == '%' {
		n *= 2
	}
	for range n {
		if _, err := c.value(nil, depth+1); err != nil && !IsRefused(err) {
			return err
		}
	}
	return nil
}

// Field is a map's value, of a RESP3 map or of the flat list that RESP2 has instead;
// the zero Reply if there is none.
func (r Reply) Field(name string) Reply {
	for i := 0; i+1 < len(r.Items); i += 2 {
		if r.Items[i].Text == name {
			return r.Items[i+1]
		}
	}
	return Reply{}
}

// Texts is the items' texts, never nil; those of nulls are empty.
func (r Reply) Texts() []string {
	all := make([]string, len(r.Items))
	for i, item := range r.Items {
		all[i] = item.Text
	}
	return all
}

// IsNull reports whether there is nothing: a null, or the zero Reply.
func (r Reply) IsNull() bool { return r.Null || r.Kind == 0 }

// Truth is the reply as a boolean, which RESP2 has as 0 and 1.
func (r Reply) Truth() bool { return r.Int != 0 || r.Kind == '#' && strings.HasPrefix(r.Text, "t") }

// Equal compares all of it.
func (r Reply) Equal(o Reply) bool {
	return r.Kind == o.Kind && r.Null == o.Null && r.Text == o.Text && r.Int == o.Int && slices.EqualFunc(r.Items, o.Items, Reply.Equal)
}
