package server_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/command"
	"kvd/replica/replicatest"
	"kvd/replica/resp"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A command that takes long is told when nobody waits for its answer any more.
func TestNobodyWaitsAnyMore(t *testing.T) {
	for name, leave := range map[string]func(*resptest.Rig, net.Conn){
		"hangs up":      func(_ *resptest.Rig, c net.Conn) { c.Close() },
		"server drains": func(r *resptest.Rig, _ net.Conn) { go r.Server.Shutdown(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			if name == "hangs up" && runtime.GOOS != "linux" {
				return // nobody can tell there
			}
			asked, over := make(chan struct{}), make(chan error, 1)
			l := listen(t)
			r := resptest.Start(t, l, func(c *server.Config) {
				c.Commands = command.Table(command.Options{Extra: map[string]command.Extra{"x.long": {Arity: 1, Needs: acl.Read, Run: func(ctx context.Context, _ [][]byte, _ *resp.Writer) error {
					close(asked)
					<-ctx.Done()
					over <- ctx.Err()
					return ctx.Err()
				}}}})
			})
			defer r.Stop()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write([]byte("X.LONG\r\n")); err != nil {
				t.Fatal(err)
			}
			<-asked
			leave(r, c)
			select {
			case <-over:
			case <-time.After(replicatest.Timeout):
				t.Error("it goes on for nobody")
			}
		})
	}
}

// An extra command's Error keeps its code, any other error is an ERR, and what
// it wrote is what WAIT waits for.
func TestExtraRefusesAndWrites(t *testing.T) {
	l := listen(t)
	wrote := logical.Dot{Origin: 0xfade, Seq: 9}
	r := resptest.Start(t, l, func(c *server.Config) {
		c.Commands = command.Table(command.Options{Extra: map[string]command.Extra{
			"x.refuse": {Arity: 1, Needs: acl.Read, Run: func(context.Context, [][]byte, *resp.Writer) error { return resp.Refuse("NOSUCH", "%d things", 3) }},
			"x.write": {Arity: -2, Needs: acl.Read, Key: 1, Write: func(_ context.Context, args [][]byte, w *resp.Writer) (logical.Dot, error) {
				w.Bulk(args[1])
				return wrote, nil
			}},
		}})
	})
	defer r.Stop()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, x := range []struct{ say, want string }{
		{"X.REFUSE\r\n", "-NOSUCH 3 things\r\n"},
		{"X.WRITE key\r\n", "$3\r\nkey\r\n"},
		{"WAIT 0 1\r\n", ":2\r\n"},
		{"MULTI\r\n", "+OK\r\n"},
		{"X.WRITE key\r\n", "-ERR Command not allowed inside a transaction\r\n"},
	} {
		b := make([]byte, len(x.want))
		if _, err := c.Write([]byte(x.say)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(replicatest.Timeout)); err != nil {
			t.Fatal(err)
		}
		if n, err := io.ReadFull(c, b); string(b[:n]) != x.want {
			t.Errorf("%q is answered %q, %v", x.say, b[:n], err)
		}
	}
	if f := r.Leader.Asked(); f.At(wrote.Origin) != wrote.Seq {
		t.Errorf("WAIT asked for %s", f)
	}
	for _, bad := range []command.Extra{{Arity: 1, Needs: acl.Read}, {Needs: acl.Read, Run: func(context.Context, [][]byte, *resp.Writer) error { return nil }}, {Arity: 1, Run: func(context.Context, [][]byte, *resp.Writer) error { return nil }}} {
		cfg := server.Defaults()
		cfg.Commands = command.Table(command.Options{Extra: map[string]command.Extra{"x": bad}})
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "not one of Run") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
