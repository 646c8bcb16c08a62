package resptest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/replica/acl"
	"kvd/replica/acl/acltest"
	"kvd/replica/command"
	"kvd/replica/replicatest"
	"kvd/replica/resp/server"
)

// Rig is a server with its fake leader, and the listener to reach it.
type Rig struct {
	T        *testing.T
	Leader   *Leader
	Feeds    *Feeds
	Server   *server.Server
	Listener net.Listener
	served   chan error
}

// Start serves on l until the rig is stopped.
func Start(t *testing.T, l net.Listener, change func(*server.Config)) *Rig {
	t.Helper()
	feeds := NewFeeds("kvd:losses", "kvd:losses:all")
	cfg := server.Defaults()
	cfg.Feeds, cfg.Commands = feeds, command.Table(command.Options{})
	if change != nil {
		change(&cfg)
	}
	r := &Rig{T: t, Leader: New(time.Now), Feeds: feeds, Listener: l, served: make(chan error, 1)}
	srv, err := server.New(cfg, r.Leader, r.Leader, r.Leader)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = srv
	go func() { r.served <- srv.Serve(context.Background(), l) }()
	return r
}

// Stop drains and checks that this ends well.
func (r *Rig) Stop() {
	r.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	if err := r.Server.Shutdown(ctx); err != nil {
		r.T.Errorf("shutdown: %v", err)
	}
	if err := <-r.served; err != nil {
		r.T.Errorf("serve: %v", err)
	}
	r.Leader.Close()
	if n := r.Feeds.Readers(); n != 0 {
		r.T.Errorf("%d feeds are still open", n)
	}
}

// TCP is a listener on the loopback interface.
func TCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// bound is how long anything may take that does not fail: a reply, or the end of a server.
const bound = 2 * time.Minute

// Client is one raw connection. Over TCP each command and each reply has its own time.
type Client struct {
	t      *testing.T
	Conn   net.Conn
	Reader *bufio.Reader
}

// Dial connects over TCP or a pipe.
func (r *Rig) Dial() *Client {
	r.T.Helper()
	if p, ok := r.Listener.(*replicatest.Pipes); ok {
		near, err := p.Dial(context.Background())
		if err != nil {
			r.T.Fatal(err)
		}
		return &Client{r.T, near, bufio.NewReader(near)}
	}
	nc, err := net.Dial("tcp", r.Listener.Addr().String())
	if err != nil {
		r.T.Fatal(err)
	}
	c := &Client{r.T, nc, bufio.NewReader(nc)}
	c.goOn()
	return c
}

// goOn gives the connection its time again.
func (c *Client) goOn() {
	if _, ok := c.Conn.(*net.TCPConn); ok {
		_ = c.Conn.SetDeadline(time.Now().Add(bound)) // one that is closed says so when it is used
	}
}

// Send writes raw bytes.
func (c *Client) Send(s string) {
	c.t.Helper()
	c.goOn()
	if _, err := io.WriteString(c.Conn, s); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// Do sends one command and gives the raw reply.
func (c *Client) Do(args ...string) string {
	c.t.Helper()
	c.Send(Encode(args...))
	return c.Reply()
}

// Want does a command and compares the raw reply.
func (c *Client) Want(reply string, args ...string) {
	c.t.Helper()
	if got := c.Do(args...); got != reply {
		c.t.Errorf("%q: got %q, want %q", args, got, reply)
	}
}

// Reply reads one whole reply, raw.
func (c *Client) Reply() string {
	c.t.Helper()
	c.goOn()
	s, err := readReply(c.Reader)
	if err != nil {
		c.t.Fatalf("reply after %q: %v", s, err)
	}
	return s
}

// Closed checks that the server has closed the connection.
func (c *Client) Closed() {
	c.t.Helper()
	c.goOn()
	if b, err := c.Reader.ReadByte(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) &&
		(err == nil || !strings.Contains(err.Error(), "reset by peer")) {
		c.t.Errorf("the connection is open: read %q, %v", b, err)
	}
	_ = c.Conn.Close()
}

// Encode is a command as an array of bulk strings.
func Encode(args ...string) string {
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

// EachProtocol runs a test with a go-redis client in RESP2 and in RESP3.
func EachProtocol(t *testing.T, test func(t *testing.T, r *Rig, c *redis.Client)) {
	for _, proto := range []int{2, 3} {
		t.Run(fmt.Sprint("resp", proto), func(t *testing.T) {
			r := Start(t, TCP(t), func(c *server.Config) {
				c.RequireAuth, c.Login = true, acltest.Let(func(u, p string) bool { return u == "ann" && p == "apple" })
			})
			defer r.Stop()
			c := redis.NewClient(&redis.Options{
				Addr: r.Listener.Addr().String(), Protocol: proto, Username: "ann", Password: "apple", ClientName: "test", PoolSize: 4,
			})
			defer func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}()
			test(t, r, c)
		})
	}
}

// Expect compares what a call answered.
func Expect[V comparable](t *testing.T, what string, want V) func(V, error) {
	return func(got V, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", what, got, err, want)
		}
	}
}

// Guarded is a server with users whose passwords are their names.
func Guarded(t *testing.T, users ...*acl.User) *Rig {
	return Start(t, TCP(t), func(c *server.Config) { c.RequireAuth, c.Login = true, acltest.These(users...) })
}

// As is a client that has shown to be a user.
func (r *Rig) As(user string) *Client {
	r.T.Helper()
	c := r.Dial()
	c.Want("+OK\r\n", "AUTH", user, user)
	return c
}

// Dial is a client of whatever serves at l.
func Dial(t *testing.T, l net.Listener) *Client { return (&Rig{T: t, Listener: l}).Dial() }

// NewClient is a client on a connection that was made.
func NewClient(t *testing.T, nc net.Conn) *Client { return &Client{t, nc, bufio.NewReader(nc)} }
