package server_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp/server"
	"kvd/resolve/limits"
)

// awaits waits until the condition holds.
func awaits(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestWhoHearsTooSlowlyIsCut: what waits for a subscriber is bounded, and there once
// however many it waits for; who has more waiting is cut, counted, and leaves nothing.
func TestWhoHearsTooSlowlyIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), func(c *server.Config) { c.Send = time.Hour })
		defer r.stop()
		slow, quick := []*client{r.dial(), r.dial()}, r.dial()
		for _, c := range append(slow, quick) {
			c.do("SUBSCRIBE", "news")
		}
		voice := r.dial()
		text := strings.Repeat("x", 1<<20-200)
		publish := func() {
			t.Helper()
			if got := voice.do("PUBLISH", "news", text); got != ":3\r\n" {
				t.Errorf("PUBLISH is answered %q", got)
			}
			quick.reply()
			synctest.Wait()
		}
		before := r.srv.Stats().Memory.Used
		for i := range 9 {
			publish()
			if used := r.srv.Stats().Memory.Used - before; used > int64(i+4)<<20 { // and what replies and input buffers take
				t.Errorf("%d messages take %d bytes", i+1, used)
			}
		}
		if n := r.srv.Stats().Behind; n != 0 {
			t.Errorf("%d are cut for 8 MiB", n)
		}
		publish()
		if n := r.srv.Stats().Behind; n != 2 {
			t.Errorf("%d are cut", n)
		}
		voice.want("*2\r\n$4\r\nnews\r\n:1\r\n", "PUBSUB", "NUMSUB", "news")
		if used := r.srv.Stats().Memory.Used - before; used > 2<<20 {
			t.Errorf("%d bytes are left", used)
		}
		for _, c := range append(slow, quick, voice) {
			_ = c.nc.Close()
		}
		synctest.Wait()
		if used := r.srv.Stats().Memory.Used; used != 0 {
			t.Errorf("%d bytes are left of nobody's", used)
		}
	})
}

// TestMessagesWithoutMemory: where clients hold all the memory there is, those with most
// waiting are cut for it; where that is not enough the publisher is told.
func TestMessagesWithoutMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), func(c *server.Config) {
			c.Send, c.Limits.Bulk, c.Limits.Command, c.Limits.Memory = time.Hour, 2<<20, 3<<20, 9<<20
		})
		defer r.stop()
		slow := r.dial()
		slow.do("SUBSCRIBE", "news")
		text := strings.Repeat("x", 1<<20-100)
		for range 12 {
			r.srv.Hear("news", []byte(text))
			synctest.Wait()
		}
		if s := r.srv.Stats(); s.Behind != 1 || s.Memory.Used > s.Memory.Limit {
			t.Errorf("the slow one is there: %+v", s)
		}
		_ = slow.nc.Close()
	})
}

// TestPublishedGoesToOtherLeaders: whole and unchanged, unless it is refused; what
// comes from them is not sent on.
func TestPublishedGoesToOtherLeaders(t *testing.T) {
	var sent []string
	r := start(t, tcp(t), func(c *server.Config) {
		c.Publish = func(channel string, message []byte) {
			sent = append(sent, channel+" "+string(message[:min(len(message), 9)]))
		}
	})
	defer r.stop()
	c, ear := r.dial(), r.dial()
	defer c.nc.Close()
	defer ear.nc.Close()
	ear.do("PSUBSCRIBE", "*")
	c.want(":1\r\n", "PUBLISH", "news", "a\x00\xff")
	c.want(":1\r\n", "PUBLISH", "", "")
	wants := func(want, channel, message string) {
		t.Helper()
		if got := c.do("PUBLISH", channel, message); got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
	}
	wants("-ERR the message is too long: with its channel's name it may have 1048576 bytes; write it to a key, and publish that\r\n", "c", strings.Repeat("x", limits.Message))
	wants("-ERR the channel's name is longer than 32768 bytes\r\n", strings.Repeat("c", limits.Key+1), "")
	c.want("-ERR only the leader speaks on channels that begin with kvd:; publish on one with another name\r\n", "PUBLISH", "kvd:losses", "")
	wants(":1\r\n", "c", strings.Repeat("x", limits.Message-1))
	r.srv.Hear("kvd:losses", []byte("forged"))
	r.srv.Hear("theirs", []byte("m"))
	c.want(":1\r\n", "PUBLISH", "last", "")
	if got := strings.Join(sent, ","); got != "news a\x00\xff, ,c xxxxxxxxx,last " {
		t.Errorf("sent %q", got)
	}
	var heard []string
	for len(heard) < 5 {
		lines := strings.Split(ear.reply(), "\r\n")
		heard = append(heard, lines[6])
	}
	if got := strings.Join(heard, ","); got != "news,,c,theirs,last" {
		t.Errorf("heard on %q", got)
	}
}

// TestPublishedComesAfterWhatWasWrittenBefore: who is told of a write by its author
// finds it.
func TestPublishedComesAfterWhatWasWrittenBefore(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c, ear := r.dial(), r.dial()
	defer c.nc.Close()
	defer ear.nc.Close()
	ear.do("HELLO", "3")
	ear.do("SUBSCRIBE", "news")
	release := r.leader.Hold()
	c.send(encode("SET", "a", "1") + encode("PUBLISH", "news", "a") + encode("MULTI") + encode("PUBLISH", "news", "b") + encode("SET", "b", "1") + encode("EXEC"))
	awaits(t, "the write is on its way", func() bool { return r.srv.Stats().Batches == 1 })
	ear.want("+PONG\r\n", "PING")
	release()
	for _, want := range []string{"a", "b"} {
		if got := ear.reply(); !strings.HasSuffix(got, "$1\r\n"+want+"\r\n") {
			t.Errorf("heard %q", got)
		}
	}
	ear.want("$1\r\n1\r\n", "GET", "b")
	for _, want := range []string{"+OK\r\n", ":1\r\n", "+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n", "*2\r\n:1\r\n+OK\r\n"} {
		if got := c.reply(); got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
	}
}

// TestUsersHearTheirChannelsAlone: who reaches only some keys reaches the channels that
// begin as those do, and patterns that fit no others.
func TestUsersHearTheirChannelsAlone(t *testing.T) {
	r := guarded(t, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"a:", "b:"}}),
		acl.NewUser("eve", acl.Rights{Roles: acl.Read}), acl.NewUser("wim", acl.Rights{Roles: acl.Write}))
	defer r.stop()
	ann, bob := r.as("ann"), r.as("bob")
	denied := "-NOPERM No permissions to access a channel\r\n"
	for _, command := range []string{"PUBLISH c:1 m", "PUBLISH a m", "SUBSCRIBE a:1 c:1", "PSUBSCRIBE *", "PSUBSCRIBE a*", "PSUBSCRIBE a:* [ab]:1"} {
		bob.want(denied, strings.Fields(command)...)
	}
	eve, wim := r.as("eve"), r.as("wim")
	eve.want("-NOPERM User eve has no permissions to run the 'publish' command\r\n", "PUBLISH", "a:1", "m")
	wim.want("-NOPERM User wim has no permissions to run the 'subscribe' command\r\n", "SUBSCRIBE", "a:1")
	wim.want(":0\r\n", "PUBLISH", "a:1", "m")
	bob.want("+OK\r\n", "MULTI")
	bob.want(denied, "PUBLISH", "c:1", "m")
	bob.want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
	eve.do("SUBSCRIBE", "a:1", "c:1")
	bob.want("*1\r\n$3\r\na:1\r\n", "PUBSUB", "CHANNELS")
	bob.want("*4\r\n$3\r\na:1\r\n:1\r\n$3\r\nc:1\r\n:0\r\n", "PUBSUB", "NUMSUB", "a:1", "c:1")
	bob.want("*3\r\n$9\r\nsubscribe\r\n$10\r\nkvd:losses\r\n:1\r\n", "SUBSCRIBE", "kvd:losses")
	bob.want("*3\r\n$10\r\npsubscribe\r\n$3\r\nb:*\r\n:2\r\n", "PSUBSCRIBE", "b:*")
	ann.want(":1\r\n", "PUBLISH", "b:1", "m")
	if got := bob.reply(); !strings.HasSuffix(got, "$3\r\nb:1\r\n$1\r\nm\r\n") {
		t.Errorf("bob hears %q", got)
	}
	for _, c := range []*client{ann, bob, eve, wim} {
		_ = c.nc.Close()
	}
}

// TestManySubscriptionsAreCounted: their names are of the memory of all clients, and
// given back.
func TestManySubscriptionsAreCounted(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	c.do("HELLO", "3")
	before := r.srv.Stats().Memory.Used
	for range 3 {
		c.send(encode("SUBSCRIBE", "a", "a", strings.Repeat("b", 30000)))
		c.send(encode("UNSUBSCRIBE", "a"))
		for range 4 {
			c.reply()
		}
	}
	if used := r.srv.Stats().Memory.Used - before; used < 30000 {
		t.Errorf("a long name takes %d bytes", used)
	}
	c.do("UNSUBSCRIBE")
	c.do("PING")
	_ = c.nc.Close()
	awaits(t, "all memory is given back", func() bool { return r.srv.Stats().Memory.Used == 0 })
}
