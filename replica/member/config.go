package member

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
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

	Bind      string   // host:port to gossip on, TCP and UDP; port 0 takes a free one
	Advertise string   // host:port others are told; empty: what was bound; port 0: the bound one
	Join      []string // host:port of leaders to join; our own address is fine

	PeerAddr string // told to the others, not interpreted here
	RespAddr string
	HTTPAddr string

	Protocol     int    // of the links between leaders; only equals join
	PolicyDigest string // of the policy; only equals join

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
