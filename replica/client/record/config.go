package record

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"kvd/resolve/blackbox"
)

// Server is whom clients ask.
type Server struct {
	Addr           string // HOST:PORT; the node's name in the history
	User, Password string
}

// ParseServers reads redis://[user:password@]host[:port], several with commas.
func ParseServers(text string) ([]Server, error) {
	var all []Server
	for part := range strings.SplitSeq(text, ",") {
		s, err := parseServer(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(o Server) bool { return o.Addr == s.Addr }) {
			return nil, fmt.Errorf("%s is named twice", s.Addr)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseServer(text string) (Server, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" && u.Scheme == "redis":
		return Server{}, errors.New("no address such as redis://10.0.0.1:6379") // the text may have a password
	case u.Scheme == "rediss":
		return Server{}, errors.New("servers are asked over plain TCP: redis://, not rediss://")
	case u.Scheme != "redis":
		return Server{}, errors.New("an address begins with redis://, as in redis://10.0.0.1:6379")
	case u.Path != "" && u.Path != "/" && u.Path != "/0":
		return Server{}, errors.New("keys are in database 0: redis://10.0.0.1:6379 without a path")
	}
	s := Server{Addr: u.Host, User: u.User.Username()}
	s.Password, _ = u.User.Password()
	if u.Port() == "" {
		s.Addr = net.JoinHostPort(u.Hostname(), "6379")
	}
	return s, nil
}

// Workload is what clients do.
type Workload string

// The workloads.
const (
	Counter  Workload = "counter"
	Set      Workload = "set"
	Register Workload = "register"
)

// Workloads names all.
func Workloads() []string { return []string{string(Counter), string(Set), string(Register)} }

// Config is a recording.
type Config struct {
	Servers   []Server
	Workloads []Workload
	Clients   int           // at each server
	Keys      int           // of each workload at a time
	Ops       int64         // updates in all; zero: until Duration or the context ends
	Duration  time.Duration // zero: until Ops or the context ends
	Rate      float64       // updates a second in all; zero: as fast as answers come
	Timeout   time.Duration // of a command
	Settle    time.Duration // how long the last readings wait until all servers show the same
	Prefix    string        // of every key; nothing else may write there
	Seed      uint64        // feeds the choice of workloads and keys

	// Put takes an op; it is called by one goroutine at a time. Its error ends the
	// recording.
	Put func(*blackbox.Op) error
	// Progress hears once a second how many updates there are; nil: nobody does.
	Progress func(updates int64, after time.Duration)
}

// maxKeys bounds keys, and with them what the last readings take.
const maxKeys = 100_000

// maxClients is as many as a machine has room for.
const maxClients = 10_000

// Validate says what is wrong with the first setting that makes no sense.
func (c *Config) Validate() error {
	known := func(w Workload) bool { return slices.Contains(Workloads(), string(w)) }
	switch {
	case len(c.Servers) == 0:
		return errors.New("no server is named")
	case len(c.Workloads) == 0 || !slices.ContainsFunc(c.Workloads, known) || slices.ContainsFunc(c.Workloads, func(w Workload) bool { return !known(w) }):
		return fmt.Errorf("a workload is one of %s", strings.Join(Workloads(), ", "))
	case c.Clients < 1 || c.Clients*len(c.Servers) > maxClients:
		return fmt.Errorf("clients must be at least 1 at each server, and %d in all at most", maxClients)
	case c.Keys < 1 || c.Keys > maxKeys:
		return fmt.Errorf("keys must be between 1 and %d", maxKeys)
	case c.Ops < 0 || c.Duration < 0 || c.Rate < 0 || c.Settle < 0:
		return errors.New("nothing can be counted below zero")
	case c.Timeout <= 0:
		return errors.New("the timeout must be above zero")
	case c.Put == nil:
		return errors.New("nobody takes the ops")
	}
	return nil
}

// Summary is what was recorded.
type Summary struct {
	Updates, Acked, Indeterminate, Failed int64
	Reads                                 int64
	Keys                                  int
	Agreed                                bool     // all servers showed the same at the end
	Differ                                int      // keys that they show differently
	Missing                               []string // servers that could not be asked at the end
	Refusal                               string   // one of the refusals
	Took                                  time.Duration
}
