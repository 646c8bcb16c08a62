package server_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/replica/acl/acltest"
	"kvd/replica/resp/server"
)

// received is the next message of a go-redis subscription, as text.
func received(t *testing.T, s *redis.PubSub) string {
	t.Helper()
	got, err := s.ReceiveTimeout(t.Context(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(got)
}

func TestGoRedisSubscriptions(t *testing.T) {
	eachProtocol(t, func(t *testing.T, r *rig, c *redis.Client) {
		ctx := t.Context()
		s := c.Subscribe(ctx, "kvd:losses")
		defer s.Close()
		heard := func(what, want string) {
			t.Helper()
			if got := received(t, s); got != want {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		heard("subscribe", "subscribe: kvd:losses")
		r.feeds.Tell("kvd:losses", "one")
		heard("told", "Message<kvd:losses: one>")
		if err := s.Ping(ctx, "here"); err != nil {
			t.Error(err)
		}
		heard("ping", "Pong<here>")
		if err := s.PSubscribe(ctx, "kvd:losses:*"); err != nil {
			t.Error(err)
		}
		heard("psubscribe", "psubscribe: kvd:losses:*")
		r.feeds.Tell("kvd:losses:all", "two\r\n\x00\xff")
		heard("told all", "Message<kvd:losses:all: two\r\n\x00\xff>")
		is(t, "numpat", int64(1))(c.PubSubNumPat(ctx).Result())
		if n, err := c.PubSubNumSub(ctx, "kvd:losses", "x").Result(); err != nil || n["kvd:losses"] != 1 || n["x"] != 0 {
			t.Errorf("numsub: %v, %v", n, err)
		}
		if all, err := c.PubSubChannels(ctx, "*").Result(); err != nil || strings.Join(all, " ") != "kvd:losses" {
			t.Errorf("channels: %v, %v", all, err)
		}
		if err := s.Unsubscribe(ctx); err != nil {
			t.Error(err)
		}
		heard("unsubscribe", "unsubscribe: kvd:losses")
		r.feeds.Tell("kvd:losses", "unheard")
		r.feeds.Tell("kvd:losses:all", "three")
		heard("told after", "Message<kvd:losses:all: three>")
	})
}

func TestGoRedisIsToldOfUnknownChannels(t *testing.T) {
	eachProtocol(t, func(t *testing.T, r *rig, c *redis.Client) {
		s := c.Subscribe(t.Context(), "kvd:news")
		defer s.Close()
		_, err := s.Receive(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no channel 'kvd:news'; there are kvd:losses and kvd:losses:all") {
			t.Errorf("got %v", err)
		}
	})
}

func TestGuestsMayNotListen(t *testing.T) {
	r := start(t, tcp(t), func(c *server.Config) {
		c.RequireAuth, c.Login = true, acltest.Let(func(_, p string) bool { return p == "ok" })
	})
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	for _, name := range []string{"SUBSCRIBE", "PSUBSCRIBE"} {
		c.want("-NOAUTH Authentication required.\r\n", name, "kvd:losses")
	}
	c.want("+OK\r\n", "AUTH", "ok")
	c.want("*3\r\n$9\r\nsubscribe\r\n$10\r\nkvd:losses\r\n:1\r\n", "SUBSCRIBE", "kvd:losses")
	c.want("+RESET\r\n", "RESET")
	if n := r.feeds.Readers(); n != 0 {
		t.Errorf("%d feeds after RESET", n)
	}
}

func TestPatternsAreBounded(t *testing.T) {
	r := start(t, tcp(t), func(c *server.Config) { c.Limits.Patterns = 2 })
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	c.want("-ERR a client may listen to 2 patterns, each of which is tried with every message; use fewer, or channels by name\r\n", "PSUBSCRIBE", "*", "k*", "kv*")
	c.want("-ERR the pattern is longer than 1024 bytes\r\n", "PSUBSCRIBE", strings.Repeat("*", 1025))
	c.do("PSUBSCRIBE", "*", "kvd:*")
	c.reply()
	c.want("*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:2\r\n", "PSUBSCRIBE", "*")
	if n := r.feeds.Readers(); n != 2 {
		t.Errorf("%d feeds for two channels", n)
	}
}

// TestEveryMessageOnceAndInOrder: what is told after a subscription was confirmed
// arrives, whatever the client sends meanwhile.
func TestEveryMessageOnceAndInOrder(t *testing.T) {
	const subscribers, messages = 8, 2000
	r := start(t, tcp(t), nil)
	defer r.stop()
	var listening, all sync.WaitGroup
	listening.Add(subscribers)
	for i := range subscribers {
		all.Go(func() {
			c := r.dial()
			defer c.nc.Close()
			if i%2 == 0 {
				c.do("HELLO", "3")
			}
			c.do("SUBSCRIBE", "kvd:losses")
			listening.Done()
			for n := 0; n < messages; {
				if n%50 == 0 {
					c.send("PING\r\n")
				}
				m := c.reply()
				if strings.Contains(strings.ToLower(m), "pong") {
					continue
				}
				if want := fmt.Sprintf("$7\r\nmessage\r\n$10\r\nkvd:losses\r\n$6\r\n%06d\r\n", n); m[4:] != want {
					t.Errorf("message %d is %q", n, m)
					return
				}
				n++
			}
		})
	}
	listening.Wait()
	for n := range messages {
		r.feeds.Tell("kvd:losses", fmt.Sprintf("%06d", n))
	}
	all.Wait()
}

// endless is a channel on which something is always said.
type endless struct{}

func (endless) Channels() []string { return []string{"kvd:losses"} }

func (endless) Listen(_ string, _ func(string) bool, bell func()) server.Feed {
	bell()
	return endless{}
}

func (endless) Next() ([]byte, bool) { return []byte("again"), true }
func (endless) Close()               {}

// TestSubscribersAreReadFrom: a client that is sent without end is still answered.
func TestSubscribersAreReadFrom(t *testing.T) {
	r := start(t, tcp(t), func(c *server.Config) { c.Feeds = endless{} })
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	c.do("HELLO", "3")
	c.do("SUBSCRIBE", "kvd:losses")
	for _, command := range []string{"SET a 1", "GET a", "PING"} {
		c.send(command + "\r\n")
		got := c.reply()
		for pushes := 0; strings.HasPrefix(got, ">"); pushes++ {
			if got = c.reply(); pushes == 100_000 {
				t.Fatalf("%s is not answered", command)
			}
		}
		if want := map[string]string{"SET a 1": "+OK\r\n", "GET a": "$1\r\n1\r\n", "PING": "+PONG\r\n"}[command]; got != want {
			t.Errorf("%s: got %q, want %q", command, got, want)
		}
	}
}

// TestTransactionsStayWhole: pushes come between replies, never within one.
func TestTransactionsStayWhole(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	c.do("HELLO", "3")
	c.do("SUBSCRIBE", "kvd:losses")
	c.want("+OK\r\n", "MULTI")
	c.want("+QUEUED\r\n", "SET", "a", "1")
	r.feeds.Tell("kvd:losses", "m")
	if got := c.reply(); got != ">3\r\n$7\r\nmessage\r\n$10\r\nkvd:losses\r\n$1\r\nm\r\n" {
		t.Errorf("amid a transaction: %q", got)
	}
	release := r.leader.Hold()
	c.send(encode("GET", "a") + encode("EXEC"))
	r.feeds.Tell("kvd:losses", "n") // before it, or while it runs
	release()
	got := []string{c.reply(), c.reply(), c.reply()}
	slices.Sort(got)
	want := []string{"*2\r\n+OK\r\n$1\r\n1\r\n", "+QUEUED\r\n", ">3\r\n$7\r\nmessage\r\n$10\r\nkvd:losses\r\n$1\r\nn\r\n"}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestSlowSubscribersAreCut: who does not take its messages is cut, and nobody
// else waits for it.
func TestSlowSubscribersAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), func(c *server.Config) { c.Send = 3 * time.Second })
		defer r.stop()
		slow, quick := r.dial(), r.dial()
		slow.do("SUBSCRIBE", "kvd:losses")
		quick.do("SUBSCRIBE", "kvd:losses")
		begun := time.Now()
		r.feeds.Tell("kvd:losses", "m")
		if got := quick.reply(); !strings.HasSuffix(got, "$1\r\nm\r\n") || time.Since(begun) != 0 {
			t.Errorf("the other was told %q after %s", got, time.Since(begun))
		}
		synctest.Wait()
		time.Sleep(3 * time.Second) // virtual
		synctest.Wait()
		if n := r.feeds.Readers(); n != 1 {
			t.Errorf("%d still listen", n)
		}
		if n := r.srv.Stats().Slow; n != 1 {
			t.Errorf("slow clients counted: %d", n)
		}
		_ = slow.nc.Close()
		_ = quick.nc.Close()
	})
}

// TestSilentSubscribersStay: the idle time is for those who do not listen; and who
// sends half a command is cut in time, however much it is sent meanwhile.
func TestSilentSubscribersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), func(c *server.Config) { c.Idle, c.Arrive = time.Minute, 5*time.Second })
		defer r.stop()
		c := r.dial()
		c.do("SUBSCRIBE", "kvd:losses")
		time.Sleep(time.Hour) // virtual
		r.feeds.Tell("kvd:losses", "m")
		if got := c.reply(); !strings.HasSuffix(got, "$1\r\nm\r\n") {
			t.Errorf("got %q", got)
		}
		begun := time.Now()
		c.send(encode("PING")[:5])
		for range 4 {
			time.Sleep(time.Second) // virtual
			r.feeds.Tell("kvd:losses", "m")
			c.reply()
		}
		if got := c.reply(); got != "-ERR Protocol error: the command did not arrive within 5s\r\n" {
			t.Errorf("got %q", got)
		}
		c.closed()
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("cut after %s, want 5s", took)
		}
		d := r.dial()
		d.do("SUBSCRIBE", "kvd:losses")
		d.do("UNSUBSCRIBE")
		begun = time.Now()
		d.closed()
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("one that listens no more was closed after %s", took)
		}
	})
}

func TestShutdownEndsSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), nil)
		c := r.dial()
		c.do("SUBSCRIBE", "kvd:losses")
		begun := time.Now()
		r.stop() // and checks that no feed is open
		if took := time.Since(begun); took > 10*time.Millisecond {
			t.Errorf("shutdown took %s", took)
		}
		c.closed()
	})
}

func TestKilledSubscribersListenNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), nil)
		defer r.stop()
		c, killer := r.dial(), r.dial()
		c.do("PSUBSCRIBE", "kvd:*")
		killer.want(":1\r\n", "CLIENT", "KILL", "ID", "1")
		c.closed()
		synctest.Wait()
		if n := r.feeds.Readers(); n != 0 {
			t.Errorf("%d feeds are open", n)
		}
		_ = killer.nc.Close()
	})
}
