package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client/conn"
)

const maxPort = 1<<16 - 1

// devAddr is where leader number i listens, from zero; port zero: anywhere.
func devAddr(port, i int) string {
	if port != 0 {
		port += i
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

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

// infoAt asks for what a leader says of itself.
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
