package server_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/acl"
	"kvd/replica/replicatest"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
	"kvd/resolve/limits"
)

// TestWhoHearsTooSlowlyIsCut: what waits for a subscriber is bounded, and there once
// however many it waits for; who has more waiting is cut, counted, and leaves nothing.
func TestWhoHearsTooSlowlyIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Send = time.Hour })
		defer r.Stop()
		slow, quick := []*resptest.Client{r.Dial(), r.Dial()}, r.Dial()
		for _, c := range append(slow, quick) {
			c.Do("SUBSCRIBE", "news")
		}
		voice := r.Dial()
		text := strings.Repeat("x", 1<<20-200)
		publish := func() {
			t.Helper()
			if got := voice.Do("PUBLISH", "news", text); got != ":3\r\n" {
				t.Errorf("PUBLISH is answered %q", got)
			}
			quick.Reply()
			synctest.Wait()
		}
		before := r.Server.Stats().Memory.Used
		for i := range 9 {
			publish()
			if used := r.Server.Stats().Memory.Used - before; used > int64(i+4)<<20 { // and what replies and input buffers take
				t.Errorf("%d messages take %d bytes", i+1, used)
			}
		}
		if n := r.Server.Stats().Behind; n != 0 {
			t.Errorf("%d are cut for 8 MiB", n)
		}
		publish()
		if n := r.Server.Stats().Behind; n != 2 {
			t.Errorf("%d are cut", n)
		}
		voice.Want("*2\r\n$4\r\nnews\r\n:1\r\n", "PUBSUB", "NUMSUB", "news")
		if used := r.Server.Stats().Memory.Used - before; used > 2<<20 {
			t.Errorf("%d bytes are left", used)
		}
		for _, c := range append(slow, quick, voice) {
			_ = c.Conn.Close()
		}
		synctest.Wait()
		if used := r.Server.Stats().Memory.Used; used != 0 {
			t.Errorf("%d bytes are left of nobody's", used)
		}
	})
}

// TestMessagesWithoutMemory: where clients hold all the memory there is, those with most
// waiting are cut for it; where that is not enough the publisher is told.
func TestMessagesWithoutMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) {
			c.Send, c.Limits.Bulk, c.Limits.Command, c.Limits.Memory = time.Hour, 2<<20, 3<<20, 9<<20
		})
		defer r.Stop()
		slow := r.Dial()
		slow.Do("SUBSCRIBE", "news")
		text := strings.Repeat("x", 1<<20-100)
		for range 12 {
			r.Server.Hear("news", []byte(text))
			synctest.Wait()
		}
		if s := r.Server.Stats(); s.Behind != 1 || s.Memory.Used > s.Memory.Limit {
			t.Errorf("the slow one is there: %+v", s)
		}
		_ = slow.Conn.Close()
	})
}

// TestPublishedGoesToOtherLeaders: whole and unchanged, unless it is refused; what
// comes from them is not sent on.
func TestPublishedGoesToOtherLeaders(t *testing.T) {
	var sent []string
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) {
		c.Publish = func(channel string, message []byte) {
			sent = append(sent, channel+" "+string(message[:min(len(message), 9)]))
		}
	})
	defer r.Stop()
	c, sub := r.Dial(), r.Dial()
	defer c.Conn.Close()
	defer sub.Conn.Close()
	sub.Do("PSUBSCRIBE", "*")
	c.Want(":1\r\n", "PUBLISH", "news", "a\x00\xff")
	c.Want(":1\r\n", "PUBLISH", "", "")
	wants := func(want, channel, message string) {
		t.Helper()
		if got := c.Do("PUBLISH", channel, message); got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
	}
	wants("-ERR the message is too long: with its channel's name it may have 1048576 bytes; write it to a key, and publish that\r\n", "c", strings.Repeat("x", limits.Message))
	wants("-ERR the channel's name is longer than 32768 bytes\r\n", strings.Repeat("c", limits.Key+1), "")
	c.Want("-ERR only the leader speaks on channels that begin with kvd:; publish on one with another name\r\n", "PUBLISH", "kvd:losses", "")
	wants(":1\r\n", "c", strings.Repeat("x", limits.Message-1))
	r.Server.Hear("kvd:losses", []byte("forged"))
	r.Server.Hear("theirs", []byte("m"))
	c.Want(":1\r\n", "PUBLISH", "last", "")
	if got := strings.Join(sent, ","); got != "news a\x00\xff, ,c xxxxxxxxx,last " {
		t.Errorf("sent %q", got)
	}
	var heard []string
	for len(heard) < 5 {
		lines := strings.Split(sub.Reply(), "\r\n")
		heard = append(heard, lines[6])
	}
	if got := strings.Join(heard, ","); got != "news,,c,theirs,last" {
		t.Errorf("heard on %q", got)
	}
}

// TestPublishedComesAfterWhatWasWrittenBefore: who is told of a write by its author
// finds it.
func TestPublishedComesAfterWhatWasWrittenBefore(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c, sub := r.Dial(), r.Dial()
	defer c.Conn.Close()
	defer sub.Conn.Close()
	sub.Do("HELLO", "3")
	sub.Do("SUBSCRIBE", "news")
	release := r.Leader.Hold()
	c.Send(resptest.Encode("SET", "a", "1") + resptest.Encode("PUBLISH", "news", "a") + resptest.Encode("MULTI") + resptest.Encode("PUBLISH", "news", "b") + resptest.Encode("SET", "b", "1") + resptest.Encode("EXEC"))
	replicatest.Eventually(t, "the write is on its way", func() bool { return r.Server.Stats().Batches == 1 })
	sub.Want("+PONG\r\n", "PING")
	release()
	for _, want := range []string{"a", "b"} {
		if got := sub.Reply(); !strings.HasSuffix(got, "$1\r\n"+want+"\r\n") {
			t.Errorf("heard %q", got)
		}
	}
	sub.Want("$1\r\n1\r\n", "GET", "b")
	for _, want := range []string{"+OK\r\n", ":1\r\n", "+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n", "*2\r\n:1\r\n+OK\r\n"} {
		if got := c.Reply(); got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
	}
}

// TestUsersHearTheirChannelsAlone: who reaches only some keys reaches the channels that
// begin as those do, and patterns that fit no others.
func TestUsersHearTheirChannelsAlone(t *testing.T) {
	r := resptest.Guarded(t, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"a:", "b:"}}),
		acl.NewUser("eve", acl.Rights{Roles: acl.Read}), acl.NewUser("wim", acl.Rights{Roles: acl.Write}))
	defer r.Stop()
	ann, bob := r.As("ann"), r.As("bob")
	denied := "-NOPERM No permissions to access a channel\r\n"
	for _, command := range []string{"PUBLISH c:1 m", "PUBLISH a m", "SUBSCRIBE a:1 c:1", "PSUBSCRIBE *", "PSUBSCRIBE a*", "PSUBSCRIBE a:* [ab]:1"} {
		bob.Want(denied, strings.Fields(command)...)
	}
	eve, wim := r.As("eve"), r.As("wim")
	eve.Want("-NOPERM User eve has no permissions to run the 'publish' command\r\n", "PUBLISH", "a:1", "m")
	wim.Want("-NOPERM User wim has no permissions to run the 'subscribe' command\r\n", "SUBSCRIBE", "a:1")
	wim.Want(":0\r\n", "PUBLISH", "a:1", "m")
	bob.Want("+OK\r\n", "MULTI")
	bob.Want(denied, "PUBLISH", "c:1", "m")
	bob.Want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
	eve.Do("SUBSCRIBE", "a:1", "c:1")
	bob.Want("*1\r\n$3\r\na:1\r\n", "PUBSUB", "CHANNELS")
	bob.Want("*4\r\n$3\r\na:1\r\n:1\r\n$3\r\nc:1\r\n:0\r\n", "PUBSUB", "NUMSUB", "a:1", "c:1")
	bob.Want("*3\r\n$9\r\nsubscribe\r\n$10\r\nkvd:losses\r\n:1\r\n", "SUBSCRIBE", "kvd:losses")
	bob.Want("*3\r\n$10\r\npsubscribe\r\n$3\r\nb:*\r\n:2\r\n", "PSUBSCRIBE", "b:*")
	ann.Want(":1\r\n", "PUBLISH", "b:1", "m")
	if got := bob.Reply(); !strings.HasSuffix(got, "$3\r\nb:1\r\n$1\r\nm\r\n") {
		t.Errorf("bob hears %q", got)
	}
	for _, c := range []*resptest.Client{ann, bob, eve, wim} {
		_ = c.Conn.Close()
	}
}

// TestManySubscriptionsAreCounted: their names are of the memory of all clients, and
// given back.
func TestManySubscriptionsAreCounted(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	c.Do("HELLO", "3")
	before := r.Server.Stats().Memory.Used
	for range 3 {
		c.Send(resptest.Encode("SUBSCRIBE", "a", "a", strings.Repeat("b", 30000)))
		c.Send(resptest.Encode("UNSUBSCRIBE", "a"))
		for range 4 {
			c.Reply()
		}
	}
	if used := r.Server.Stats().Memory.Used - before; used < 30000 {
		t.Errorf("a long name takes %d bytes", used)
	}
	c.Do("UNSUBSCRIBE")
	c.Do("PING")
	_ = c.Conn.Close()
	replicatest.Eventually(t, "all memory is given back", func() bool { return r.Server.Stats().Memory.Used == 0 })
}
