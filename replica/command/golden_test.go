package command_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvd/logical"
	"kvd/replica/acl/acltest"
	"kvd/replica/replicatest"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
	"kvd/resolve"
)

var update = flag.Bool("update", false, "write the golden replies anew")

// TestGolden plays each story in both protocols, in virtual time, and compares
// every byte that is answered.
func TestGolden(t *testing.T) {
	stories, err := filepath.Glob("testdata/*.story")
	if err != nil || len(stories) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range stories {
		script, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, proto := range []string{"2", "3"} {
			name := strings.TrimSuffix(filepath.Base(path), ".story")
			t.Run(name+"/resp"+proto, func(t *testing.T) {
				var got string
				synctest.Test(t, func(t *testing.T) { got = play(t, string(script), proto) })
				golden(t, strings.TrimSuffix(path, ".story")+".resp"+proto, got)
			})
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run with -update after review):\n%s", path, diff)
	}
}

// story is a script being played. Lines are commands as typed, or directives:
//
//	@config NAME        which server; only as the first line
//	@advance DURATION   let time pass
//	@siblings KEY V…    let a key show several values
//	@policy PREFIX R    serve a prefix by a resolver
//	@durable N          let N other leaders hold everything
//	@new                connect anew
//	@tell CHANNEL TEXT  let the leader tell something
//	@publish CHANNEL T  let a client publish something
//	@listen CHANNEL     let one more client listen
//	@read N             read N more replies or pushes
//
// {token} stands for the last token answered.
type story struct {
	t     *testing.T
	rig   *resptest.Rig
	c     *resptest.Client
	token string

	listening []*resptest.Client
	out       bytes.Buffer
}

func play(t *testing.T, script, proto string) string {
	s := &story{t: t}
	lines := strings.Split(strings.TrimSpace(script), "\n")
	s.rig = resptest.Start(t, replicatest.NewPipes("pipe"), configs(lines[0]))
	defer s.rig.Stop()
	s.c = s.rig.Dial()
	if proto == "3" && !strings.HasPrefix(lines[0], "@config guarded") {
		s.c.Do("HELLO", "3")
	}
	for _, line := range lines {
		s.out.WriteString(line + "\n")
		s.play(line)
	}
	for _, c := range append(s.listening, s.c) {
		_ = c.Conn.Close()
	}
	return s.out.String()
}

func configs(line string) func(*server.Config) {
	return func(c *server.Config) {
		switch strings.TrimPrefix(line, "@config ") {
		case "guarded":
			c.RequireAuth = true
			c.Login = acltest.Let(func(u, p string) bool { return u == "default" && p == "secret" || u == "ann" && p == "apple" })
		case "mute":
			c.Feeds = nil
		case "lenient":
			c.PickSiblings = func(key string) bool { return strings.HasPrefix(key, "any:") }
		}
	}
}

func (s *story) play(line string) {
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || line[0] == '#':
		return
	case line[0] != '@':
		s.c.Send(strings.ReplaceAll(line, "{token}", s.token) + "\r\n")
		reply := s.c.Reply()
		s.remember(reply)
		s.show(reply)
		return
	}
	switch words[0] {
	case "@advance":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d) // virtual
	case "@siblings":
		s.rig.Leader.Siblings(words[1], words[2:]...)
	case "@policy":
		id, err := resolve.ParseID(words[2])
		if err != nil {
			s.t.Fatal(err)
		}
		s.rig.Leader.SetPolicy(resolve.Policy{Shadows: resolve.LWW.Mask(), Rules: []resolve.Rule{{Prefix: words[1], Resolver: id}}})
	case "@durable":
		s.rig.Leader.SetDurable(int(words[1][0] - '0'))
	case "@tell":
		s.rig.Feeds.Tell(words[1], strings.Join(words[2:], " "))
	case "@publish":
		c := s.rig.Dial()
		c.Do("PUBLISH", words[1], strings.Join(words[2:], " "))
		_ = c.Conn.Close()
	case "@listen":
		c := s.rig.Dial()
		s.listening = append(s.listening, c)
		c.Do("SUBSCRIBE", words[1])
	case "@read":
		for range int(words[1][0] - '0') {
			s.show(s.c.Reply())
		}
	case "@heard":
		s.rig.Leader.Heard(logical.Dot{Origin: 0xb, Seq: 7})
	case "@new":
		_ = s.c.Conn.Close()
		s.c = s.rig.Dial()
	case "@config":
	default:
		s.t.Fatalf("unknown directive %q", line)
	}
}

func (s *story) show(reply string) {
	s.out.WriteString("    " + strings.TrimSuffix(strings.ReplaceAll(reply, "\r\n", "\n    "), "    "))
}

// remember keeps the string after "token", or a reply that is one long word.
func (s *story) remember(reply string) {
	lines := strings.Split(reply, "\r\n")
	for i, l := range lines {
		if l == "token" && i+2 < len(lines) {
			s.token = lines[i+2]
		}
	}
	if len(lines) == 3 && len(lines[1]) >= 20 {
		s.token = lines[1]
	}
}
