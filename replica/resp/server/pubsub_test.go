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
	"kvd/replica/replicatest"
	"kvd/replica/resp/pubsub"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

// received is the next message of a go-redis subscription, as text.
func received(t *testing.T, s *redis.PubSub) string {
	t.Helper()
	got, err := s.ReceiveTimeout(t.Context(), replicatest.Timeout)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(got)
}

func TestGoRedisSubscriptions(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, r *resptest.Rig, c *redis.Client) {
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
		r.Feeds.Tell("kvd:losses", "one")
		heard("told", "Message<kvd:losses: one>")
		if err := s.Ping(ctx, "here"); err != nil {
			t.Error(err)
		}
		heard("ping", "Pong<here>")
		if err := s.PSubscribe(ctx, "kvd:losses:*"); err != nil {
			t.Error(err)
		}
		heard("psubscribe", "psubscribe: kvd:losses:*")
		r.Feeds.Tell("kvd:losses:all", "two\r\n\x00\xff")
		heard("told all", "Message<kvd:losses:all: two\r\n\x00\xff>")
		resptest.Expect(t, "numpat", int64(1))(c.PubSubNumPat(ctx).Result())
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
		r.Feeds.Tell("kvd:losses", "unheard")
		r.Feeds.Tell("kvd:losses:all", "three")
		heard("told after", "Message<kvd:losses:all: three>")
	})
}

func TestGoRedisIsToldOfUnknownChannels(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, r *resptest.Rig, c *redis.Client) {
		s := c.Subscribe(t.Context(), "kvd:news")
		defer s.Close()
		_, err := s.Receive(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no channel 'kvd:news'; there are kvd:losses and kvd:losses:all") {
			t.Errorf("got %v", err)
		}
	})
}

func TestUnauthenticatedMayNotListen(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) {
		c.RequireAuth, c.Login = true, acltest.Let(func(_, p string) bool { return p == "ok" })
	})
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	for _, name := range []string{"SUBSCRIBE", "PSUBSCRIBE"} {
		c.Want("-NOAUTH Authentication required.\r\n", name, "kvd:losses")
	}
	c.Want("+OK\r\n", "AUTH", "ok")
	c.Want("*3\r\n$9\r\nsubscribe\r\n$10\r\nkvd:losses\r\n:1\r\n", "SUBSCRIBE", "kvd:losses")
	c.Want("+RESET\r\n", "RESET")
	if n := r.Feeds.Readers(); n != 0 {
		t.Errorf("%d feeds after RESET", n)
	}
}

func TestPatternsAreBounded(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.Limits.Patterns = 2 })
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Want("-ERR a client may listen to 2 patterns, each of which is tried with every message; use fewer, or channels by name\r\n", "PSUBSCRIBE", "*", "k*", "kv*")
	c.Want("-ERR the pattern is longer than 1024 bytes\r\n", "PSUBSCRIBE", strings.Repeat("*", 1025))
	c.Do("PSUBSCRIBE", "*", "kvd:*")
	c.Reply()
	c.Want("*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:2\r\n", "PSUBSCRIBE", "*")
	if n := r.Feeds.Readers(); n != 2 {
		t.Errorf("%d feeds for two channels", n)
	}
}

// TestEveryMessageOnceAndInOrder: what is told after a subscription was confirmed
// arrives, whatever the client sends meanwhile.
func TestEveryMessageOnceAndInOrder(t *testing.T) {
	const subscribers, messages = 8, 2000
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	var listening, all sync.WaitGroup
	listening.Add(subscribers)
	for i := range subscribers {
		all.Go(func() {
			c := r.Dial()
			defer c.Conn.Close()
			if i%2 == 0 {
				c.Do("HELLO", "3")
			}
			c.Do("SUBSCRIBE", "kvd:losses")
			listening.Done()
			for n := 0; n < messages; {
				if n%50 == 0 {
					c.Send("PING\r\n")
				}
				m := c.Reply()
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
		r.Feeds.Tell("kvd:losses", fmt.Sprintf("%06d", n))
	}
	all.Wait()
}

// endless is a channel on which something is always said.
type endless struct{}

func (endless) Channels() []string { return []string{"kvd:losses"} }

func (endless) Listen(_ string, _ func(string) bool, wake func()) pubsub.Feed {
	wake()
	return endless{}
}

func (endless) Next() ([]byte, bool) { return []byte("again"), true }
func (endless) Close()               {}

// TestSubscribersAreReadFrom: a client that is sent without end is still answered.
func TestSubscribersAreReadFrom(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.Feeds = endless{} })
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Do("HELLO", "3")
	c.Do("SUBSCRIBE", "kvd:losses")
	for _, command := range []string{"SET a 1", "GET a", "PING"} {
		c.Send(command + "\r\n")
		got := c.Reply()
		for pushes := 0; strings.HasPrefix(got, ">"); pushes++ {
			if got = c.Reply(); pushes == 100_000 {
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
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Do("HELLO", "3")
	c.Do("SUBSCRIBE", "kvd:losses")
	c.Want("+OK\r\n", "MULTI")
	c.Want("+QUEUED\r\n", "SET", "a", "1")
	r.Feeds.Tell("kvd:losses", "m")
	if got := c.Reply(); got != ">3\r\n$7\r\nmessage\r\n$10\r\nkvd:losses\r\n$1\r\nm\r\n" {
		t.Errorf("amid a transaction: %q", got)
	}
	release := r.Leader.Hold()
	c.Send(resptest.Encode("GET", "a") + resptest.Encode("EXEC"))
	r.Feeds.Tell("kvd:losses", "n") // before it, or while it runs
	release()
	got := []string{c.Reply(), c.Reply(), c.Reply()}
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
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Send = 3 * time.Second })
		defer r.Stop()
		slow, quick := r.Dial(), r.Dial()
		slow.Do("SUBSCRIBE", "kvd:losses")
		quick.Do("SUBSCRIBE", "kvd:losses")
		begun := time.Now()
		r.Feeds.Tell("kvd:losses", "m")
		if got := quick.Reply(); !strings.HasSuffix(got, "$1\r\nm\r\n") || time.Since(begun) != 0 {
			t.Errorf("the other was told %q after %s", got, time.Since(begun))
		}
		synctest.Wait()
		time.Sleep(3 * time.Second) // virtual
		synctest.Wait()
		if n := r.Feeds.Readers(); n != 1 {
			t.Errorf("%d still listen", n)
		}
		if n := r.Server.Stats().Slow; n != 1 {
			t.Errorf("slow clients counted: %d", n)
		}
		_ = slow.Conn.Close()
		_ = quick.Conn.Close()
	})
}

// TestSilentSubscribersStay: the idle time is for those who do not listen; and who
// sends half a command is cut in time, however much it is sent meanwhile.
func TestSilentSubscribersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Idle, c.Arrive = time.Minute, 5*time.Second })
		defer r.Stop()
		c := r.Dial()
		c.Do("SUBSCRIBE", "kvd:losses")
		time.Sleep(time.Hour) // virtual
		r.Feeds.Tell("kvd:losses", "m")
		if got := c.Reply(); !strings.HasSuffix(got, "$1\r\nm\r\n") {
			t.Errorf("got %q", got)
		}
		begun := time.Now()
		c.Send(resptest.Encode("PING")[:5])
		for range 4 {
			time.Sleep(time.Second) // virtual
			r.Feeds.Tell("kvd:losses", "m")
			c.Reply()
		}
		if got := c.Reply(); got != "-ERR Protocol error: the command did not arrive within 5s\r\n" {
			t.Errorf("got %q", got)
		}
		c.Closed()
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("cut after %s, want 5s", took)
		}
		d := r.Dial()
		d.Do("SUBSCRIBE", "kvd:losses")
		d.Do("UNSUBSCRIBE")
		begun = time.Now()
		d.Closed()
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("one that listens no more was closed after %s", took)
		}
	})
}

func TestShutdownEndsSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), nil)
		c := r.Dial()
		c.Do("SUBSCRIBE", "kvd:losses")
		begun := time.Now()
		r.Stop() // and checks that no feed is open
		if took := time.Since(begun); took > 10*time.Millisecond {
			t.Errorf("shutdown took %s", took)
		}
		c.Closed()
	})
}

func TestKilledSubscribersListenNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), nil)
		defer r.Stop()
		c, killer := r.Dial(), r.Dial()
		c.Do("PSUBSCRIBE", "kvd:*")
		killer.Want(":1\r\n", "CLIENT", "KILL", "ID", "1")
		c.Closed()
		synctest.Wait()
		if n := r.Feeds.Readers(); n != 0 {
			t.Errorf("%d feeds are open", n)
		}
		_ = killer.Conn.Close()
	})
}
