package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/replicatest"
	"kvd/replica/resp/resptest"
)

// MONITOR shows what others send, without passwords and with bounds, and nobody waits
// for a client that does not take the lines: it is told how many it missed.
func TestMonitorShowsAndNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), nil)
		defer r.Stop()
		m, c := r.Dial(), r.Dial()
		m.Want("+OK\r\n", "MONITOR")
		shown := func() string {
			_, line, _ := strings.Cut(strings.TrimSuffix(m.Reply(), "\r\n"), "] ")
			return line
		}
		for _, x := range []struct {
			line string
			say  []string
		}{
			{`"SET" "a\n\"b\"\x00" "v"`, []string{"SET", "a\n\"b\"\x00", "v"}},
			{`"AUTH" "(redacted)"`, []string{"AUTH", "secret"}},
			{`"HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"`, []string{"HELLO", "2", "AUTH", "default", "secret", "SETNAME", "me"}},
			{`"GET" "` + strings.Repeat("k", 1024) + `"... (176 more bytes)`, []string{"GET", strings.Repeat("k", 1200)}},
			{`"MGET"` + strings.Repeat(` "k"`, 63) + ` ... (37 more arguments)`, append([]string{"MGET"}, strings.Split(strings.Repeat("k", 100), "")...)},
		} {
			c.Do(x.say...)
			if line := shown(); line != x.line {
				t.Errorf("%.40q is shown as %s", x.say, line)
			}
		}
		if got := m.Do("GET", "a"); !strings.HasPrefix(got, "-ERR a connection that monitors") {
			t.Errorf("a monitor reads: %q", got)
		}
		const many = 3_000
		for i := range many {
			c.Do("SET", fmt.Sprint(i), strings.Repeat("v", 1000))
		}
		lines := 0
		for ; ; lines++ {
			line := m.Reply()
			var missed int
			if strings.Contains(line, "commands are not shown") {
				if _, err := fmt.Sscanf(line, "+%d", &missed); err != nil {
					t.Fatal(err)
				}
				if lines+missed != many || missed == 0 {
					t.Errorf("%d lines are shown and %d said to be missing of %d", lines, missed, many)
				}
				break
			}
		}
		m.Want("+RESET\r\n", "RESET")
		c.Do("PING")
		m.Want("+PONG\r\n", "PING")
		_, _ = m.Conn.Close(), c.Conn.Close()
	})
}

// What takes long is noted with its bounds, a pipeline once, passwords never.
func TestSlowlogAndLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), nil)
		defer r.Stop()
		c := r.Dial()
		slow := func(took time.Duration, say string, replies int) {
			release := r.Leader.Hold()
			c.Send(say)
			time.Sleep(took)
			release()
			for range replies {
				c.Reply()
			}
		}
		c.Want("*0\r\n", "SLOWLOG", "GET")
		c.Want("*0\r\n", "LATENCY", "LATEST")
		c.Do("CLIENT", "SETNAME", "me")
		slow(5*time.Millisecond, resptest.Encode("GET", "quick"), 1)
		slow(20*time.Millisecond, resptest.Encode("SET", "a", "secret value"), 1)
		slow(30*time.Millisecond, resptest.Encode("GET", "a")+resptest.Encode("GET", "b")+resptest.Encode("GET", "c"), 3)
		c.Want(":2\r\n", "SLOWLOG", "LEN")
		got := c.Do("SLOWLOG", "GET")
		for _, want := range []string{":1\r\n:946684800\r\n:30000\r\n*3\r\n$3\r\nget\r\n$1\r\na\r\n", "... (2 more commands of the pipeline)", ":0\r\n:946684800\r\n:20000\r\n*2\r\n$3\r\nset\r\n$1\r\na\r\n", "$2\r\nme\r\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("SLOWLOG GET lacks %q: %q", want, got)
			}
		}
		c.Want("*1\r\n*4\r\n$7\r\ncommand\r\n:946684800\r\n:30\r\n:30\r\n", "LATENCY", "LATEST")
		c.Want("*1\r\n*2\r\n:946684800\r\n:30\r\n", "LATENCY", "HISTORY", "command")
		c.Want("*0\r\n", "LATENCY", "HISTORY", "fork")
		c.Want(":0\r\n", "LATENCY", "RESET", "fork")
		c.Want(":1\r\n", "LATENCY", "RESET")
		for i := range 200 {
			slow(11*time.Millisecond, resptest.Encode("DEL", strings.Repeat("k", 200), fmt.Sprint(i)), 1)
		}
		c.Want(":128\r\n", "SLOWLOG", "LEN")
		if got := c.Do("SLOWLOG", "GET", "1"); !strings.Contains(got, ":201\r\n") || !strings.Contains(got, strings.Repeat("k", 128)+"... (72 more bytes)") {
			t.Errorf("the newest is %q", got)
		}
		c.Want("+OK\r\n", "SLOWLOG", "RESET")
		c.Want("*0\r\n", "SLOWLOG", "GET", "-1")
		for reply, say := range map[string]string{
			"-ERR count should be greater than or equal to -1\r\n":                                           "SLOWLOG GET -2",
			"-ERR unknown subcommand 'NOPE'. Try SLOWLOG HELP.\r\n":                                          "SLOWLOG NOPE",
			"-ERR wrong number of arguments for 'latency|history' command\r\n":                               "LATENCY HISTORY",
			"-ERR unknown subcommand 'NOPE'. Try LATENCY HELP.\r\n":                                          "LATENCY NOPE",
			"-ERR wrong number of arguments for 'slowlog|len' command\r\n":                                   "SLOWLOG LEN 1",
			"*4\r\n$23\r\nslowlog-log-slower-than\r\n$5\r\n10000\r\n$15\r\nslowlog-max-len\r\n$3\r\n128\r\n": "CONFIG GET slowlog*",
		} {
			c.Want(reply, strings.Fields(say)...)
		}
		_ = c.Conn.Close()
	})
}
