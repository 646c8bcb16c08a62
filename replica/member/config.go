package member

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

// Profile is how fast gossip goes.
type Profile uint8

// The profiles.
const (
	LAN   Profile = iota // leaders on several machines; a failure is seen in about three seconds
	Local                // all on one machine; about one second, and more traffic
)

// Config is what membership is told once.
type Config struct {
	Name    string // this leader's, unique in the cluster
	Cluster string // only leaders of the same cluster join
	Origin  uint64 // of this incarnation of the leader, never zero
	// Begun is the moment ([Forgetting.At]) of the latest forgetting of this leader after
	// which its data began anew; zero: it was never forgotten, or has not heard of it.
	Begun int64

	Bind      string   // host:port to gossip on, TCP and UDP; port 0 takes a free one
	Advertise string   // host:port others are told; empty: what was bound; port 0: the bound one
	Join      []string // host:port of leaders to join; our own address is fine

	PeerAddr string // told to the others, not interpreted here
	RespAddr string
	HTTPAddr string

	Protocol     int    // of the links between leaders; only equals join
	PolicyDigest string // of the policy; only equals join where neither has a number
	// PolicyNumber counts how often the policy was changed while leaders ran: then one of two
	// that differ goes over to the other's. Zero: it never was.
	PolicyNumber uint64

	GossipKey    []byte // 16, 24 or 32 bytes, the same at every leader; empty: gossip is readable
	SnapshotPath string // file of known members, to join them again after a restart; empty: none

	Profile Profile
	// Heard is told, by the goroutine that tells of views, what leaders said about others
	// with Spread; nil: nobody is. It may be told the same again.
	Heard func(Forgetting)

	Logger *slog.Logger
}

var nameRule = regexp.MustCompile(`^[A-Za-z0-9.-]{1,128}$`)

// Validate refuses what could not work, all of it at once.
func (c *Config) Validate() error {
	var errs []error
	for _, rule := range []struct {
		broken bool
		says   string
	}{
		{!nameRule.MatchString(c.Name), fmt.Sprintf("the name %q is refused; use 1 to 128 letters, digits, dots and dashes", c.Name)},
		{c.Cluster == "", "no cluster name; give every leader the same one"},
		{c.Origin == 0, "no origin; give that of this incarnation of the leader"},
		{c.Protocol < 1, "no protocol; give a number above zero"},
		{c.Profile > Local, "there is no such profile; use LAN or Local"},
		{c.Logger == nil, "no logger; give one, with slog.DiscardHandler if nothing is to be said"},
		{!slices.Contains([]int{0, 16, 24, 32}, len(c.GossipKey)), fmt.Sprintf("the gossip key has %d bytes; give 16, 24 or 32, or none", len(c.GossipKey))},
	} {
		if rule.broken {
			errs = append(errs, errors.New("member: "+rule.says))
		}
	}
	errs = append(errs, c.validateAddresses())
	if size := tagsSize(c.tags()); size > maxTags {
		errs = append(errs, fmt.Errorf("member: addresses, cluster name and policy digest take %d bytes of gossip, and there is room for %d; shorten the names", size, maxTags))
	}
	return errors.Join(errs...)
}

func (c *Config) validateAddresses() error {
	errs := []error{checkAddress("bind", c.Bind)}
	if host, _, err := net.SplitHostPort(c.Bind); err == nil && net.ParseIP(host).Equal(net.IPv6unspecified) && c.Advertise == "" {
		errs = append(errs, errors.New("member: bound to every IPv6 address, and no address to advertise; give one that the others can reach"))
	}
	if c.Advertise != "" {
		errs = append(errs, checkAddress("advertise", c.Advertise))
	}
	for _, seed := range c.Join {
		errs = append(errs, checkAddress("join", seed))
	}
	return errors.Join(errs...)
}

func checkAddress(what, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("member: the %s address %q is refused: %w; write host:port", what, address, err)
	}
	return nil
}

type pace struct {
	poll     time.Duration // members are polled this often: not every change of serf's is an event
	retryMin time.Duration // between attempts to join, doubling
	retryMax time.Duration // and how often seeds that are still no members are tried later
}

func (p Profile) pace() pace {
	if p == Local {
		return pace{poll: 100 * time.Millisecond, retryMin: 20 * time.Millisecond, retryMax: 500 * time.Millisecond}
	}
	return pace{poll: time.Second, retryMin: 200 * time.Millisecond, retryMax: 15 * time.Second}
}

// never is how long failed members are remembered: a leader that is forgotten
// would no longer hold back what it has not yet got.
const never = 100 * 365 * 24 * time.Hour

// serfConfig is serf's configuration for the profile, all but who we are.
//
// LAN: with up to ten leaders a silent one is suspected after a probe of 500 ms
// and failed 2 s later. Below four leaders nobody can confirm a suspicion, and
// serf takes the shortest time.
func (p Profile) serfConfig() *serf.Config {
	conf := serf.DefaultConfig()
	conf.LogOutput = nil
	conf.ReconnectTimeout = never
	// A vote over a name makes a leader that is alone with the newcomer lose, and
	// shut down; the guard refuses the newcomer instead.
	conf.EnableNameConflictResolution = false
	conf.ReconnectInterval = 5 * time.Second
	conf.BroadcastTimeout = 2 * time.Second
	conf.LeavePropagateDelay = time.Second
	conf.MemberlistConfig = p.gossip()
	if p == Local {
		conf.ReconnectInterval = 300 * time.Millisecond
		conf.BroadcastTimeout = 500 * time.Millisecond
		conf.LeavePropagateDelay = 100 * time.Millisecond
	}
	return conf
}

func (p Profile) gossip() *memberlist.Config {
	g := memberlist.DefaultLANConfig()
	g.ProbeInterval, g.ProbeTimeout = 500*time.Millisecond, 200*time.Millisecond
	g.SuspicionMult, g.SuspicionMaxTimeoutMult = 4, 6
	g.TCPTimeout = 5 * time.Second
	g.PushPullInterval = 15 * time.Second
	g.DeadNodeReclaimTime = 5 * time.Second // a failed leader may come back elsewhere after this
	if p == Local {
		g.ProbeInterval, g.ProbeTimeout = 200*time.Millisecond, 100*time.Millisecond
		g.TCPTimeout = time.Second
		g.GossipInterval = 20 * time.Millisecond
		g.PushPullInterval = time.Second
		g.DeadNodeReclaimTime = 300 * time.Millisecond
	}
	return g
}
