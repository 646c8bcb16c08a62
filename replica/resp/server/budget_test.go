package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

// tight is a server whose clients may use little memory together, and its address.
func tight(t *testing.T) (*resptest.Rig, string) {
	l := resptest.TCP(t)
	r := resptest.Start(t, l, func(cfg *server.Config) {
		cfg.Limits.Bulk, cfg.Limits.Command, cfg.Limits.Memory = 1<<20, 1<<20, 8<<20
		cfg.Arrive, cfg.Send, cfg.Stall = time.Minute, time.Minute, 200*time.Millisecond // a machine that is busy keeps nobody still for so long
	})
	t.Cleanup(r.Stop)
	return r, l.Addr().String()
}

func encoded(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

// speaks sends and never reads; the test ends it.
func speaks(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() { _, _ = io.WriteString(c, text) }() // cut off when the connection is
	return c
}

func asks(t *testing.T, c net.Conn, r *bufio.Reader, want string, words ...string) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, encoded(words...)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
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
		"replies not taken":       encoded(append([]string{"MGET"}, slicesRepeat("large", 400)...)...),
		"a pipeline not taken":    strings.Repeat(encoded("GET", "large"), 400),
		"commands half sent":      encoded("SET", "half", large)[:1<<20-1000],
		"transactions not ended":  encoded("MULTI") + encoded("SET", "queued", large),
		"long answers not taken":  strings.Repeat(encoded("COMMAND", "DOCS"), 4000),
		"values put, not taken":   strings.Repeat(encoded("SET", "large", large, "GET"), 20),
		"a transaction not taken": encoded("MULTI") + strings.Repeat(encoded("GET", "large"), 400) + encoded("EXEC"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, addr := tight(t)
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			in := bufio.NewReader(c)
			asks(t, c, in, "+OK\r\n", "SET", "large", large)
			for range 24 {
				speaks(t, addr, hog)
			}
			most := int64(0)
			for i := range 200 {
				asks(t, c, in, "+OK\r\n", "SET", "small", strconv.Itoa(i))
				most = max(most, r.Server.Stats().Memory.Used)
			}
			asks(t, c, in, "$"+strconv.Itoa(len(large))+"\r\n"+large+"\r\n", "GET", "large")
			asks(t, c, in, "+OK\r\n", "SET", "larger", large)
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
	r, addr := tight(t)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	var all strings.Builder
	keys := []string{"MGET"}
	fmt.Fprint(&all, "*25\r\n")
	for i := range 25 {
		key, value := fmt.Sprint("k", i), strings.Repeat(string(rune('a'+i)), 900<<10)
		asks(t, c, in, "+OK\r\n", "SET", key, value)
		keys = append(keys, key)
		fmt.Fprintf(&all, "$%d\r\n%s\r\n", len(value), value)
	}
	asks(t, c, in, all.String(), keys...)
	var piped, replies strings.Builder
	for i := range 25 {
		value := strings.Repeat(string(rune('a'+i)), 900<<10)
		piped.WriteString(encoded("GET", keys[1+i]) + encoded("GETDEL", keys[1+i]) + encoded("GET", keys[1+i]) + encoded("SET", keys[1+i], "new"))
		fmt.Fprintf(&replies, "$%d\r\n%s\r\n$%d\r\n%s\r\n$-1\r\n+OK\r\n", len(value), value, len(value), value)
	}
	go func() { _, _ = io.WriteString(c, piped.String()) }() // the replies say whether it came
	got := make([]byte, replies.Len())
	if _, err := io.ReadFull(in, got); err != nil || string(got) != replies.String() {
		t.Errorf("the pipeline was answered otherwise: %v", err)
	}
	if m := r.Server.Stats().Memory; m.Cut != 0 {
		t.Errorf("%d connections were cut", m.Cut)
	}
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
	r, addr := tight(t)
	pipeline := strings.Repeat(encoded("SET", "k", strings.Repeat("v", 100)), 400)
	for range 60 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		go func() { _, _ = io.WriteString(c, pipeline) }() // the replies say whether it came
		if _, err := io.CopyN(io.Discard, c, int64(400*len("+OK\r\n"))); err != nil {
			t.Fatal(err)
		}
	}
	spare := r.Server.Stats().Memory.Used
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	words := []string{"MSET"} // of each byte there will be a copy
	for i := range 16 {
		words = append(words, strconv.Itoa(i), strings.Repeat("x", 60_000))
	}
	asks(t, c, bufio.NewReader(c), "+OK\r\n", words...)
	if m := r.Server.Stats().Memory; m.Cut != 0 || m.Used >= spare {
		t.Errorf("%d connections were cut, and %d bytes are used after %d", m.Cut, m.Used, spare)
	}
}
