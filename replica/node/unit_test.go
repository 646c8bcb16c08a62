package node

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/member"
	"kvd/wallclock"
)

func dotOf(origin logical.Origin, seq logical.Seq) logical.Dot {
	return logical.Dot{Origin: origin, Seq: seq}
}

func TestDoorsAreRefusedOneByOne(t *testing.T) {
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
		var exposed *ExposedError
		if err := c.Validate(); !errors.As(err, &exposed) || exposed.Door != door || len(exposed.Lacks) == 0 {
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
		if got := cfg.told(c.advertise, c.bound); got != c.want {
			t.Errorf("%+v is told as %s", c, got)
		}
	}
}

func TestMarkIsTakenOnce(t *testing.T) {
	dir := t.TempDir()
	want := cleanMark{Origin: 1<<63 + 5, Seq: 9, Statuses: 70, Token: "t"}
	if err := leaveMark(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, _, err := takeMark(dir); err != nil || got == nil || *got != want {
		t.Errorf("read %+v, %v", got, err)
	}
	if got, _, err := takeMark(dir); got != nil || err != nil {
		t.Errorf("read again %+v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, markFile), []byte(`{"origin": `), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _, err := takeMark(dir); got != nil || err != nil {
		t.Errorf("half a mark is %+v, %v", got, err)
	}
}

// An origin goes on only if everybody agrees; each row is one reason why not.
func TestConfirm(t *testing.T) {
	const own = "0000000000000007"
	fine := func() *testimony {
		a := &testimony{Name: "n2", Origin: "0000000000000008"}
		a.Frontier = append(a.Frontier, struct {
			Origin string
			Seq    logical.Seq
		}{own, 5})
		return a
	}
	peer := func(a *testimony, name, origin string, alive bool) {
		a.Peers = append(a.Peers, struct {
			Name, Origin string
			Alive        bool
		}{name, origin, alive})
	}
	for _, c := range []struct {
		name, says string
		change     func(*testimony)
		err        error
	}{
		{"agrees", "", func(a *testimony) { peer(a, "n1", own, false) }, nil},
		{"is away", "cannot be asked", nil, errors.New("refused")},
		{"knows more", "our log ends at 5", func(a *testimony) { a.Frontier[0].Seq = 6 }, nil},
		{"holds it", "holds origin", func(a *testimony) { a.Origin = own }, nil},
		{"knows who holds it", "live leader n1", func(a *testimony) { peer(a, "n1", own, true) }, nil},
		{"knows a stranger", "never met", func(a *testimony) { peer(a, "n9", "0000000000000009", false) }, nil},
		{"is somebody else", "n3 answered", func(a *testimony) { a.Name = "n3" }, nil},
	} {
		asker := confirmer{self: "n1", own: logical.Dot{Origin: 7, Seq: 5}, fetch: func(context.Context, string) (*testimony, error) {
			a := fine()
			if c.change != nil {
				c.change(a)
			}
			return a, c.err
		}}
		err := asker.confirm(context.Background(), acquaintances{"n2": "n2:1"})
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("one that %s: %v", c.name, err)
		}
	}
	if err := (&confirmer{}).confirm(context.Background(), nil); err != nil {
		t.Errorf("nobody is known: %v", err)
	}
}

// An address where nobody ever answers costs the bound and no more.
func TestConfirmIsBounded(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cfg, began := Defaults(), time.Now()
	c := confirmer{self: "n1", fetch: cfg.fetch}
	if err := c.confirm(context.Background(), acquaintances{"n2": silent.Addr().String()}); err == nil {
		t.Error("silence is taken for consent")
	}
	if took := time.Since(began); took > 4*confirmWithin {
		t.Errorf("it took %s", took)
	}
}

func TestAcquaintancesAreRemembered(t *testing.T) {
	dir := t.TempDir()
	a, err := readAcquaintances(dir)
	if err != nil || len(a) != 0 {
		t.Fatalf("at first %v, %v", a, err)
	}
	v := member.View{Members: []member.Member{{Name: "n1", HTTPAddr: "a:1"}, {Name: "n2", HTTPAddr: "b:1"}}}
	if !a.meet("n1", v) || a.meet("n1", v) {
		t.Error("a meeting is news once")
	}
	if err := a.write(dir); err != nil {
		t.Fatal(err)
	}
	if again, err := readAcquaintances(dir); err != nil || len(again) != 1 || again["n2"] != "b:1" {
		t.Errorf("read %v, %v", again, err)
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
	off := func(c *clock) time.Duration {
		return c.Now().Wall.Midpoint().Sub(wallclock.Instant(time.Now().UnixNano()))
	}
	c := newClock(10*time.Millisecond, wallclock.Faults{}, 0)
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
	if err := l.faultClock([]string{"strobe=1ms/2s"}); err != nil || c.skewed.Faults().Strobe != (wallclock.Strobe{Amplitude: time.Millisecond, Period: 2 * time.Second}) {
		t.Errorf("it strobes by %+v, %v", c.skewed.Faults().Strobe, err)
	}
	if l.faultClock([]string{"strobe=1ms"}) == nil || l.faultClock([]string{"offset=1"}) == nil || l.faultClock([]string{"drift"}) == nil {
		t.Error("a fault without a unit is taken")
	}
}
