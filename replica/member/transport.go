package member

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
)

// transport is memberlist's own, except that whatever it dialled ends with ctx:
// otherwise an attempt to reach a silent address would outlive Close.
type transport struct {
	*memberlist.NetTransport
	ctx context.Context
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)

// DialTimeout is DialAddressTimeout for callers that know no name.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(t.ctx, "tcp", a.Addr)
	if err != nil {
		return nil, err
	}
	return &stream{Conn: conn, stop: context.AfterFunc(t.ctx, func() { conn.Close() })}, nil
}

// stream is a connection that is closed when its transport's context ends.
type stream struct {
	net.Conn
	stop func() bool
}

// Close closes the connection; nobody needs to watch the context for it any
// more.
func (s *stream) Close() error {
	s.stop()
	return s.Conn.Close()
}

// portTries is how often a free port is looked for. The kernel gives a free TCP
// port; that UDP of the same number is free too is luck.
const portTries = 10

// bind opens the gossip port and says under which address others reach it.
func bind(ctx context.Context, cfg *Config, gossip *memberlist.Config) (*transport, string, error) {
	host, port, err := resolve(ctx, cfg.Bind)
	if err != nil {
		return nil, "", err
	}
	open := memberlist.NetTransportConfig{BindAddrs: []string{host}, BindPort: port, Logger: gossip.Logger}
	net, err := memberlist.NewNetTransport(&open)
	for try := 1; err != nil && port == 0 && try < portTries; try++ {
		net, err = memberlist.NewNetTransport(&open)
	}
	if err != nil {
		return nil, "", fmt.Errorf("member: bind %s: %w; choose a free address of this machine", cfg.Bind, err)
	}
	gossip.BindAddr, gossip.BindPort = host, net.GetAutoBindPort()
	self, err := advertise(ctx, cfg, gossip, net)
	if err != nil {
		net.Shutdown()
		return nil, "", err
	}
	return &transport{net, ctx}, self, nil
}

func advertise(ctx context.Context, cfg *Config, gossip *memberlist.Config, net *memberlist.NetTransport) (string, error) {
	gossip.AdvertisePort = gossip.BindPort
	if cfg.Advertise != "" {
		host, port, err := resolve(ctx, cfg.Advertise)
		if err != nil {
			return "", err
		}
		gossip.AdvertiseAddr = host
		if port != 0 {
			gossip.AdvertisePort = port
		}
	}
	ip, port, err := net.FinalAdvertiseAddr(gossip.AdvertiseAddr, gossip.AdvertisePort)
	if err != nil {
		return "", fmt.Errorf("member: find an address to advertise: %w; give one", err)
	}
	return address(ip, uint16(port)), nil
}

// resolve turns host:port into an IP and a port. An empty host is every IPv4
// address. Memberlist would take a name for an empty host and bind everything.
func resolve(ctx context.Context, hostPort string) (ip string, port int, err error) {
	host, digits, err := net.SplitHostPort(hostPort)
	if err != nil {
		return "", 0, fmt.Errorf("member: read address %q: %w; write host:port", hostPort, err)
	}
	if port, err = strconv.Atoi(digits); err != nil {
		return "", 0, fmt.Errorf("member: read the port of %q: %w; write a number", hostPort, err)
	}
	if host == "" {
		return "0.0.0.0", port, nil
	}
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return "", 0, fmt.Errorf("member: look up %q: %w; write an IP address or a name that resolves", host, err)
	}
	for _, a := range found {
		if a.IP.To4() != nil {
			return a.IP.String(), port, nil
		}
	}
	return found[0].IP.String(), port, nil
}
