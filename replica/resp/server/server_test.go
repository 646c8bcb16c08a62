package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/command"
	"kvd/replica/replicatest"
	"kvd/replica/resp"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
	"kvd/replica/resp/token"
	"kvd/resolve"
)

func TestPipelineIsOneCall(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	var in, want strings.Builder
	for i := range 16 {
		in.WriteString(resptest.Encode("SET", fmt.Sprint("k", i), "v"))
		want.WriteString("+OK\r\n")
	}
	in.WriteString(resptest.Encode("PING") + resptest.Encode("MGET", "k1", "k2") + resptest.Encode("NOSUCH"))
	want.WriteString("+PONG\r\n*2\r\n$1\r\nv\r\n$1\r\nv\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n")
	c.Send(in.String())
	var got strings.Builder
	for range 19 {
		got.WriteString(c.Reply())
	}
	if got.String() != want.String() {
		t.Errorf("replies %q, want %q", got.String(), want.String())
	}
	if b := r.Leader.Batches(); !slices.Equal(b, []int{18}) {
		t.Errorf("calls of Do had %v requests, want one of 18", b)
	}
}

func TestTransactionIsOneCall(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Send(resptest.Encode("SET", "a", "1") + resptest.Encode("MULTI") + resptest.Encode("INCR", "a") + resptest.Encode("MSET", "b", "2", "c", "3") + resptest.Encode("EXEC") + resptest.Encode("GET", "a"))
	var got strings.Builder
	for range 6 {
		got.WriteString(c.Reply())
	}
	if want := "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:2\r\n+OK\r\n$1\r\n2\r\n"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
	if b := r.Leader.Batches(); !slices.Equal(b, []int{1, 3, 1}) {
		t.Errorf("calls of Do had %v requests, want 1, 3, 1", b)
	}
}

func TestDepthBoundsACall(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.Limits.Pipeline, c.Limits.Requests = 8, 4 })
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Send(strings.Repeat(resptest.Encode("GET", "a"), 10) + resptest.Encode("MGET", "a", "b", "c", "d", "e", "f") + strings.Repeat(resptest.Encode("PING"), 20))
	for range 31 {
		c.Reply()
	}
	if b := r.Leader.Batches(); slices.Max(b) > 8 || len(b) < 3 {
		t.Errorf("calls of Do had %v requests, want at most 4, or one command's 6 after 2", b)
	}
}

func TestOneClientDoesNotHoldUpOthers(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	release := r.Leader.Hold()
	defer release()
	slow, quick := r.Dial(), r.Dial()
	defer slow.Conn.Close()
	defer quick.Conn.Close()
	slow.Send(resptest.Encode("SET", "a", "1"))
	for len(r.Leader.Batches()) == 0 {
		quick.Want("+PONG\r\n", "PING")
	}
	release()
	if got := slow.Reply(); got != "+OK\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestEngineErrors(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	r.Leader.Refuse(fmt.Errorf("do: %w (9); try again later", replica.ErrOverloaded))
	want := "-TRYAGAIN do: too many requests are waiting at this leader (9); try again later\r\n"
	c.Want(want, "SET", "a", "1")
	c.Send(resptest.Encode("MULTI") + resptest.Encode("SET", "a", "1") + resptest.Encode("EXEC"))
	c.Reply()
	c.Reply()
	if got := c.Reply(); got != want {
		t.Errorf("EXEC: got %q, want %q", got, want)
	}
	r.Leader.Refuse(fmt.Errorf("do: %w; go elsewhere", resp.ErrDraining))
	c.Want("-TRYAGAIN do: this leader is draining; go elsewhere\r\n", "GET", "a")
	r.Leader.Refuse(errors.New("disk\r\non fire"))
	c.Want("-ERR disk  on fire\r\n", "GET", "a")
	r.Leader.Refuse(nil)
	c.Want("$-1\r\n", "GET", "a")
}

// TestDrain: what was taken is answered, what is idle is closed, nobody new is
// let in, and Shutdown waits for it.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), nil)
		idle, half, busy, waiting := r.Dial(), r.Dial(), r.Dial(), r.Dial()
		idle.Want("+PONG\r\n", "PING")
		half.Send("*1\r\n$4\r\nPI")
		release := r.Leader.Hold()
		busy.Send(resptest.Encode("SET", "a", "1"))
		waiting.Send(resptest.Encode("WAIT", "9", "0"))
		synctest.Wait()
		down := make(chan error, 1)
		go func() { down <- r.Server.Shutdown(context.Background()) }()
		idle.Closed()
		half.Closed()
		if got := waiting.Reply(); got != ":2\r\n" {
			t.Errorf("WAIT: got %q", got)
		}
		waiting.Closed()
		synctest.Wait()
		select {
		case err := <-down:
			t.Errorf("shutdown ended before the request in flight: %v", err)
		default:
		}
		release()
		if got := busy.Reply(); got != "+OK\r\n" {
			t.Errorf("in flight: got %q", got)
		}
		busy.Closed()
		if err := <-down; err != nil {
			t.Errorf("shutdown: %v", err)
		}
		r.Stop()
		if err := r.Server.Serve(context.Background(), replicatest.NewPipes("pipe")); err == nil {
			t.Error("a drained server serves again")
		}
	})
}

// TestDrainGivesUp: when the engine does not answer in time, the rest is cut, and
// an answer that comes later harms nobody.
func TestDrainGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), nil)
		release := r.Leader.Hold()
		c, x := r.Dial(), r.Dial()
		c.Send(resptest.Encode("SET", "a", "1"))
		x.Send(resptest.Encode("MULTI"))
		x.Reply()
		x.Send(resptest.Encode("SET", "b", "1"))
		x.Reply()
		x.Send(resptest.Encode("EXEC"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		c.Closed()
		x.Closed()
		release()
		r.Stop()
		if keys, _, err := r.Leader.Scan("", 9, nil); err != nil || !slices.Equal(keys, []string{"a", "b"}) {
			t.Errorf("the engine's requests were taken away from it: it wrote %q, %v", keys, err)
		}
	})
}

// broken is a listener that cannot go on.
type broken struct{ *replicatest.Pipes }

func (broken) Accept() (net.Conn, error) { return nil, errors.New("no more wire") }

func TestBrokenListener(t *testing.T) {
	srv, err := server.New(server.Defaults(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := broken{replicatest.NewPipes("pipe")}
	if err := srv.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "no more wire") {
		t.Errorf("serve: %v", err)
	}
	select {
	case <-l.Done:
	default:
		t.Error("the listener was left open")
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	cfg := server.Defaults()
	cfg.Commands = command.Table(command.Options{})
	srv, err := server.New(cfg, r.Leader, r.Leader, r.Leader)
	if err != nil {
		t.Fatal(err)
	}
	l := resptest.TCP(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, l) }()
	c := resptest.Dial(t, l)
	c.Want("+PONG\r\n", "PING")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("serve: %v", err)
	}
	c.Closed()
}

func TestWaitForIsWokenByTheFrontier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), nil)
		defer r.Stop()
		c := r.Dial()
		d := logical.Dot{Origin: 0xbee, Seq: 3}
		tok := token.Token{Seen: replica.Token{Frontier: logical.FrontierOf(d)}}.String()
		if got := c.Do("KVD.WAITFOR", tok, "50"); !strings.HasPrefix(got, "-BEHIND ") {
			t.Errorf("got %q", got)
		}
		c.Send(resptest.Encode("KVD.WAITFOR", tok, "60000"))
		time.Sleep(time.Second) // virtual
		r.Leader.Heard(d)
		begun := time.Now()
		if got := c.Reply(); got != "+OK\r\n" || time.Since(begun) > 10*time.Millisecond {
			t.Errorf("got %q after %s", got, time.Since(begun))
		}
		_ = c.Conn.Close()
	})
}

// TestWaitAsksForTheConnectionsOwnWrite, not for everybody's.
func TestWaitAsksForTheConnectionsOwnWrite(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	a, b := r.Dial(), r.Dial()
	defer a.Conn.Close()
	defer b.Conn.Close()
	a.Want("+OK\r\n", "MSET", "x", "1", "y", "2")
	b.Want("+OK\r\n", "SET", "z", "3")
	a.Want("$1\r\n1\r\n", "GET", "x")
	a.Want(":2\r\n", "WAIT", "2", "0")
	if f := r.Leader.Asked(); f.Len() != 1 || f.At(resptest.Origin) != 2 {
		t.Errorf("asked about %s, want the second write", f)
	}
}

// TestTokensAttestWhatWasShown: a write keeps what its author had not been
// shown, and its token does not claim to have seen it either.
func TestTokensAttestWhatWasShown(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	textOf := func(reply string) string { return strings.Split(reply[strings.Index(reply, "token"):], "\r\n")[2] }
	before := textOf(c.Do("KVD.GET", "cart"))
	c.Want("+OK\r\n", "SET", "cart", "milk")
	mine := textOf(c.Do("KVD.SET", "cart", "bread", "TOKEN", before))
	c.Want("-CONFLICT 2 siblings; use KVD.GET\r\n", "GET", "cart")
	parsed, err := token.Parse(mine)
	if want := []logical.Dot{{Origin: resptest.Origin, Seq: 2}}; err != nil || !slices.Equal(parsed.Shown, want) {
		t.Errorf("the token was shown %v, %v; want %v", parsed.Shown, err, want)
	}
	c.Do("KVD.SET", "cart", "butter", "TOKEN", mine)
	reply := c.Do("KVD.GET", "cart")
	if !strings.Contains(reply, "milk") || !strings.Contains(reply, "butter") || strings.Contains(reply, "bread") {
		t.Errorf("got %q", reply)
	}
	c.Do("KVD.DEL", "cart", "TOKEN", mine)
	c.Do("KVD.RESOLVE", "cart", "all", "TOKEN", textOf(c.Do("KVD.GET", "cart")))
	c.Want("$3\r\nall\r\n", "GET", "cart")
}

func TestKill(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	a, b, c := r.Dial(), r.Dial(), r.Dial()
	defer c.Conn.Close()
	addr := b.Conn.LocalAddr().String()
	id := strings.Trim(a.Do("CLIENT", "ID"), ":\r\n")
	b.Want("+PONG\r\n", "PING")
	c.Want(":1\r\n", "CLIENT", "KILL", "ID", id)
	a.Closed()
	c.Want("+OK\r\n", "CLIENT", "KILL", addr)
	b.Closed()
	if list := c.Do("CLIENT", "LIST"); strings.Contains(list, addr) && r.Server.Stats().Clients > 2 {
		t.Errorf("the killed are still there: %q", list)
	}
	c.Want(":1\r\n", "CLIENT", "KILL", "ID", strings.Trim(c.Do("CLIENT", "ID"), ":\r\n"), "SKIPME", "no")
	c.Closed()
}

// A cursor is never too old: what is not remembered is looked for, and what is gone
// begins again.
func TestCursorsAreNeverTooOld(t *testing.T) {
	serve := func() (*resptest.Rig, *resptest.Client) {
		r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.Commands = command.Table(command.Options{Cursors: 2}) })
		c := r.Dial()
		c.Want("+OK\r\n", "MSET", "a", "", "b", "", "c", "", "d", "", "e", "")
		return r, c
	}
	r, c := serve()
	next := func(cursor string) string { return strings.Split(c.Do("SCAN", cursor, "COUNT", "1"), "\r\n")[2] }
	first := next("0")
	for cursor := first; cursor != "0"; cursor = next(cursor) {
	}
	if got := c.Do("SCAN", first, "COUNT", "1"); !strings.HasSuffix(got, "*1\r\n$1\r\nb\r\n") {
		t.Errorf("an old cursor goes on with %q", got)
	}
	_ = c.Conn.Close()
	r.Stop()

	r, c = serve()
	defer r.Stop()
	defer c.Conn.Close()
	if got := c.Do("SCAN", first, "COUNT", "1"); !strings.HasSuffix(got, "*1\r\n$1\r\nb\r\n") {
		t.Errorf("a cursor of another leader goes on with %q", got)
	}
	for _, none := range []string{"1", "-1", "+7", "18446744073709551615", "007"} {
		if got := c.Do("SCAN", none, "COUNT", "1"); !strings.HasSuffix(got, "*1\r\n$1\r\na\r\n") {
			t.Errorf("cursor %s of no key goes on with %q", none, got)
		}
	}
	for _, wrong := range []string{"x", "1x", "18446744073709551616", " 1", "--1"} {
		c.Want("-ERR invalid cursor\r\n", "SCAN", wrong)
	}
}

func TestInfoHasWhatClientsNeed(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	for _, args := range [][]string{{"INFO"}, {"INFO", "all"}, {"INFO", "server", "persistence", "KVD"}} {
		info := c.Do(args...)
		for _, want := range []string{"# Server\r\n", "redis_version:7.", "loading:0\r\n", "# kvd\r\n", "kvd_version:dev"} {
			if !strings.Contains(info, want) {
				t.Errorf("%v lacks %q: %q", args, want, info)
			}
		}
	}
}

// INFO counts what was read and what was asked, per command, until it is told to begin
// anew; what monitoring reads goes on.
func TestInfoCountsAndBeginsAnew(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Do("SET", "a", "1")
	c.Do("MGET", "a", "none", "a")
	c.Do("GET", "none")
	c.Do("GET", "none", "more")
	c.Do("MULTI")
	c.Do("EXISTS", "a", "none")
	c.Do("EXEC")
	has := func(want bool, section string, lines ...string) {
		t.Helper()
		info := c.Do("INFO", section)
		for _, l := range lines {
			if strings.Contains(info, l) != want {
				t.Errorf("INFO %s, %q: want %t in %q", section, l, want, info)
			}
		}
	}
	has(true, "stats", "keyspace_hits:3\r\n", "keyspace_misses:3\r\n")
	has(true, "commandstats", "cmdstat_set:calls=1,usec=", "cmdstat_get:calls=1,usec=", "rejected_calls=1", "cmdstat_exists:calls=1", "cmdstat_exec:calls=1")
	has(false, "default", "cmdstat_")
	has(true, "memory", "used_memory:", "used_memory_human:", "used_memory_rss:", "used_memory_peak:", "maxmemory_policy:noeviction")
	has(true, "server", "run_id:", "uptime_in_days:0", "tcp_port:")
	has(true, "everything", "used_cpu_user:", "cmdstat_info:calls=")
	before := r.Server.Stats().Commands
	c.Want("+OK\r\n", "CONFIG", "RESETSTAT")
	has(true, "stats", "keyspace_hits:0\r\n", "keyspace_misses:0\r\n")
	has(false, "commandstats", "cmdstat_get", "cmdstat_set")
	if after := r.Server.Stats().Commands; after < before {
		t.Errorf("%d commands, %d before", after, before)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(nil) // for its certificate
	cert := s.TLS.Certificates
	s.Close()
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.TLS = &tls.Config{Certificates: cert} })
	defer r.Stop()
	nc, err := tls.Dial("tcp", r.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, resptest.Encode("PING")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 7)
	if _, err := io.ReadFull(nc, buf); err != nil || string(buf) != "+PONG\r\n" {
		t.Errorf("got %q, %v", buf, err)
	}
	c := resptest.NewClient(t, nc)
	c.Do("SUBSCRIBE", "kvd:losses")
	for range 3 { // a read that was woken up can be read on
		r.Feeds.Tell("kvd:losses", "m")
		if got := c.Reply(); !strings.HasSuffix(got, "$1\r\nm\r\n") {
			t.Errorf("got %q", got)
		}
		c.Want("*2\r\n$4\r\npong\r\n$0\r\n\r\n", "PING")
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, change := range map[string]func(*server.Config){
		"Arrive":      func(c *server.Config) { c.Arrive = 0 },
		"Send":        func(c *server.Config) { c.Send = -1 },
		"Idle":        func(c *server.Config) { c.Idle = -1 },
		"RequireAuth": func(c *server.Config) { c.RequireAuth = true },
		"Args":        func(c *server.Config) { c.Limits.Args = 9 },
		"Command":     func(c *server.Config) { c.Limits.Command = c.Limits.Bulk - 1 },
	} {
		cfg := server.Defaults()
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := server.New(cfg, nil, nil, nil); err == nil {
			t.Errorf("New took a config with a bad %s", name)
		}
	}
}

func TestResolverIsNamed(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	r.Leader.SetPolicy(resolve.Policy{Default: resolve.Causal})
	c := r.Dial()
	defer c.Conn.Close()
	if got := c.Do("KVD.GET", "a"); !strings.HasSuffix(got, "$8\r\nresolver\r\n$6\r\ncausal\r\n") {
		t.Errorf("got %q", got)
	}
}
