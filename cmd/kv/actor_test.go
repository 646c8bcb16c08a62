package main

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/replicatest"
	"kvd/replica/resp"
)

// actor is a leader that answers by script, in RESP2. Commands that it has no
// line for it does not know.
type actor struct {
	name, addr string
	mu         sync.Mutex
	lines      map[string]func(args []string) string
	heard      [][]string
	say        chan string // what follows an answer to SUBSCRIBE, as it comes; "" hangs up
}

// newActor listens until the test ends.
func newActor(t testing.TB, name string) *actor {
	a := &actor{name: name, lines: map[string]func([]string) string{}, say: make(chan string)}
	a.addr = accept(t, a.play)
	return a
}

// on is what the actor answers to a command from now on.
func (a *actor) on(cmd, answer string) *actor {
	return a.does(cmd, func([]string) string { return answer })
}

func (a *actor) does(cmd string, line func(args []string) string) *actor {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lines[cmd] = line
	return a
}

// asked is what it has heard of a command, without the command's name.
func (a *actor) asked(cmd string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, args := range a.heard {
		if args[0] == cmd {
			all = append(all, strings.Join(args[1:], " "))
		}
	}
	return all
}

func (a *actor) answer(args []string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = append(a.heard, args)
	if line := a.lines[args[0]]; line != nil {
		return line(args)
	}
	return "-ERR unknown command '" + args[0] + "', with args beginning with: \r\n"
}

func (a *actor) play(nc net.Conn) {
	defer nc.Close()
	limits := resp.DefaultLimits()
	in := resp.NewReader(nc, &limits)
	for {
		words, ok, err := in.Next()
		if err != nil || !ok && in.Fill() != nil {
			return
		}
		if !ok {
			continue
		}
		var args []string
		for _, w := range words {
			args = append(args, string(w))
		}
		args[0] = strings.ToUpper(args[0])
		answer := a.answer(args)
		if _, err := nc.Write([]byte(answer)); err != nil {
			return
		}
		if args[0] == "SUBSCRIBE" && answer[0] == '*' && !a.feed(nc) {
			return
		}
	}
}

// feed says what the test has it say until the client hangs up, and answers
// nothing.
func (a *actor) feed(nc net.Conn) bool {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, nc)
	}()
	for {
		select {
		case text := <-a.say:
			if text == "" {
				return false
			}
			if _, err := nc.Write([]byte(text)); err != nil {
				return false
			}
		case <-gone:
			return false
		}
	}
}

// frame writes RESP2: texts as bulks, ints, nil, and lists.
func frame(v ...part2) string {
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(v)) + "\r\n")
	for _, p := range v {
		b.WriteString(string(p))
	}
	return b.String()
}

// part2 is a piece of RESP2.
type part2 string

func word(s string) part2               { return part2(bulk(s)) }
func number(n int64) part2              { return part2(":" + strconv.FormatInt(n, 10) + "\r\n") }
func null() part2                       { return "$-1\r\n" }
func several(v ...part2) part2          { return part2(frame(v...)) }
func pair(name string, v part2) []part2 { return []part2{word(name), v} }

// dict is a map, as RESP2 has it.
func dict(pairs ...[]part2) part2 {
	var all []part2
	for _, p := range pairs {
		all = append(all, p...)
	}
	return several(all...)
}

// outcome is what a run of kv came to.
type outcome struct {
	code      int
	out, errs string
}

// kv runs the program in this process, with the actors as the leaders.
func kv(t testing.TB, actors []*actor, args ...string) outcome {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	var out, errs bytes.Buffer
	line := append([]string{"kv"}, args...)
	if actors != nil {
		line = append(line, "-n", addrs(actors))
	}
	code := run(line, strings.NewReader(""), &out, &errs)
	return outcome{code, out.String(), errs.String()}
}

// patiently runs kv with a --timeout that is longer each time, until it got as far as it is
// to get before its time is over: how soon that is depends on the machine.
func patiently(t *testing.T, far func(outcome) bool, run func(timeout string) outcome) outcome {
	t.Helper()
	for timeout := 100 * time.Millisecond; ; timeout *= 4 {
		if o := run(timeout.String()); far(o) || timeout > replicatest.Timeout {
			return o
		}
	}
}

// says is whether a run said all of that.
func says(all ...string) func(outcome) bool {
	return func(o outcome) bool {
		return !slices.ContainsFunc(all, func(s string) bool { return !strings.Contains(o.errs, s) })
	}
}

func addrs(actors []*actor) string {
	var all []string
	for _, a := range actors {
		all = append(all, a.addr)
	}
	return strings.Join(all, ",")
}

// is holds a run to its exit code and to what it must have printed.
func (o outcome) is(t *testing.T, code int, out ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", o.code, code, o.out, o.errs)
	}
	for _, want := range out {
		if !strings.Contains(o.out, want) {
			t.Errorf("prints\n%swithout %q", o.out, want)
		}
	}
}

// told holds it to what it must have said.
func (o outcome) told(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(o.errs, w) {
			t.Errorf("says\n%swithout %q", o.errs, w)
		}
	}
}

// gone is an address where nobody listens.
func gone(t testing.TB) *actor { return &actor{name: "gone", addr: unused(t)} }

const (
	codeOK      = cliutil.OK
	codeAbsent  = cliutil.Absent
	codeDiffers = cliutil.Differs
	codeGone    = cliutil.Unreachable
)
