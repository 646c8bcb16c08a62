package server_test

import (
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/acl/acltest"
	"kvd/replica/replicatest"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

// TestProtocolErrors: whatever is not the protocol or beyond a limit is answered
// in Redis' words, and the connection closed, after what was well-formed before
// it has been answered.
func TestProtocolErrors(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) {
		l := &c.Limits
		l.Args, l.Bulk, l.Command, l.Inline, l.Input = 16, 1000, 1500, 100, 512
	})
	defer r.Stop()
	for in, want := range map[string]string{
		"*17\r\n":                           "invalid multibulk length",
		"*x\r\n":                            "invalid multibulk length",
		"*99999999999999999999\r\n":         "invalid multibulk length",
		"*+1\r\n":                           "invalid multibulk length",
		"*1\n$4\r\nPING\r\n":                "invalid multibulk length",
		"*" + strings.Repeat("1", 64):       "too big mbulk count string",
		"*1\r\n+PING\r\n":                   "expected '$', got '+'",
		"*1\r\n$-1\r\n":                     "invalid bulk length",
		"*1\r\n$48001\r\n":                  "invalid bulk length",
		"*1\r\n$4 \r\nPING\r\n":             "invalid bulk length",
		"*1\r\n$" + strings.Repeat("0", 64): "too big bulk count string",
		"*1\r\n$4\r\nPINGxx":                "bulk string is not ended by CRLF",
		"*1\r\n$1001\r\n" + strings.Repeat("x", 1003): "bulk string is not ended by CRLF",
		strings.Repeat("x", 700) + "\r\n":             "too big inline request",
		"SET a \"b\r\n":                               "unbalanced quotes in request",
		"SET a \"b\"c\r\n":                            "unbalanced quotes in request",
		strings.Repeat("a ", 20) + "\r\n":             "too many arguments in request",
	} {
		c := r.Dial()
		c.Send("PING\r\n" + in)
		if got := c.Reply(); got != "+PONG\r\n" {
			t.Errorf("%q: PING before it was answered %q", in, got)
		}
		if got := c.Reply(); got != "-ERR Protocol error: "+want+"\r\n" {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		c.Closed()
	}
}

// TestTooLargeIsPassedOver: what is beyond a limit and well-formed is answered with
// the limit, nothing of it is done, and the connection goes on, however the bytes
// arrive.
func TestTooLargeIsPassedOver(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) {
		l := &c.Limits
		l.Args, l.Bulk, l.Command, l.Inline, l.Input = 16, 1000, 1500, 100, 512
	})
	defer r.Stop()
	x := strings.Repeat
	const long, whole = "-ERR an argument of 1001 bytes is longer than 1000, the limit for one (proto-max-bulk-len)\r\n",
		"-ERR the command is longer than 1500 bytes, the limit for one with all its arguments; split it\r\n"
	for name, in := range map[string]struct{ text, want string }{
		"value":                {resptest.Encode("SET", "a", x("v", 1001)), long},
		"key":                  {resptest.Encode("SET", x("k", 1001), "v", "EX", "5"), long},
		"the first reason":     {resptest.Encode("MSET", x("k", 1001), x("v", 1002), x("k", 900), x("v", 900)), long},
		"all arguments":        {resptest.Encode("MSET", x("k", 900), x("v", 900), "b", "1"), whole},
		"what looks like more": {resptest.Encode("SET", "a", x(resptest.Encode("SET", "b", "1"), 33)+x("v", 110)), "-ERR an argument of 1001"},
		"far":                  {resptest.Encode("SET", "a", x("v", 40_000)), "-ERR an argument of 40000 bytes"},
	} {
		c := r.Dial()
		whole := "PING\r\n" + in.text + resptest.Encode("EXISTS", "a", "b")
		for len(whole) > 0 {
			n := min(len(whole), 333)
			c.Send(whole[:n])
			whole = whole[n:]
		}
		if got := c.Reply(); got != "+PONG\r\n" {
			t.Errorf("%s: PING before it was answered %q", name, got)
		}
		if got := c.Reply(); !strings.HasPrefix(got, in.want) {
			t.Errorf("%s: got %q, want %q", name, got, in.want)
		}
		if got := c.Reply(); got != ":0\r\n" {
			t.Errorf("%s: the command after it was answered %q", name, got)
		}
		c.Conn.Close()
	}
	c := r.Dial()
	defer c.Conn.Close()
	c.Want("+OK\r\n", "MULTI")
	c.Want("+QUEUED\r\n", "SET", "a", "1")
	c.Want(long, "SET", "b", x("v", 1001))
	c.Want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
	c.Want(":0\r\n", "EXISTS", "a", "b")
}

func TestWellFormedOddities(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Send("\r\n\n   \r\n*0\r\n*-1\r\n" + `ping "a\x41\n\"" ` + "\n" + "echo 'it\\'s \\n'\r\n")
	if got, want := c.Reply()+c.Reply(), "$4\r\naA\n\"\r\n$7\r\nit's \\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.Want("$0\r\n\r\n", "ECHO", "")
	big := strings.Repeat("x", 1<<20)
	c.Want("+OK\r\n", "SET", "big", big)
	c.Want("$1048576\r\n"+big+"\r\n", "GET", "big")
}

func TestKeyLimits(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.Limits.Key, c.Limits.Keys, c.Limits.Queued, c.Limits.Bulk = 8, 2, 2, 10 })
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Want("-ERR the key is longer than 8 bytes\r\n", "SET", "123456789", "x")
	c.Want("-ERR the key is longer than 8 bytes\r\n", "MSET", "a", "1", "123456789", "2")
	c.Want("$-1\r\n", "GET", "a")
	c.Want("+OK\r\n", "MSET", "a", "1", "b", "2")
	c.Want("*2\r\n$1\r\na\r\n$1\r\nb\r\n", "KEYS", "*")
	c.Want("+OK\r\n", "SET", "c", "0123456789")
	c.Want("-ERR more than 2 keys match; use SCAN\r\n", "KEYS", "*")
	c.Want("-ERR string exceeds maximum allowed size (10 bytes)\r\n", "APPEND", "c", "x")
	c.Want("+OK\r\n", "MULTI")
	c.Want("+QUEUED\r\n", "GET", "a")
	c.Want("+QUEUED\r\n", "GET", "a")
	c.Want("-ERR the transaction is too big: it may have 2 commands and 2 keys; split it\r\n", "GET", "a")
	c.Want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
}

// As many commands in a transaction, and keys of a command, as there is memory for; more
// are answered with what there is, and the connection goes on.
func TestManyCommandsAndArguments(t *testing.T) {
	const many = 70_000
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.Limits = c.Limits.Within(192 << 20) })
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	pairs, keys := []string{"MSET"}, []string{"DEL"}
	for i := range many {
		key := strconv.Itoa(i)
		pairs, keys = append(pairs, key, key), append(keys, key)
	}
	c.Want("+OK\r\n", pairs...)
	c.Want("$5\r\n69999\r\n", "GET", "69999")
	c.Want(":70000\r\n", keys...)
	const commands = 5000
	c.Send(resptest.Encode("MULTI") + strings.Repeat(resptest.Encode("INCR", "n"), commands) + resptest.Encode("EXEC"))
	for range 1 + commands {
		c.Reply()
	}
	if got := c.Reply(); !strings.HasPrefix(got, "*5000\r\n:1\r\n") || !strings.HasSuffix(got, ":5000\r\n") {
		t.Errorf("EXEC is answered %.40q", got)
	}
	keys[0] = "EXISTS"
	for len(keys) < 3*many {
		keys = append(keys, keys[1:]...)
	}
	if got := c.Do(keys...); !strings.HasPrefix(got, "-ERR ") || !strings.Contains(got, "split the command") {
		t.Errorf("%d keys are answered %.200q", len(keys)-1, got)
	}
	c.Want("+PONG\r\n", "PING")
}

func TestUnauthenticatedMaySendLittle(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) {
		c.RequireAuth, c.Login = true, acltest.Let(func(_, pass string) bool { return pass == "ok" })
	})
	defer r.Stop()
	c := r.Dial()
	c.Send("*11\r\n")
	if got := c.Reply(); got != "-ERR Protocol error: unauthenticated multibulk length\r\n" {
		t.Errorf("got %q", got)
	}
	c.Closed()
	c = r.Dial()
	c.Send("*2\r\n$4\r\nAUTH\r\n$16385\r\n")
	if got := c.Reply(); got != "-ERR Protocol error: unauthenticated bulk length\r\n" {
		t.Errorf("got %q", got)
	}
	c.Closed()
	c = r.Dial()
	defer c.Conn.Close()
	c.Want("+OK\r\n", "AUTH", "ok")
	c.Want("+OK\r\n", "SET", "a", strings.Repeat("x", 20000))
}

func TestPasswordsCannotBeGuessedFast(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) {
		c.RequireAuth, c.Login = true, acltest.Let(func(_, _ string) bool { return false })
	})
	defer r.Stop()
	c := r.Dial()
	for range 10 {
		c.Want("-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "x")
	}
	c.Closed()
}

func TestBrowsersAreCut(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	c.Send("POST / HTTP/1.1\r\nHost: x\r\n\r\nSET a 1\r\n")
	if got := c.Reply(); !strings.HasPrefix(got, "-ERR unknown command 'POST'") {
		t.Errorf("got %q", got)
	}
	c.Closed()
	if b := r.Leader.Batches(); len(b) != 0 {
		t.Errorf("the body was executed: %v", b)
	}
}

func TestMaxClients(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.Limits.Clients = 1 })
	defer r.Stop()
	a := r.Dial()
	a.Want("+PONG\r\n", "PING")
	b := r.Dial()
	if got := b.Reply(); got != "-ERR max number of clients reached\r\n" {
		t.Errorf("got %q", got)
	}
	b.Closed()
	a.Want("+OK\r\n", "QUIT")
	a.Closed()
}

func TestHalfSentThenClosed(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	c.Send(resptest.Encode("SET", "a", "1") + "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhal")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := c.Reply(); got != "+OK\r\n" {
		t.Errorf("got %q", got)
	}
	c.Closed()
	d := r.Dial()
	defer d.Conn.Close()
	d.Want("$1\r\n1\r\n", "GET", "a")
}

// TestSlowDrip: a byte a second never makes a command in time, however lively
// the connection looks.
func TestSlowDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Arrive, c.Idle = 5*time.Second, time.Minute })
		defer r.Stop()
		c := r.Dial()
		c.Want("+PONG\r\n", "PING")
		begun := time.Now()
		var drip sync.WaitGroup
		drip.Go(func() {
			for _, b := range []byte(resptest.Encode("SET", "a", "0123456789")) {
				if _, err := c.Conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second) // virtual
			}
		})
		if got := c.Reply(); got != "-ERR Protocol error: the command did not arrive within 5s\r\n" {
			t.Errorf("got %q", got)
		}
		c.Closed()
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("cut after %s, want 5s", took)
		}
		drip.Wait()
		if n := r.Server.Stats().Slow; n != 1 {
			t.Errorf("slow clients counted: %d", n)
		}
	})
}

// TestSteadyStreamIsNotADrip: reads that always end within a command are fine as
// long as commands arrive.
func TestSteadyStreamIsNotADrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Arrive = 5 * time.Second })
		defer r.Stop()
		c := r.Dial()
		ping := resptest.Encode("PING")
		c.Send(ping[:5])
		for range 20 {
			time.Sleep(2 * time.Second) // virtual
			c.Send(ping[5:] + ping[:5])
			if got := c.Reply(); got != "+PONG\r\n" {
				t.Fatalf("got %q", got)
			}
		}
		_ = c.Conn.Close()
	})
}

func TestIdleClientsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Idle = time.Minute })
		defer r.Stop()
		c := r.Dial()
		c.Want("+PONG\r\n", "PING")
		time.Sleep(59 * time.Second) // virtual
		c.Want("+PONG\r\n", "PING")
		begun := time.Now()
		c.Closed()
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("closed after %s", took)
		}
	})
}

// TestSlowTakersAreCut: who does not read its replies is cut after the write
// deadline, and was not read from meanwhile.
// Whoever writes all of a long pipeline before it reads a reply is served, however long
// the one takes and the other waits, as by Redis.
func TestPipelinesMayBeWrittenBeforeRepliesAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Send = time.Second })
		defer r.Stop()
		c := r.Dial()
		const n = 2000
		text := strings.Repeat("x", 1000)
		for i := range n {
			c.Send(resptest.Encode("ECHO", text+strconv.Itoa(i)))
		}
		time.Sleep(15 * time.Second)
		if used := r.Server.Stats().Memory.Used; used < n*1000 {
			t.Errorf("%d bytes are counted while %d are held", used, n*1000)
		}
		for i := range n {
			if got, want := c.Reply(), text+strconv.Itoa(i); !strings.HasSuffix(got, "\r\n"+want+"\r\n") {
				t.Fatalf("reply %d is %.40q", i, got)
			}
		}
		c.Want("+PONG\r\n", "PING")
		if used := r.Server.Stats().Memory.Used; used > 1<<20 {
			t.Errorf("%d bytes are held afterwards", used)
		}
		_ = c.Conn.Close()
	})
}

// What is read ahead is bounded: then the client is held, and goes on when it reads.
func TestReadingAheadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Limits = c.Limits.Within(64 << 20) })
		defer r.Stop()
		c := r.Dial()
		const n = 1800
		text := strings.Repeat("x", 20000)
		go func() {
			for range n {
				if _, err := c.Conn.Write([]byte(resptest.Encode("ECHO", text))); err != nil {
					return
				}
			}
		}()
		time.Sleep(15 * time.Second)
		if m := r.Server.Stats().Memory; m.Used < 20<<20 || m.Used > m.Limit*5/8 {
			t.Errorf("%d bytes of %d are held", m.Used, m.Limit)
		}
		other := r.Dial()
		other.Want("+PONG\r\n", "PING")
		_ = other.Conn.Close()
		for range n {
			if got := c.Reply(); len(got) != len(text)+10 {
				t.Fatalf("a reply of %d bytes", len(got))
			}
		}
		_ = c.Conn.Close()
	})
}

// Who takes no replies is cut where it may not be idle; otherwise it may take its time.
func TestSlowTakersAreCutWhereNobodyMayBeIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Send, c.Idle = time.Second, 3*time.Second })
		defer r.Stop()
		c := r.Dial()
		c.Send(resptest.Encode("PING"))
		time.Sleep(2900 * time.Millisecond) // virtual
		if n := r.Server.Stats().Slow; n != 0 {
			t.Errorf("%d were cut too early", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := r.Server.Stats().Slow; n != 1 {
			t.Errorf("slow clients counted: %d", n)
		}
	})
}

// TestTimeoutThatIsSetCountsForThoseThatWait: CONFIG SET timeout closes clients that were
// idle before already, and none that says something.
func TestTimeoutThatIsSetCountsForThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), nil)
		defer r.Stop()
		idle, c := r.Dial(), r.Dial()
		idle.Want("+PONG\r\n", "PING")
		time.Sleep(time.Hour)
		c.Want("+OK\r\n", "CONFIG", "SET", "timeout", "5")
		time.Sleep(4 * time.Second)
		c.Want("+PONG\r\n", "PING")
		time.Sleep(2 * time.Second)
		idle.Closed()
		c.Want("+PONG\r\n", "PING")
		c.Want("+OK\r\n", "CONFIG", "SET", "timeout", "0")
		time.Sleep(time.Hour)
		c.Want("+PONG\r\n", "PING")
		_ = c.Conn.Close()
	})
}
