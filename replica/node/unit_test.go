package node

import (
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/node/internal/clock"
	"kvd/wallclock"
)

func dotOf(origin logical.Origin, seq logical.Seq) logical.Dot {
	return logical.Dot{Origin: origin, Seq: seq}
}

func TestListenersAreRefusedOneByOne(t *testing.T) {
	base := Defaults()
	base.Name = "n1"
	open := func(door string) *Config {
		c := base
		for name, at := range map[string]*string{"RESP": &c.Addrs.RESP, "HTTP": &c.Addrs.HTTP, "peer": &c.Addrs.Peer, "gossip": &c.Addrs.Gossip} {
			if name == door {
				*at = "0.0.0.0:1"
			}
		}
		return &c
	}
	for _, door := range []string{"RESP", "HTTP", "peer", "gossip"} {
		c := open(door)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "the "+door+" address") || !strings.Contains(err.Error(), "there is no ") {
			t.Errorf("an open %s door: %v", door, err)
		}
		c.Insecure = true
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "--advertise-host") {
			t.Errorf("an open %s door without an address for others: %v", door, err)
		}
		c.Host = "db1.example"
		if err := c.Validate(); err != nil {
			t.Errorf("an open %s door that is wanted: %v", door, err)
		}
	}
	for addr, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:1": false, ":1": false, "[::]:1": false, "10.0.0.1:1": false, "localhost.example:1": false, "nonsense": false,
	} {
		if loopback(addr) != want {
			t.Errorf("loopback(%q) is %t", addr, !want)
		}
	}
}

func TestWhatOthersAreTold(t *testing.T) {
	for _, c := range []struct{ host, advertise, bound, want string }{
		{"", "", "127.0.0.1:5", "127.0.0.1:5"},
		{"db1", "", "0.0.0.0:5", "db1:5"},
		{"db1", "db2:7", "0.0.0.0:5", "db2:7"},
		{"", "db2:0", "0.0.0.0:5", "db2:5"},
	} {
		cfg := Config{Host: c.host}
		if got := cfg.advertised(c.advertise, c.bound); got != c.want {
			t.Errorf("%+v is told as %s", c, got)
		}
	}
}

func TestWhatOnlyWeHave(t *testing.T) {
	have := logical.FrontierOf(logical.Dot{Origin: 1, Seq: 10}, logical.Dot{Origin: 2, Seq: 4})
	peers := []replica.PeerView{
		{Peer: "n2", Known: logical.FrontierOf(logical.Dot{Origin: 1, Seq: 7}, logical.Dot{Origin: 2, Seq: 9}), Durable: logical.FrontierOf(logical.Dot{Origin: 1, Seq: 7}, logical.Dot{Origin: 2, Seq: 9})},
		{Peer: "n3", Known: logical.FrontierOf(logical.Dot{Origin: 1, Seq: 5}, logical.Dot{Origin: 3, Seq: 2}), Durable: logical.FrontierOf(logical.Dot{Origin: 1, Seq: 5}, logical.Dot{Origin: 3, Seq: 2})},
		{Peer: "n4"}, // has said nothing yet
	}
	for _, c := range []struct {
		origins []logical.Origin
		peers   []replica.PeerView
		want    int
	}{
		{[]logical.Origin{1}, nil, 10}, {[]logical.Origin{1, 2}, nil, 14}, {[]logical.Origin{1}, peers, 3},
		{[]logical.Origin{2}, peers, 0}, {[]logical.Origin{1}, peers[1:], 5}, {[]logical.Origin{5}, peers, 0},
	} {
		if got := unshared(have, c.origins, c.peers); got != c.want {
			t.Errorf("of %v %d ops are unshared, want %d", c.origins, got, c.want)
		}
	}
	if got := behind(have, peers); got != 5+2 {
		t.Errorf("%d ops behind", got)
	}
}

func TestClockIsTheMachinesUntilAFaultIsPlanted(t *testing.T) {
	off := func(c *clock.Clock) time.Duration {
		return c.Now().Wall.Midpoint().Sub(wallclock.Instant(time.Now().UnixNano()))
	}
	cfg := Defaults()
	c, err := clock.New(t.Context(), cfg.judge())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if d := off(c).Abs(); d > time.Second || c.Now().Wall.HalfWidth() != 10*time.Millisecond {
		t.Errorf("off by %s, claiming %s", d, c.Now().Wall.HalfWidth())
	}
	l := &Leader{clock: c}
	before := c.Now().Mono
	if err := l.faultClock([]string{"offset=-1h", "step=-30m", "error=1s"}); err != nil {
		t.Fatal(err)
	}
	if d := off(c); d > -89*time.Minute || d < -91*time.Minute || c.Now().Wall.HalfWidth() != time.Second {
		t.Errorf("off by %s, claiming %s", d, c.Now().Wall.HalfWidth())
	}
	if err := l.faultClock([]string{"freeze=1h"}); err != nil {
		t.Fatal(err)
	}
	if a, b := c.Now().Wall, c.Now().Wall; a != b {
		t.Errorf("a frozen clock moved from %s to %s", a, b)
	}
	if after := c.Now().Mono; after <= before {
		t.Error("a fault of the calendar clock touches the stopwatch")
	}
	if err := l.faultClock([]string{"strobe=1ms/2s"}); err != nil {
		t.Error(err)
	}
	c.Change(func(s wallclock.Skewed, _ wallclock.Instant) wallclock.Skewed {
		if got := s.Faults().Strobe; got != (wallclock.Strobe{Amplitude: time.Millisecond, Period: 2 * time.Second}) {
			t.Errorf("it strobes by %+v", got)
		}
		return s
	})
	if l.faultClock([]string{"strobe=1ms"}) == nil || l.faultClock([]string{"offset=1"}) == nil || l.faultClock([]string{"drift"}) == nil {
		t.Error("a fault without a unit is taken")
	}
}

func TestTheStateDirectoryLiesOutside(t *testing.T) {
	cfg := Defaults()
	cfg.Name, cfg.Dir = "n1", "data/n1"
	for dir, fine := range map[string]bool{"": true, "data": true, "data/n1": false, "data/n1/state": false, "data/n10": true, "../x": true} {
		if cfg.StateDir = dir; (cfg.Validate() == nil) != fine {
			t.Errorf("%q: %v", dir, cfg.Validate())
		}
	}
}
