package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"kvd/replica/replicatest"

	"github.com/redis/go-redis/v9"
)

// resident is how much memory the process has, in bytes. That it has ended is a failure,
// since what is looked for may have ended it.
func (p *process) resident() int64 {
	p.t.Helper()
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		p.t.Skip("this system does not say how much memory a process has: ", err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal("the leader is gone: ", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// Twenty clients ask for three gigabytes each and take nothing of it; another twenty
// send most of a large command. The leader goes on answering, and what it holds for
// them stays within what clients may use.
func TestClientsThatTakeNoRepliesTakeNoMemory(t *testing.T) {
	t.Parallel()
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--client-memory", fmt.Sprint(128<<20))
	large := noise(7, 8<<20)
	n.try("SET", "large", large)
	ask := "*401\r\n$4\r\nMGET\r\n" + strings.Repeat("$5\r\nlarge\r\n", 400)
	half := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$%d\r\n%s", len(large), large[:7<<20])
	before := n.resident()
	for i := range 40 {
		c, err := net.Dial("tcp", n.Options().Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		text := ask
		if i%2 == 1 {
			text = half
		}
		go func() { _, _ = io.WriteString(c, text) }() // cut off when the connection is
	}
	most := int64(0)
	for i := range 300 {
		n.try("SET", "small", strconv.Itoa(i))
		n.try("GET", "small")
		most = max(most, n.resident())
	}
	if got := n.try("GET", "large"); got != large {
		t.Error("a client that takes its reply gets another one")
	}
	n.try("SET", "another", large)
	// The collector lets garbage be about as much as what is held, and every large
	// value that was read leaves some.
	if grown := max(most, n.resident()) - before; grown > 4*128<<20 {
		t.Errorf("the leader took %d MB more", grown>>20)
	}
	info, err := n.Info(context.Background(), "clients").Result()
	if err != nil || !strings.Contains(info, "client_memory_limit:134217728") {
		t.Errorf("INFO clients: %q, %v", info, err)
	}
}

// Ten clients make large writes of small requests, one byte behind eight megabytes,
// as fast as they are answered. What the leader makes of them at a time is bounded,
// and others are served between any two.
func TestSmallRequestsForLargeWritesTakeNoMemoryAndNoTurns(t *testing.T) {
	t.Parallel()
	const clients, budget = 10, 128 << 20
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--client-memory", fmt.Sprint(budget))
	before := n.resident()
	for i := range clients {
		n.try("SET", fmt.Sprint("large", i), noise(uint64(i), 7<<20))
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var large atomic.Int64
	for i := range clients {
		c := redis.NewClient(&redis.Options{Addr: n.Options().Addr, MaxRetries: -1, DisableIdentity: true, ReadTimeout: 4 * replicatest.Timeout})
		t.Cleanup(func() { c.Close() })
		go func() {
			for c.Append(ctx, fmt.Sprint("large", i), "x").Err() == nil {
				large.Add(1)
			}
		}()
	}
	replicatest.Eventually(t, "every client writes", func() bool { return large.Load() > clients })
	most, began, commands := int64(0), large.Load(), int64(16)
	for i := range commands {
		n.try("SET", "small", strconv.FormatInt(i, 10))
		most = max(most, n.resident())
	}
	made := large.Load() - began
	t.Logf("%d large writes beside %d small ones; %d MB more at the most", made, commands, (most-before)>>20)
	if made > 4*commands {
		t.Errorf("%d small commands waited for %d large writes", commands, made)
	}
	if made < commands/8 {
		t.Errorf("only %d large writes were done beside %d small ones", made, commands)
	}
}
