package server_test

import (
	"bufio"
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
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
	"kvd/replica/resp/token"
	"kvd/resolve"
)

func TestPipelineIsOneCall(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	var in, want strings.Builder
	for i := range 16 {
		in.WriteString(encode("SET", fmt.Sprint("k", i), "v"))
		want.WriteString("+OK\r\n")
	}
	in.WriteString(encode("PING") + encode("MGET", "k1", "k2") + encode("NOSUCH"))
	want.WriteString("+PONG\r\n*2\r\n$1\r\nv\r\n$1\r\nv\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n")
	c.send(in.String())
	var got strings.Builder
	for range 19 {
		got.WriteString(c.reply())
	}
	if got.String() != want.String() {
		t.Errorf("replies %q, want %q", got.String(), want.String())
	}
	if b := r.leader.Batches(); !slices.Equal(b, []int{18}) {
		t.Errorf("calls of Do had %v requests, want one of 18", b)
	}
}

func TestTransactionIsOneCall(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	c.send(encode("SET", "a", "1") + encode("MULTI") + encode("INCR", "a") + encode("MSET", "b", "2", "c", "3") + encode("EXEC") + encode("GET", "a"))
	var got strings.Builder
	for range 6 {
		got.WriteString(c.reply())
	}
	if want := "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:2\r\n+OK\r\n$1\r\n2\r\n"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
	if b := r.leader.Batches(); !slices.Equal(b, []int{1, 3, 1}) {
		t.Errorf("calls of Do had %v requests, want 1, 3, 1", b)
	}
}

func TestDepthBoundsACall(t *testing.T) {
	r := start(t, tcp(t), func(c *server.Config) { c.Limits.Pipeline, c.Limits.Requests = 8, 4 })
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	c.send(strings.Repeat(encode("GET", "a"), 10) + encode("MGET", "a", "b", "c", "d", "e", "f") + strings.Repeat(encode("PING"), 20))
	for range 31 {
		c.reply()
	}
	if b := r.leader.Batches(); slices.Max(b) > 8 || len(b) < 3 {
		t.Errorf("calls of Do had %v requests, want at most 4, or one command's 6 after 2", b)
	}
}

func TestOneClientDoesNotHoldUpOthers(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	release := r.leader.Hold()
	defer release()
	slow, quick := r.dial(), r.dial()
	defer slow.nc.Close()
	defer quick.nc.Close()
	slow.send(encode("SET", "a", "1"))
	for len(r.leader.Batches()) == 0 {
		quick.want("+PONG\r\n", "PING")
	}
	release()
	if got := slow.reply(); got != "+OK\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestEngineErrors(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	r.leader.Refuse(fmt.Errorf("do: %w (9); try again later", replica.ErrOverloaded))
	want := "-TRYAGAIN do: too many requests are waiting at this leader (9); try again later\r\n"
	c.want(want, "SET", "a", "1")
	c.send(encode("MULTI") + encode("SET", "a", "1") + encode("EXEC"))
	c.reply()
	c.reply()
	if got := c.reply(); got != want {
		t.Errorf("EXEC: got %q, want %q", got, want)
	}
	r.leader.Refuse(fmt.Errorf("do: %w; go elsewhere", server.ErrDraining))
	c.want("-TRYAGAIN do: this leader is draining; go elsewhere\r\n", "GET", "a")
	r.leader.Refuse(errors.New("disk\r\non fire"))
	c.want("-ERR disk  on fire\r\n", "GET", "a")
	r.leader.Refuse(nil)
	c.want("$-1\r\n", "GET", "a")
}

// TestDrain: what was taken is answered, what is idle is closed, nobody new is
// let in, and Shutdown waits for it.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), nil)
		idle, half, busy, waiting := r.dial(), r.dial(), r.dial(), r.dial()
		idle.want("+PONG\r\n", "PING")
		half.send("*1\r\n$4\r\nPI")
		release := r.leader.Hold()
		busy.send(encode("SET", "a", "1"))
		waiting.send(encode("WAIT", "9", "0"))
		synctest.Wait()
		down := make(chan error, 1)
		go func() { down <- r.srv.Shutdown(context.Background()) }()
		idle.closed()
		half.closed()
		if got := waiting.reply(); got != ":2\r\n" {
			t.Errorf("WAIT: got %q", got)
		}
		waiting.closed()
		synctest.Wait()
		select {
		case err := <-down:
			t.Errorf("shutdown ended before the request in flight: %v", err)
		default:
		}
		release()
		if got := busy.reply(); got != "+OK\r\n" {
			t.Errorf("in flight: got %q", got)
		}
		busy.closed()
		if err := <-down; err != nil {
			t.Errorf("shutdown: %v", err)
		}
		r.stop()
		if err := r.srv.Serve(context.Background(), newPipes()); err == nil {
			t.Error("a drained server serves again")
		}
	})
}

// TestDrainGivesUp: when the engine does not answer in time, the rest is cut, and
// an answer that comes later harms nobody.
func TestDrainGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), nil)
		release := r.leader.Hold()
		c, x := r.dial(), r.dial()
		c.send(encode("SET", "a", "1"))
		x.send(encode("MULTI"))
		x.reply()
		x.send(encode("SET", "b", "1"))
		x.reply()
		x.send(encode("EXEC"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		c.closed()
		x.closed()
		release()
		r.stop()
		if keys, _, err := r.leader.Scan("", 9, nil); err != nil || !slices.Equal(keys, []string{"a", "b"}) {
			t.Errorf("the engine's requests were taken away from it: it wrote %q, %v", keys, err)
		}
	})
}

// broken is a listener that cannot go on.
type broken struct{ *pipes }

func (broken) Accept() (net.Conn, error) { return nil, errors.New("no more wire") }

func TestBrokenListener(t *testing.T) {
	srv, err := server.New(server.Defaults(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := broken{newPipes()}
	if err := srv.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "no more wire") {
		t.Errorf("serve: %v", err)
	}
	select {
	case <-l.done:
	default:
		t.Error("the listener was left open")
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	srv, err := server.New(server.Defaults(), r.leader, r.leader, r.leader)
	if err != nil {
		t.Fatal(err)
	}
	l := tcp(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, l) }()
	c := (&rig{t: t, l: l}).dial()
	c.want("+PONG\r\n", "PING")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("serve: %v", err)
	}
	c.closed()
}

func TestWaitForIsWokenByTheFrontier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), nil)
		defer r.stop()
		c := r.dial()
		d := logical.Dot{Origin: 0xbee, Seq: 3}
		tok := token.Token{Seen: replica.Token{Frontier: logical.FrontierOf(d)}}.String()
		if got := c.do("KVD.WAITFOR", tok, "50"); !strings.HasPrefix(got, "-BEHIND ") {
			t.Errorf("got %q", got)
		}
		c.send(encode("KVD.WAITFOR", tok, "60000"))
		time.Sleep(time.Second) // virtual
		r.leader.Heard(d)
		begun := time.Now()
		if got := c.reply(); got != "+OK\r\n" || time.Since(begun) > 10*time.Millisecond {
			t.Errorf("got %q after %s", got, time.Since(begun))
		}
		_ = c.nc.Close()
	})
}

// TestWaitAsksForTheConnectionsOwnWrite, not for everybody's.
func TestWaitAsksForTheConnectionsOwnWrite(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	a, b := r.dial(), r.dial()
	defer a.nc.Close()
	defer b.nc.Close()
	a.want("+OK\r\n", "MSET", "x", "1", "y", "2")
	b.want("+OK\r\n", "SET", "z", "3")
	a.want("$1\r\n1\r\n", "GET", "x")
	a.want(":2\r\n", "WAIT", "2", "0")
	if f := r.leader.Asked(); f.Len() != 1 || f.At(resptest.Origin) != 2 {
		t.Errorf("asked about %s, want the second write", f)
	}
}

// TestTokensVouchForWhatWasShown: a write keeps what its author had not been
// shown, and its token does not claim to have seen it either.
func TestTokensVouchForWhatWasShown(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	textOf := func(reply string) string { return strings.Split(reply[strings.Index(reply, "token"):], "\r\n")[2] }
	before := textOf(c.do("KVD.GET", "cart"))
	c.want("+OK\r\n", "SET", "cart", "milk")
	mine := textOf(c.do("KVD.SET", "cart", "bread", "TOKEN", before))
	c.want("-CONFLICT 2 siblings; use KVD.GET\r\n", "GET", "cart")
	parsed, err := token.Parse(mine)
	if want := []logical.Dot{{Origin: resptest.Origin, Seq: 2}}; err != nil || !slices.Equal(parsed.Shown, want) {
		t.Errorf("the token was shown %v, %v; want %v", parsed.Shown, err, want)
	}
	c.do("KVD.SET", "cart", "butter", "TOKEN", mine)
	reply := c.do("KVD.GET", "cart")
	if !strings.Contains(reply, "milk") || !strings.Contains(reply, "butter") || strings.Contains(reply, "bread") {
		t.Errorf("got %q", reply)
	}
	c.do("KVD.DEL", "cart", "TOKEN", mine)
	c.do("KVD.RESOLVE", "cart", "all", "TOKEN", textOf(c.do("KVD.GET", "cart")))
	c.want("$3\r\nall\r\n", "GET", "cart")
}

func TestKill(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	a, b, c := r.dial(), r.dial(), r.dial()
	defer c.nc.Close()
	addr := b.nc.LocalAddr().String()
	id := strings.Trim(a.do("CLIENT", "ID"), ":\r\n")
	b.want("+PONG\r\n", "PING")
	c.want(":1\r\n", "CLIENT", "KILL", "ID", id)
	a.closed()
	c.want("+OK\r\n", "CLIENT", "KILL", addr)
	b.closed()
	if list := c.do("CLIENT", "LIST"); strings.Contains(list, addr) && r.srv.Stats().Clients > 2 {
		t.Errorf("the killed are still there: %q", list)
	}
	c.want(":1\r\n", "CLIENT", "KILL", "ID", strings.Trim(c.do("CLIENT", "ID"), ":\r\n"), "SKIPME", "no")
	c.closed()
}

// A cursor is never too old: what is not remembered is looked for, and what is gone
// begins again.
func TestCursorsAreNeverTooOld(t *testing.T) {
	serve := func() (*rig, *client) {
		r := start(t, tcp(t), func(c *server.Config) { c.Limits.Cursors = 2 })
		c := r.dial()
		c.want("+OK\r\n", "MSET", "a", "", "b", "", "c", "", "d", "", "e", "")
		return r, c
	}
	r, c := serve()
	next := func(cursor string) string { return strings.Split(c.do("SCAN", cursor, "COUNT", "1"), "\r\n")[2] }
	first := next("0")
	for cursor := first; cursor != "0"; cursor = next(cursor) {
	}
	if got := c.do("SCAN", first, "COUNT", "1"); !strings.HasSuffix(got, "*1\r\n$1\r\nb\r\n") {
		t.Errorf("an old cursor goes on with %q", got)
	}
	_ = c.nc.Close()
	r.stop()

	r, c = serve()
	defer r.stop()
	defer c.nc.Close()
	if got := c.do("SCAN", first, "COUNT", "1"); !strings.HasSuffix(got, "*1\r\n$1\r\nb\r\n") {
		t.Errorf("a cursor of another leader goes on with %q", got)
	}
	for _, none := range []string{"1", "-1", "+7", "18446744073709551615", "007"} {
		if got := c.do("SCAN", none, "COUNT", "1"); !strings.HasSuffix(got, "*1\r\n$1\r\na\r\n") {
			t.Errorf("cursor %s of no key goes on with %q", none, got)
		}
	}
	for _, wrong := range []string{"x", "1x", "18446744073709551616", " 1", "--1"} {
		c.want("-ERR invalid cursor\r\n", "SCAN", wrong)
	}
}

func TestInfoHasWhatClientsNeed(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	for _, args := range [][]string{{"INFO"}, {"INFO", "all"}, {"INFO", "server", "persistence", "KVD"}} {
		info := c.do(args...)
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
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	c.do("SET", "a", "1")
	c.do("MGET", "a", "none", "a")
	c.do("GET", "none")
	c.do("GET", "none", "more")
	c.do("MULTI")
	c.do("EXISTS", "a", "none")
	c.do("EXEC")
	has := func(want bool, section string, lines ...string) {
		t.Helper()
		info := c.do("INFO", section)
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
	before := r.srv.Stats().Commands
	c.want("+OK\r\n", "CONFIG", "RESETSTAT")
	has(true, "stats", "keyspace_hits:0\r\n", "keyspace_misses:0\r\n")
	has(false, "commandstats", "cmdstat_get", "cmdstat_set")
	if after := r.srv.Stats().Commands; after < before {
		t.Errorf("%d commands, %d before", after, before)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(nil) // for its certificate
	cert := s.TLS.Certificates
	s.Close()
	r := start(t, tcp(t), func(c *server.Config) { c.TLS = &tls.Config{Certificates: cert} })
	defer r.stop()
	nc, err := tls.Dial("tcp", r.l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, encode("PING")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 7)
	if _, err := io.ReadFull(nc, buf); err != nil || string(buf) != "+PONG\r\n" {
		t.Errorf("got %q, %v", buf, err)
	}
	c := &client{t, nc, bufio.NewReader(nc)}
	c.do("SUBSCRIBE", "kvd:losses")
	for range 3 { // a read that was woken up can be read on
		r.feeds.Tell("kvd:losses", "m")
		if got := c.reply(); !strings.HasSuffix(got, "$1\r\nm\r\n") {
			t.Errorf("got %q", got)
		}
		c.want("*2\r\n$4\r\npong\r\n$0\r\n\r\n", "PING")
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
		"Cursors":     func(c *server.Config) { c.Limits.Cursors = 0 },
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
	r := start(t, tcp(t), nil)
	defer r.stop()
	r.leader.SetPolicy(resolve.Policy{Default: resolve.Causal})
	c := r.dial()
	defer c.nc.Close()
	if got := c.do("KVD.GET", "a"); !strings.HasSuffix(got, "$8\r\nresolver\r\n$6\r\ncausal\r\n") {
		t.Errorf("got %q", got)
	}
}
