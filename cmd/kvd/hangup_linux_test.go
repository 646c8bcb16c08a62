package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sys/unix"

	"kvd/cmd/internal/clitest"
	"kvd/replica/acl"
	"kvd/replica/replicatest"
)

// seated lets a process have a terminal of its own, as a shell of a new window has.
func seated(terminal *os.File) func(*exec.Cmd) {
	return func(c *exec.Cmd) {
		c.Stdin = terminal
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	}
}

// serveArgs is a leader on free ports.
func serveArgs(t *testing.T, more ...string) []string {
	args := []string{"serve", "--node", "n1", "--data-dir", filepath.Join(t.TempDir(), "data")}
	for _, door := range []string{"resp", "http", "peer", "gossip"} {
		args = append(args, "--"+door+"-addr", "127.0.0.1:0")
	}
	return append(args, more...)
}

// hangsUp lets what the test begins be ended by a hangup, also where the tests run under
// nohup, which a process inherits.
func hangsUp(t *testing.T) {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(heard) })
}

// A window that is closed drains the leader that was begun in it.
func TestTheEndOfATerminalDrains(t *testing.T) {
	hangsUp(t)
	hand, terminal := clitest.Terminal(t)
	args := serveArgs(t)
	p := launchAs(t, seated(terminal), args...)
	addr := p.says(`msg=serving .*resp=(\S+)`)[0]
	rdb := redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: replicatest.Timeout})
	defer rdb.Close()
	if err := rdb.Set(context.Background(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	hand.Close()
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.says(`^kvd: stopped; acknowledged writes that no other leader is known to have: 1$`)
	next := launch(t, args...)
	next.says(`msg=serving .*resumed=true`)
	next.signal(syscall.SIGTERM)
	if code := next.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// So does it drain a whole cluster, which takes its context back.
func TestTheEndOfATerminalEndsDev(t *testing.T) {
	hangsUp(t)
	hand, terminal := clitest.Terminal(t)
	p := launchAs(t, seated(terminal), "dev", "--leaders", "1", "--resp-port", "0")
	p.says(`^Try, in another shell`)
	book := filepath.Join(strings.TrimPrefix(lastOf(p.cmd.Env, "XDG_CONFIG_HOME="), "XDG_CONFIG_HOME="), "kvd", "contexts.json")
	if text, err := os.ReadFile(book); err != nil || !strings.Contains(string(text), `"dev"`) {
		t.Fatalf("%s: %v", text, err)
	}
	hand.Close()
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if text, err := os.ReadFile(book); err != nil || strings.Contains(string(text), `"dev"`) {
		t.Errorf("the context stays: %s, %v", text, err)
	}
}

func lastOf(env []string, prefix string) (found string) {
	for _, e := range env {
		if strings.HasPrefix(e, prefix) {
			found = e
		}
	}
	return found
}

// SIGHUP, with the terminal still there, reads users, certificates and the log level
// again. What cannot be read changes nothing.
func TestHangupReadsTheConfigurationAgain(t *testing.T) {
	_, terminal := clitest.Terminal(t)
	dir := t.TempDir()
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "kvd.yaml")
	hash, err := acl.HashPassword("p")
	if err != nil {
		t.Fatal(err)
	}
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(users, "ann:"+hash+"\nbob:"+hash+"\n")
	put(config, "users-file: "+users+"\n")
	p := launchAs(t, seated(terminal), serveArgs(t, "--config", config)...)
	addr := p.says(`msg=serving .*resp=(\S+)`)[0]
	as := func(name string) *redis.Client {
		c := redis.NewClient(&redis.Options{Addr: addr, Username: name, Password: "p", PoolSize: 1, MaxRetries: -1, DisableIdentity: true, ReadTimeout: replicatest.Timeout})
		t.Cleanup(func() { c.Close() })
		if err := c.Ping(context.Background()).Err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return c
	}
	ann, bob := as("ann"), as("bob")

	put(users, "ann:"+hash+":read:a:\n")
	put(config, "users-file: "+users+"\nlog-level: warn\nmax-drift: 1s\n")
	p.signal(syscall.SIGHUP)
	p.says(`msg="the configuration was read again".* log-level=WARN.* users=1 connections-closed=1`)
	p.says(`count from the next start on.*max-drift`)
	if err := ann.Set(context.Background(), "a:1", "v", 0).Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("ann may still write: %v", err)
	}
	if err := ann.Get(context.Background(), "a:1").Err(); err != redis.Nil {
		t.Errorf("ann may not read: %v", err)
	}
	if err := bob.Ping(context.Background()).Err(); err == nil {
		t.Error("bob is still connected")
	}

	put(users, "ann:"+hash+":everything\n")
	p.signal(syscall.SIGHUP)
	p.says(`msg="the configuration was read again and is refused; what was read before stays".*everything.* is no role`)
	if err := ann.Get(context.Background(), "a:1").Err(); err != redis.Nil {
		t.Errorf("after a file that is wrong ann may not read: %v", err)
	}
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// nohup keeps a leader serving when its terminal ends, and lets it hear that files are
// to be read again: a user who was taken out of them is out.
func TestAfterNohupFilesAreReadAgain(t *testing.T) {
	hand, terminal := clitest.Terminal(t)
	config := filepath.Join(t.TempDir(), "kvd.yaml")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("log-level: info\n")
	p := launchAs(t, func(c *exec.Cmd) {
		seated(terminal)(c)
		c.Args = append([]string{"sh", "-c", `trap '' HUP; exec "$0" "$@"`, c.Path}, c.Args[1:]...)
		c.Path = "/bin/sh"
	}, serveArgs(t, "--config", config)...)
	p.says(`msg=serving`)
	put("log-level: warn\n")
	p.signal(syscall.SIGHUP)
	p.says(`msg="the configuration was read again".* log-level=WARN`)
	put("log-level: info\n")
	hand.Close()
	p.says(`msg="the configuration was read again".* log-level=INFO`)
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Whoever reads what a leader says may go first: it still drains.
func TestNobodyTakesTheLastLine(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := launchAs(t, func(c *exec.Cmd) { c.Stdout, c.Stderr = w, w }, serveArgs(t)...)
	w.Close()
	for s := bufio.NewScanner(r); s.Scan() && !strings.Contains(s.Text(), "msg=serving"); {
	}
	r.Close()
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// At a terminal a password is asked for twice, and not shown.
func TestAPasswordIsTypedTwiceAndNotShown(t *testing.T) {
	for _, c := range []struct {
		second, says string
		code         int
	}{
		{"hunter2\n", "ann:pbkdf2-sha256$600000$", 0},
		{"hunter3\n", "why:  the two are not the same", 1},
		{"\x04", "\nkvd: no password was hashed\nwhy:  the input ended before a password was typed", 1}, // Ctrl-D
		{"\x03", "\nkvd: interrupted", 130},
	} {
		hand, terminal := clitest.Terminal(t)
		p := launchAs(t, func(c *exec.Cmd) {
			seated(terminal)(c)
			c.Stderr = terminal
		}, "passwd", "ann")
		var shown lockedText
		go io.Copy(&shown, hand) // until it is closed
		for i, typed := range []string{"hunter2\n", c.second} {
			replicatest.Eventually(t, "a prompt, and nothing is shown", func() bool {
				state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
				return err == nil && state.Lflag&unix.ECHO == 0 && strings.Count(shown.String(), ": ") == i+1
			})
			io.WriteString(hand, typed)
		}
		if code := p.end(); code != c.code {
			t.Errorf("exit code %d", code)
		}
		replicatest.Eventually(t, c.says, func() bool {
			return strings.Contains(strings.ReplaceAll(shown.String()+p.text(), "\r", ""), c.says)
		})
		if text := shown.String() + p.text(); strings.Contains(text, "hunter") {
			t.Errorf("the password is shown: %q", text)
		}
		hand.Close()
	}
}

// lockedText is what was written so far.
type lockedText struct {
	mu   sync.Mutex
	text []byte
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
