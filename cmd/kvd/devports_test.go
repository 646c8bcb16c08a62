package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/contexts"
	"kvd/replica/replicatest"
)

// somebody listens at a port of this machine, behind one that is free, and answers
// everything with text.
func somebody(t *testing.T, text string) (addr string, port int) {
	t.Helper()
	var l net.Listener
	replicatest.Eventually(t, "two ports in a row are free", func() bool {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		before, err := net.Listen("tcp", devAddr(l.Addr().(*net.TCPAddr).Port, -1))
		if err != nil {
			l.Close()
			return false
		}
		before.Close()
		return true
	})
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, text) // whoever asks may be gone
			c.Close()
		}
	}()
	return l.Addr().String(), l.Addr().(*net.TCPAddr).Port
}

const saysDev = "$29\r\n# kvd\r\nnode:n1\r\ncluster:dev\r\n\r\n"

// TestDevBeginsNothingWherePortsAreTaken: no leader serves, and no context names
// one, where not all of them can.
func TestDevBeginsNothingWherePortsAreTaken(t *testing.T) {
	for flag, says := range map[string]string{"--resp-port": "n1 of cluster dev is there: kv -n %s", "--http-port": "%s, where n2 would listen, is taken"} {
		for beginsNothing(t, flag, says) {
		}
	}
}

// beginsNothing runs a cluster of two, for the second of which a port is taken. It reports
// whether to try again: somebody else has taken one of the first's meanwhile.
func beginsNothing(t *testing.T, flag, says string) (again bool) {
	addr, port := somebody(t, saysDev)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "data")
	var out, errs bytes.Buffer
	args := []string{"kvd", "dev", "--leaders", "2", "--resp-port", "0", flag, strconv.Itoa(port - 1), "--data-dir", dir}
	code := run(args, strings.NewReader(""), &out, &errs)
	if strings.Contains(errs.String(), "where n1 would listen") {
		return true
	}
	if code != 1 || !strings.Contains(errs.String(), fmt.Sprintf(says, addr)) || !strings.Contains(errs.String(), flag+" 0 takes free ports") {
		t.Errorf("%s: exit %d, %s", flag, code, errs.String())
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s: a leader began", flag)
	}
	if found, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "kvd", "*")); err != nil || len(found) > 0 {
		t.Errorf("%s: there are contexts: %v, %v", flag, found, err)
	}
	return false
}

// A file where data should lie is called that, and not damaged data.
func TestDevBelowAFile(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	var out, errs bytes.Buffer
	code := run([]string{"kvd", "dev", "--leaders", "1", "--resp-port", "0", "--data-dir", file}, strings.NewReader(""), &out, &errs)
	if said := errs.String(); code != 1 || !strings.Contains(said, "not a directory") || strings.Contains(said, "damaged") {
		t.Errorf("exit %d, %s", code, said)
	}
}

func TestPortsThatAClusterCannotHave(t *testing.T) {
	for _, c := range []struct {
		n, resp, http int
		says          string
	}{
		{3, 0, 0, ""}, {3, 7381, 7384, ""}, {3, 7384, 7381, ""}, {1, 65535, 0, ""},
		{3, 65534, 0, "--resp-port 65534"}, {3, 0, -1, "--http-port -1"}, {3, 7381, 7383, "put them 3 apart"}, {3, 7383, 7381, "put them 3 apart"}, {1, 5, 5, "put them 1 apart"},
	} {
		err := devPorts(c.n, c.resp, c.http)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// The pages are at the same ports at each start, unless clients are anywhere.
func TestPagesHavePortsOfTheirOwn(t *testing.T) {
	for args, want := range map[string]int{"": 7481, "--resp-port 9000": 9100, "--resp-port 0": 0, "--resp-port 65500": 0, "--http-port 0": 0, "--resp-port 0 --http-port 80": 80} {
		dev, got := devCommand(), -1
		dev.Action = func(c *cli.Context) error {
			got = devHTTPPort(c)
			return nil
		}
		app := &cli.App{Commands: []*cli.Command{dev}}
		if err := app.Run(append([]string{"kvd", "dev"}, strings.Fields(args)...)); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", args, got, err, want)
		}
	}
}

// TestAClusterLeavesTheNameToOneThatRuns: kv goes on talking to that one.
func TestAClusterLeavesTheNameToOneThatRuns(t *testing.T) {
	at := func(addr string) contexts.Context {
		return contexts.Context{Name: devContext, Leaders: []contexts.Leader{{Name: "n1", Addr: addr}}}
	}
	running, _ := somebody(t, saysDev)
	other, _ := somebody(t, "-ERR I am somebody else\r\n")
	for _, c := range []struct{ there, ours, name, current string }{
		{"", "127.0.0.1:1", "dev", "dev"},
		{running, "127.0.0.1:1", "dev2", "dev"},
		{running, running, "dev", "dev"},     // nobody else can listen there
		{other, "127.0.0.1:1", "dev", "dev"}, // another program has the port since
		{free(t), "127.0.0.1:1", "dev", "dev"},
	} {
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		if c.there != "" {
			must(t, contexts.Edit(func(b *contexts.Set) error {
				b.Put(at(c.there))
				return b.Use(devContext)
			}))
		}
		var said bytes.Buffer
		name, forget := remember(&said, at(c.ours))
		b := book(t)
		if mine, err := b.Get(c.name); name != c.name || err != nil || mine.Leaders[0].Addr != c.ours || b.Current != c.current {
			t.Errorf("%+v: %s, %v, %+v", c, name, err, b)
		}
		if (name != devContext) != strings.Contains(said.String(), "kv -c dev2") {
			t.Errorf("%+v: said %q", c, said.String())
		}
		forget()
		if _, err := book(t).Get(c.name); err == nil {
			t.Errorf("%+v: the context stays", c)
		}
		if name != devContext && book(t).Current != devContext {
			t.Errorf("%+v: the other one is not in use any more", c)
		}
	}
}

func book(t *testing.T) *contexts.Set {
	t.Helper()
	path, err := contexts.Path()
	must(t, err)
	b, err := contexts.Load(path)
	must(t, err)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
