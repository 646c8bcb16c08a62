package main

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/contexts"
	"kvd/replica/client/conn"
	"kvd/replica/node"
)

const maxPort = 1<<16 - 1

// devAddr is where leader number i listens, from zero; port zero: anywhere.
func devAddr(port, i int) string {
	if port != 0 {
		port += i
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// devHTTPPort is where the first leader shows its pages: the same at each start where the
// port for clients is, so that a browser or Prometheus can be pointed there.
func devHTTPPort(c *cli.Context) int {
	resp := c.Int("resp-port")
	switch {
	case c.IsSet("http-port"):
		return c.Int("http-port")
	case resp > 0 && resp+httpBeyond+maxDevLeaders <= maxPort:
		return resp + httpBeyond
	}
	return 0
}

// httpBeyond is how far the ports for pages are beyond those for clients.
const httpBeyond = 100

// devPorts refuses ports that n leaders cannot have.
func devPorts(n, resp, http int) error {
	for flag, first := range map[string]int{"--resp-port": resp, "--http-port": http} {
		if first < 0 || first+n-1 > maxPort {
			return fmt.Errorf("%s %d: %d leaders listen there and at what follows; give 1 to %d, or 0", flag, first, n, maxPort-n+1)
		}
	}
	if resp != 0 && http != 0 && resp < http+n && http < resp+n {
		return fmt.Errorf("--resp-port %d and --http-port %d: %d leaders would have one port for both; put them %d apart", resp, http, n, n)
	}
	return nil
}

// vacant takes every port that was asked for, for a moment: where one is somebody
// else's, nothing is begun, so that nobody talks to half a cluster.
func (p *cluster) vacant() error {
	for i := range p.configs {
		cfg := &p.configs[i]
		for _, at := range []struct{ flag, addr string }{{"--resp-port", cfg.Addrs.RESP}, {"--http-port", cfg.Addrs.HTTP}} {
			l, err := net.Listen("tcp", at.addr)
			if err != nil {
				return taken(cfg.Name, at.flag, at.addr, err)
			}
			defer l.Close() // nobody was let in
		}
	}
	return nil
}

func taken(name, flag, addr string, err error) error {
	if who := atAddress(addr); who != "" {
		err = fmt.Errorf("%s is there: kv -n %s talks to it", who, addr)
	}
	return cliutil.Fail(fmt.Sprintf("cannot start the cluster: %s, where %s would listen, is taken", addr, name), err,
		"stop what is there, or "+flag+" 0 takes free ports")
}

// whoTime bounds how long somebody is asked who it is.
const whoTime = 300 * time.Millisecond

// atAddress is the leader that serves clients there; empty: none that says so.
func atAddress(addr string) string {
	info, err := infoAt(addr)
	if err != nil || info["node"] == "" {
		return ""
	}
	return fmt.Sprintf("%s of cluster %s", cliutil.Printable(info["node"]), cliutil.Printable(info["cluster"]))
}

func infoAt(addr string) (map[string]string, error) {
	c, err := conn.Dial(addr, whoTime)
	if err != nil {
		return nil, err
	}
	defer c.Close() // nothing more is asked
	said, err := c.Do(whoTime, "INFO", "kvd")
	if err != nil {
		return nil, err
	}
	info := map[string]string{}
	for line := range strings.Lines(said.Text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		info[name] = value
	}
	return info, nil
}

// devContext is what clients call the cluster.
const devContext = "dev"

func contextOf(all []*node.Leader) contexts.Context {
	c := contexts.Context{Name: devContext}
	for _, l := range all {
		c.Leaders = append(c.Leaders, contexts.Leader{Name: l.Name(), Addr: l.Addrs().RESP})
	}
	return c
}

// remember writes the cluster into the file of contexts and makes it the one in
// use, so that kv needs no flags. Where another one of our name is running, that
// stays in use and this one has a name with a number. What it returns is the name,
// and takes it back. A file that cannot be written is no reason not to run.
func remember(w io.Writer, ours contexts.Context) (name string, forget func()) {
	before := ""
	err := contexts.Edit(func(b *contexts.Set) error {
		if ours.Name = freeName(b, ours.Leaders); ours.Name != devContext {
			b.Put(ours)
			return nil
		}
		if before = b.Current; before == devContext {
			before = ""
		}
		b.Put(ours)
		return b.Use(devContext)
	})
	if err != nil {
		fmt.Fprintf(w, "kvd: kv will need -n: %v\n", err)
		return devContext, func() {}
	}
	if ours.Name != devContext {
		fmt.Fprintf(w, "kvd: another cluster is the context %s, and runs; this one is %s: kv -c %s\n", devContext, ours.Name, ours.Name)
	}
	return ours.Name, func() {
		if err := contexts.Edit(func(b *contexts.Set) error { return takeBack(b, ours, before) }); err != nil {
			fmt.Fprintf(w, "kvd: the context %s stays: %v\n", ours.Name, err)
		}
	}
}

// maxDevContexts bounds how many clusters have a name at a time; the next takes
// the last one's.
const maxDevContexts = 9

// freeName is our name, or one with a number where a cluster of our name runs. A
// context whose leaders are all away is left over from one that was killed.
func freeName(b *contexts.Set, ours []contexts.Leader) string {
	name := devContext
	for i := 2; i <= maxDevContexts; i++ {
		other, err := b.Get(name)
		if err != nil || !slices.ContainsFunc(other.Leaders, func(l contexts.Leader) bool { return runs(l, ours) }) {
			return name
		}
		name = fmt.Sprintf("%s%d", devContext, i)
	}
	return name
}

// runs reports whether somebody else's leader is there.
func runs(l contexts.Leader, ours []contexts.Leader) bool {
	if slices.ContainsFunc(ours, func(o contexts.Leader) bool { return o.Addr == l.Addr }) {
		return false // its port is ours now
	}
	info, err := infoAt(l.Addr)
	return err == nil && info["cluster"] == devContext
}

// takeBack removes our context unless another cluster has put its own in its
// place, and goes back to the one that was in use.
func takeBack(b *contexts.Set, ours contexts.Context, before string) error {
	now, err := b.Get(ours.Name)
	if err != nil || !slices.Equal(now.Leaders, ours.Leaders) {
		return nil
	}
	current := b.Current
	if err := b.Remove(ours.Name); err != nil || current != ours.Name || before == "" {
		return err
	}
	if _, err := b.Get(before); err != nil {
		return nil // it is gone meanwhile
	}
	return b.Use(before)
}
