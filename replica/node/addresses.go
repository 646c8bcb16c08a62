package node

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

type listener struct {
	name, addr, advertise string
	open                  []string // what it lacks to be reached from other machines
}

func (c *Config) listeners() []listener {
	users, server, mutual, key := "", "", "", ""
	if c.Users == nil {
		users = "users (--users-file)"
	}
	if c.TLS == nil {
		server, mutual = "TLS (--tls-cert, --tls-key, --tls-ca)", "mutual TLS (--tls-cert, --tls-key, --tls-ca)"
	}
	if len(c.GossipKey) == 0 {
		key = "gossip key (--gossip-key-file)"
	}
	return []listener{
		{"RESP", c.Addrs.RESP, c.Advertise.RESP, lacks(users, server)},
		{"HTTP", c.Addrs.HTTP, c.Advertise.HTTP, lacks(users, server)},
		{"peer", c.Addrs.Peer, c.Advertise.Peer, lacks(mutual)},
		{"gossip", c.Addrs.Gossip, c.Advertise.Gossip, lacks(key)},
	}
}

// lacks is the parts that are named, which are those missing.
func lacks(parts ...string) []string {
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" })
}

func (c *Config) checkExposed() error {
	if c.Insecure {
		return nil
	}
	for _, d := range c.listeners() {
		if len(d.open) > 0 && !loopback(d.addr) {
			return fmt.Errorf("other machines could reach the %s address %s, and there is no %s; listen on 127.0.0.1, or give %s, or say --insecure if the network is to be trusted",
				d.name, d.addr, strings.Join(d.open, " and no "), strings.Join(d.open, " and "))
		}
	}
	return nil
}

// checkAdvertised refuses to tell others an address that means every machine.
func (c *Config) checkAdvertised() error {
	for _, d := range c.listeners() {
		host, _, _ := net.SplitHostPort(d.addr) // checked before
		ip, _ := netip.ParseAddr(host)
		if everywhere := host == "" || ip.IsUnspecified(); everywhere && d.advertise == "" && c.Host == "" {
			return fmt.Errorf("the %s address %s is every address of this machine, and others need one; give --advertise-host", d.name, d.addr)
		}
	}
	return nil
}

// loopback reports whether only this machine can reach the address. A name is
// taken for loopback only if it is localhost: what others resolve to can change.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// advertised is what others are told of a listener that is bound there.
func (c *Config) advertised(advertise, bound string) string {
	_, port, _ := net.SplitHostPort(bound)
	switch {
	case advertise != "":
		host, p, err := net.SplitHostPort(advertise)
		if err == nil && p == "0" {
			return net.JoinHostPort(host, port)
		}
		return advertise
	case c.Host != "":
		return net.JoinHostPort(c.Host, port)
	}
	return bound
}

// gossipAdvertised is what others are told of the gossip listener; empty: what is
// bound.
func (c *Config) gossipAdvertised() string {
	if c.Advertise.Gossip == "" && c.Host != "" {
		return net.JoinHostPort(c.Host, "0")
	}
	return c.Advertise.Gossip
}
