package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a listener of in-memory connections, for tests in virtual time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// rig is a server with its fake leader, and the listener to reach it.
type rig struct {
	t      *testing.T
	leader *resptest.Leader
	feeds  *resptest.Feeds
	srv    *server.Server
	l      net.Listener
	served chan error
}

// start serves on l until the rig is stopped.
func start(t *testing.T, l net.Listener, change func(*server.Config)) *rig {
	t.Helper()
	feeds := resptest.NewFeeds("kvd:losses", "kvd:losses:all")
	cfg := server.Defaults()
	cfg.Feeds = feeds
	if change != nil {
		change(&cfg)
	}
	r := &rig{t: t, leader: resptest.New(time.Now), feeds: feeds, l: l, served: make(chan error, 1)}
	srv, err := server.New(cfg, r.leader, r.leader, r.leader)
	if err != nil {
		t.Fatal(err)
	}
	r.srv = srv
	go func() { r.served <- srv.Serve(context.Background(), l) }()
	return r
}

// stop drains and checks that this ends well.
func (r *rig) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.srv.Shutdown(ctx); err != nil {
		r.t.Errorf("shutdown: %v", err)
	}
	if err := <-r.served; err != nil {
		r.t.Errorf("serve: %v", err)
	}
	r.leader.Close()
	if n := r.feeds.Readers(); n != 0 {
		r.t.Errorf("%d feeds are still open", n)
	}
}

func tcp(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// client is one raw connection.
type client struct {
	t  *testing.T
	nc net.Conn
	br *bufio.Reader
}

// dial connects over TCP or a pipe.
func (r *rig) dial() *client {
	r.t.Helper()
	if p, ok := r.l.(*pipes); ok {
		near, far := net.Pipe()
		p.conns <- far
		return &client{r.t, near, bufio.NewReader(near)}
	}
	nc, err := net.Dial("tcp", r.l.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	if err := nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return &client{r.t, nc, bufio.NewReader(nc)}
}

// send writes raw bytes.
func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.nc, s); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// do sends one command and gives the raw reply.
func (c *client) do(args ...string) string {
	c.t.Helper()
	c.send(encode(args...))
	return c.reply()
}

// want does a command and compares the raw reply.
func (c *client) want(reply string, args ...string) {
	c.t.Helper()
	if got := c.do(args...); got != reply {
		c.t.Errorf("%q: got %q, want %q", args, got, reply)
	}
}

// reply reads one whole reply, raw.
func (c *client) reply() string {
	c.t.Helper()
	s, err := readReply(c.br)
	if err != nil {
		c.t.Fatalf("reply after %q: %v", s, err)
	}
	return s
}

// closed checks that the server has closed the connection.
func (c *client) closed() {
	c.t.Helper()
	if b, err := c.br.ReadByte(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) &&
		(err == nil || !strings.Contains(err.Error(), "reset by peer")) {
		c.t.Errorf("the connection is open: read %q, %v", b, err)
	}
	_ = c.nc.Close()
}

func encode(args ...string) string {
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(args)) + "\r\n")
	for _, a := range args {
		b.WriteString("$" + strconv.Itoa(len(a)) + "\r\n" + a + "\r\n")
	}
	return b.String()
}

// readReply is a strict reader of replies, written apart from the server's.
func readReply(br *bufio.Reader) (string, error) {
	line, err := br.ReadString('\n')
	if err != nil {
		return line, err
	}
	if len(line) < 3 || !strings.HasSuffix(line, "\r\n") {
		return line, errors.New("malformed line")
	}
	n, numErr := strconv.Atoi(line[1 : len(line)-2])
	switch line[0] {
	case '+', '-':
		return line, nil
	case ':':
		return line, numErr
	case '_':
		return line, nil
	case '$', '=':
		if numErr != nil || n < 0 {
			return line, numErr
		}
		body := make([]byte, n+2)
		if _, err := io.ReadFull(br, body); err != nil || string(body[n:]) != "\r\n" {
			return line, errors.Join(err, errors.New("malformed string"))
		}
		return line + string(body), nil
	case '%':
		n *= 2
		fallthrough
	case '*', '~', '>':
		for range n {
			part, err := readReply(br)
			line += part
			if err != nil {
				return line, err
			}
		}
		return line, numErr
	}
	return line, errors.New("unknown type")
}
