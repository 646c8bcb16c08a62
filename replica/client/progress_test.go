package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kvd/replica/resp"
)

// serveLeader answers commands of any connection by name, in RESP, until the test ends.
// An empty answer is none.
func serveLeader(t *testing.T, answer func(words []string) string) *Leader {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { serveConn(nc, answer) })
		}
	})
	c := New(Options{Timeout: time.Minute})
	t.Cleanup(func() {
		c.Close()
		_ = l.Close()
		conns.Wait()
	})
	return c.Open(Node{"n1", l.Addr().String()})
}

func serveConn(nc net.Conn, answer func(words []string) string) {
	defer nc.Close()
	limits := resp.DefaultLimits()
	in := resp.NewReader(nc, &limits)
	for {
		args, ok, err := in.Next()
		switch {
		case err != nil:
			return
		case !ok:
			if in.Fill() != nil {
				return
			}
			continue
		}
		var words []string
		for _, a := range args {
			words = append(words, string(a))
		}
		text := "-ERR unknown command\r\n"
		if strings.ToUpper(words[0]) != "HELLO" {
			text = answer(words)
		}
		if _, err := io.WriteString(nc, text); err != nil {
			return
		}
	}
}

// A leader that gets on is waited for, and one that does not is given up, without a
// limit of the asker's.
func TestALeaderThatGetsOnIsWaitedFor(t *testing.T) {
	for _, moves := range []bool{true, false} {
		ctx, enough := context.WithCancel(t.Context())
		var steps atomic.Int64
		l := serveLeader(t, func(words []string) string {
			if len(words) < 2 || words[1] != "PROGRESS" {
				return ""
			}
			if moves || steps.Load() == 0 {
				steps.Add(1)
			}
			if steps.Load() > 30 {
				enough()
			}
			n := ":" + strconv.FormatInt(steps.Load(), 10) + "\r\n"
			return "*8\r\n+running\r\n:1\r\n+done\r\n" + n + "+of\r\n:100\r\n+steps\r\n" + n
		})
		stall := 100 * time.Millisecond
		if moves {
			stall = time.Hour
		}
		told := false
		_, err := LongAsk{Words: []string{"KVD.AUDIT"}, Told: func(*Leader, int64) { told = true }, every: 5 * time.Millisecond, stall: stall}.To(ctx, l)
		late := errors.Is(err, context.DeadlineExceeded)
		if late == moves || !told || !moves && !strings.Contains(err.Error(), "it was at 1 %, and got no further for 100ms") {
			t.Errorf("moves %t: told %t, %v", moves, told, err)
		}
		enough()
	}
}
