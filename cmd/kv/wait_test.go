package main

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
	"kvd/replica/replicatest"
)

// Leaders that agree because neither has anything yet have not converged.
func TestWaitDoesNotTakeLeadersThatLoadForEqual(t *testing.T) {
	const why = "n1 does not serve yet: it began without data"
	loads := serveStub(t, map[string]string{"KVD.FRONTIER": array(), "INFO": bulk("# Persistence\r\nloading:1\r\nloading_why:" + why + "\r\n")})
	serves := serveStub(t, map[string]string{"KVD.FRONTIER": array(), "INFO": bulk("# Persistence\r\nloading:0\r\n")})
	o := patiently(t, says(why), func(timeout string) outcome {
		return kv(t, nil, "wait", "--converged", "-n", serves+","+loads, "--timeout", timeout, "--every", "10ms")
	})
	if o.is(t, cliutil.Unreachable); !strings.Contains(o.errs, why) {
		t.Errorf("it says %s", o.errs)
	}
	o = kv(t, nil, "wait", "--converged", "-n", serves+","+serves, "--every", "10ms")
	o.is(t, codeOK)
}

// A leader that is not there does not keep the others from being answered for, nor from
// being waited for.
func TestWaitAnswersForThoseThatAreThere(t *testing.T) {
	serves := serveStub(t, map[string]string{"KVD.FRONTIER": array(bulk("00000000000000aa"), ":1\r\n"), "INFO": bulk("# Persistence\r\nloading:0\r\n")})
	lacks := serveStub(t, map[string]string{"KVD.FRONTIER": array(), "INFO": bulk("# Persistence\r\nloading:0\r\n")})
	away := unused(t)
	for _, c := range []struct {
		nodes []string
		more  []string
		ends  bool // by itself, before its timeout
		code  int
		says  []string
	}{
		{[]string{serves, away, serves}, nil, true, cliutil.Unreachable, []string{away + " could not be asked", "connection refused", "--missing-ok", "kv admin forget"}},
		{[]string{serves, away, serves}, []string{"--missing-ok"}, true, codeOK, []string{"left out: " + away}},
		{[]string{serves, away, lacks}, []string{"--missing-ok"}, false, cliutil.Unreachable, []string{"lacks 1 ops", "connection refused"}},
		{[]string{away, unused(t)}, []string{"--missing-ok"}, false, cliutil.Unreachable, []string{away}},
	} {
		run := append([]string{"wait", "--converged", "-n", strings.Join(c.nodes, ","), "--every", "10ms"}, c.more...)
		far := says(c.says...)
		o := patiently(t, far, func(timeout string) outcome {
			if c.ends {
				timeout = "1m"
			}
			return kv(t, nil, append(run, "--timeout", timeout)...)
		})
		o.is(t, c.code)
		for _, says := range c.says {
			if !strings.Contains(o.errs, says) {
				t.Errorf("%v %v: it says %s, and not %q", c.nodes, c.more, o.errs, says)
			}
		}
	}
}

// Every leader but the dead one is told to forget it.
func TestForget(t *testing.T) {
	told := func(name string) string {
		return array(bulk("leader"), bulk(name), bulk("node"), bulk("n3"), bulk("forgotten"), ":1\r\n")
	}
	n1, n2 := serveStub(t, map[string]string{"KVD.FORGET": told("n1")}), serveStub(t, map[string]string{"KVD.FORGET": told("n2")})
	o := kv(t, nil, "admin", "forget", "n3", "-n", n1+","+n2)
	o.is(t, codeOK, "n3 is forgotten by n1 and n2\n")
	o = kv(t, nil, "admin", "forget", "n3", "--lift", "-n", n1+","+n2)
	if o.is(t, codeOK, "n3 is forgotten no more by n1 and n2\n"); !strings.Contains(o.errs, "n3 is listed and asked again on return; until then nobody waits, unless the context names it") {
		t.Errorf("it says %s", o.errs)
	}
	away := unused(t)
	o = kv(t, nil, "admin", "forget", "n3", "-n", n1+","+away)
	if o.is(t, codeOK, "n3 is forgotten by n1\n"); !strings.Contains(o.errs, "it is told when it is back") {
		t.Errorf("it says %s", o.errs)
	}
	alive := serveStub(t, map[string]string{"KVD.FORGET": "-ALIVE n3 is alive as n2 sees it; stop it first\r\n"})
	if o = kv(t, nil, "admin", "forget", "n3", "-n", alive+","+n1); o.code == codeOK || !strings.Contains(o.errs, "stop it first") {
		t.Errorf("%d: %s", o.code, o.errs)
	}
	kv(t, nil, "admin", "forget", "n3", "-n", away+","+unused(t)).is(t, cliutil.Unreachable)
}

// A leader that is behind is waited for as long as --timeout says, and the command is
// sent again; until then it was not done.
func TestACommandWaitsForALeaderThatIsBehind(t *testing.T) {
	for _, c := range []struct {
		catchesUp bool
		asked     []string
		says      string
	}{
		{true, []string{"KVD.GET", "KVD.WAITFOR", "KVD.WAITFOR", "KVD.GET"}, ""},
		{false, []string{"KVD.GET", "KVD.WAITFOR"}, "BEHIND"},
	} {
		var mu sync.Mutex
		var asked []string
		told := func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(asked)
		}
		addr := accept(t, func(nc net.Conn) {
			answers := map[string]string{"HELLO": "-ERR unknown command 'HELLO', with args beginning with: \r\n"}
			script(nc, func(name string) string {
				if answers[name] != "" {
					return answers[name]
				}
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, name)
				switch {
				case len(asked) == len(c.asked) && c.catchesUp:
					return bulk("there")
				case len(asked) == 3 && c.catchesUp:
					return "+OK\r\n"
				}
				return "-BEHIND it lacks what the token has seen\r\n"
			})
		})
		ask := func(timeout time.Duration) (client.Reply, error) {
			mu.Lock()
			asked = nil
			mu.Unlock()
			all := client.New(client.Options{Timeout: timeout})
			defer all.Close()
			return all.Open(client.Node{Name: "n1", Addr: addr}).Do(context.Background(), "KVD.GET", "x", "TOKEN", "t")
		}
		timeout := replicatest.Timeout
		if !c.catchesUp {
			timeout = 50 * time.Millisecond
		}
		r, err := ask(timeout)
		for told() < len(c.asked) && timeout < replicatest.Timeout { // its time was over before it had asked
			timeout *= 4
			r, err = ask(timeout)
		}
		if c.catchesUp != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) || err == nil && r.Text != "there" {
			t.Errorf("answered %v, %v", r, err)
		}
		mu.Lock()
		if len(asked) < len(c.asked) || !slices.Equal(asked[:len(c.asked)], c.asked) {
			t.Errorf("asked %q, not %q", asked, c.asked)
		}
		mu.Unlock()
	}
}

// A login that has to wait, as it has after wrong passwords, is no leader that is away.
func TestALoginThatWaitsIsNoLeaderThatIsAway(t *testing.T) {
	t.Setenv("KV_PASSWORD", "wrong")
	for ping, code := range map[string]int{"-NOAUTH Authentication required.\r\n": cliutil.Denied, "": cliutil.Unreachable} {
		addr := accept(t, func(nc net.Conn) {
			script(nc, func(name string) string { return map[string]string{"PING": ping}[name] })
		})
		o := patiently(t, func(o outcome) bool { return o.code == code }, func(timeout string) outcome {
			return kv(t, nil, "get", "x", "-n", addr, "--timeout", timeout)
		})
		o.is(t, code)
		if held := strings.Contains(o.errs, "it does not answer the login"); held != (code == cliutil.Denied) {
			t.Errorf("exit %d says %s", code, o.errs)
		}
	}
}

// Leaders that cannot be asked are left out of a comparison if the user wants it so.
func TestCompareLeavesOutWhoIsMissing(t *testing.T) {
	shows := serveStub(t, map[string]string{"PING": "+PONG\r\n", "KVD.GET": array(bulk("values"), array(bulk("1")), bulk("token"), bulk("t"), bulk("resolver"), bulk("lww"))})
	other := serveStub(t, map[string]string{"PING": "+PONG\r\n", "KVD.GET": array(bulk("values"), array(bulk("2")), bulk("token"), bulk("t"), bulk("resolver"), bulk("lww"))})
	away := unused(t)
	for _, c := range []struct {
		nodes []string
		more  []string
		code  int
		says  []string
	}{
		{[]string{shows, away, other}, nil, cliutil.Unreachable, []string{"compare x at " + away, "connection refused"}},
		{[]string{shows, away, other}, []string{"--missing-ok"}, cliutil.Differs, []string{"left out: " + away, "compared at 2 leaders, 1 different"}},
		{[]string{away, shows}, []string{"--missing-ok"}, cliutil.Unreachable, []string{"only " + shows + " is there", away + ": "}},
		{[]string{away, unused(t)}, []string{"--missing-ok"}, cliutil.Unreachable, []string{"no leader answered"}},
	} {
		o := kv(t, nil, append([]string{"compare", "x", "-n", strings.Join(c.nodes, ",")}, c.more...)...)
		o.is(t, c.code)
		for _, says := range c.says {
			if !strings.Contains(o.errs, says) {
				t.Errorf("%v %v: it says %s, and not %q", c.nodes, c.more, o.errs, says)
			}
		}
	}
}
