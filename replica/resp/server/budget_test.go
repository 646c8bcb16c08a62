package server_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/replicatest"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

// tight is a server whose clients may use little memory together. It is of a synctest
// bubble: whoever stands still, stands still on purpose and not because a machine is busy.
func tight(t *testing.T) *resptest.Rig {
	r := resptest.Start(t, replicatest.NewPipes("pipe"), func(cfg *server.Config) {
		cfg.Limits.Bulk, cfg.Limits.Command, cfg.Limits.Memory = 1<<20, 1<<20, 8<<20
		cfg.Arrive, cfg.Send, cfg.Stall = time.Minute, time.Minute, 200*time.Millisecond
	})
	t.Cleanup(r.Stop)
	return r
}

// dials is a client that the test's end closes.
func dials(t *testing.T, r *resptest.Rig) *resptest.Client {
	c := r.Dial()
	t.Cleanup(func() { _ = c.Conn.Close() })
	return c
}

// speaks sends and never reads; the test ends it.
func speaks(t *testing.T, r *resptest.Rig, text string) {
	c := dials(t, r)
	go func() { _, _ = io.WriteString(c.Conn, text) }() // cut off when the connection is
}

func asks(t *testing.T, c *resptest.Client, want string, words ...string) {
	t.Helper()
	c.Send(resptest.Encode(words...))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.Reader, got); err != nil || string(got) != want {
		t.Fatalf("%.40q was answered %.40q, %v", words, got, err)
	}
}

// However many clients do not take their replies, or do not end what they began,
// the memory that they use stays within the budget; others are answered at once, and
// one that needs much is answered too, since those that hold much and do not go on
// are cut for it.
func TestClientsThatHoldMuchDoNotHoldUpOthers(t *testing.T) {
	large := strings.Repeat("x", 1<<20-64)
	for name, hog := range map[string]string{
		"replies not taken":       resptest.Encode(append([]string{"MGET"}, slicesRepeat("large", 400)...)...),
		"a pipeline not taken":    strings.Repeat(resptest.Encode("GET", "large"), 400),
		"commands half sent":      resptest.Encode("SET", "half", large)[:1<<20-1000],
		"transactions not ended":  resptest.Encode("MULTI") + resptest.Encode("SET", "queued", large),
		"long answers not taken":  strings.Repeat(resptest.Encode("COMMAND", "DOCS"), 4000),
		"values put, not taken":   strings.Repeat(resptest.Encode("SET", "large", large, "GET"), 20),
		"a transaction not taken": resptest.Encode("MULTI") + strings.Repeat(resptest.Encode("GET", "large"), 400) + resptest.Encode("EXEC"),
	} {
		inBubble(t, name, func(t *testing.T) {
			r := tight(t)
			c := dials(t, r)
			asks(t, c, "+OK\r\n", "SET", "large", large)
			for range 24 {
				speaks(t, r, hog)
			}
			most := int64(0)
			for i := range 200 {
				if i%20 == 0 {
					synctest.Wait() // until nobody gets any further
				}
				asks(t, c, "+OK\r\n", "SET", "small", strconv.Itoa(i))
				most = max(most, r.Server.Stats().Memory.Used)
			}
			asks(t, c, "$"+strconv.Itoa(len(large))+"\r\n"+large+"\r\n", "GET", "large")
			asks(t, c, "+OK\r\n", "SET", "larger", large)
			// A buffer that has grown while a reply was written is counted afterwards: that
			// of each of the few that write at a time may come on top.
			if m := r.Server.Stats().Memory; max(most, m.Used) > m.Limit*5/4 {
				t.Errorf("%d bytes were used, and the limit is %d", max(most, m.Used), m.Limit)
			}
		})
	}
}

// A reply of any length is sent whole, in order, to a client that takes it, though
// it is more than all clients may hold together.
func TestRepliesBeyondTheBudgetArriveWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tight(t)
		c := dials(t, r)
		var all strings.Builder
		keys := []string{"MGET"}
		fmt.Fprint(&all, "*25\r\n")
		for i := range 25 {
			key, value := fmt.Sprint("k", i), strings.Repeat(string(rune('a'+i)), 900<<10)
			asks(t, c, "+OK\r\n", "SET", key, value)
			keys = append(keys, key)
			fmt.Fprintf(&all, "$%d\r\n%s\r\n", len(value), value)
		}
		asks(t, c, all.String(), keys...)
		var piped, replies strings.Builder
		for i := range 25 {
			value := strings.Repeat(string(rune('a'+i)), 900<<10)
			piped.WriteString(resptest.Encode("GET", keys[1+i]) + resptest.Encode("GETDEL", keys[1+i]) + resptest.Encode("GET", keys[1+i]) + resptest.Encode("SET", keys[1+i], "new"))
			fmt.Fprintf(&replies, "$%d\r\n%s\r\n$%d\r\n%s\r\n$-1\r\n+OK\r\n", len(value), value, len(value), value)
		}
		go func() { _, _ = io.WriteString(c.Conn, piped.String()) }() // the replies say whether it came
		got := make([]byte, replies.Len())
		if _, err := io.ReadFull(c.Reader, got); err != nil || string(got) != replies.String() {
			t.Errorf("the pipeline was answered otherwise: %v", err)
		}
		if m := r.Server.Stats().Memory; m.Cut != 0 {
			t.Errorf("%d connections were cut", m.Cut)
		}
	})
}

func slicesRepeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

// Idle connections keep what they needed once, as long as nobody needs it: then they
// give it back, and none of them is cut.
func TestIdleConnectionsGiveSpareMemoryBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tight(t)
		pipeline := strings.Repeat(resptest.Encode("SET", "k", strings.Repeat("v", 100)), 400)
		for range 60 {
			c := dials(t, r)
			go func() { _, _ = io.WriteString(c.Conn, pipeline) }() // the replies say whether it came
			if _, err := io.CopyN(io.Discard, c.Conn, int64(400*len("+OK\r\n"))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // until all have noticed that they are idle
		spare := r.Server.Stats().Memory.Used
		words := []string{"MSET"} // of each byte there will be a copy
		for i := range 16 {
			words = append(words, strconv.Itoa(i), strings.Repeat("x", 60_000))
		}
		c := dials(t, r)
		asks(t, c, "+OK\r\n", words...)
		_ = c.Conn.Close()
		synctest.Wait()
		if m := r.Server.Stats().Memory; m.Cut != 0 || m.Used >= spare {
			t.Errorf("%d connections were cut, and %d bytes are used after %d", m.Cut, m.Used, spare)
		}
	})
}

func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}
