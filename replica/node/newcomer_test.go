package node

import (
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
	"kvd/resolve"
)

// circle is a newcomer's view of others that a test moves.
type circle struct {
	t   *testing.T
	n   *newcomer
	v   member.View
	has logical.Frontier
	all map[string]*replica.PeerView
	now time.Time
}

func newCircle(t *testing.T, names ...string) *circle {
	c := &circle{t: t, n: &newcomer{self: "n9", words: map[replica.Leader]*word{}}, all: map[string]*replica.PeerView{}, now: time.Unix(1, 0)}
	c.v.Joined, c.v.Tried = true, true
	for _, name := range append(names, "n9") {
		c.v.Members = append(c.v.Members, member.Member{Name: name, Status: member.Alive})
		c.all[name] = &replica.PeerView{Peer: replica.Leader(name), Up: true}
	}
	return c
}

func (c *circle) says(name string, dots ...logical.Dot) {
	c.all[name].Life, c.all[name].Known = 5, logical.FrontierOf(dots...)
}

func (c *circle) fails(name string) {
	for i := range c.v.Members {
		if c.v.Members[i].Name == name {
			c.v.Members[i].Status = member.Failed
		}
	}
}

func (c *circle) want(complete bool, says string) {
	c.t.Helper()
	var known []replica.PeerView
	for _, p := range c.all {
		known = append(known, *p)
	}
	a := c.n.weigh(c.v, c.has, known, c.now)
	if a.complete() != complete || !complete && !strings.Contains(a.String(), says) {
		c.t.Errorf("complete is %t, and it says: %s", a.complete(), a)
	}
}

func TestANewcomerWaitsForWhatAllHadAtFirst(t *testing.T) {
	c := newCircle(t, "n1", "n2")
	c.want(false, "waits to hear what n1, n2 has")
	c.says("n1", dotOf(1, 10))
	c.want(false, "has 0 of the 10 writes that n1 had")
	c.says("n2", dotOf(1, 4), dotOf(2, 6))
	c.says("n1", dotOf(1, 900)) // later, and not waited for
	c.has = logical.FrontierOf(dotOf(1, 9), dotOf(2, 6))
	c.want(false, "has 15 of the 16 writes that n1, n2 had")
	c.has.Advance(dotOf(1, 10))
	c.v.Tried = false
	c.want(false, "not everybody whom to join was asked yet")
	c.v.Tried = true
	c.want(true, "")
}

func TestANewcomerIsNotHeldUpByWhoIsGone(t *testing.T) {
	c := newCircle(t, "n1", "n2", "n3")
	c.all["n3"].Up = false // alive as gossip says, and no link
	c.says("n1", dotOf(1, 1))
	c.says("n2", dotOf(2, 7))
	c.has = logical.FrontierOf(dotOf(1, 1))
	c.want(false, "has 1 of the 8 writes")
	c.fails("n2") // with what only it had
	c.want(false, "waits to hear what n3 has")
	c.now = c.now.Add(joinPatience + time.Second)
	c.want(true, "")

	alone := newCircle(t, "n1")
	alone.says("n1", dotOf(1, 1))
	alone.want(false, "has 0 of the 1 writes")
	alone.fails("n1") // the only one that was met
	alone.want(false, "no leader that it has met can be reached")
}

// What a peer had and lost is not waited for.
func TestANewcomerDoesNotWaitForWhatIsLost(t *testing.T) {
	c := newCircle(t, "n1")
	c.says("n1", dotOf(1, 10))
	c.want(false, "0 of the 10")
	c.says("n1", dotOf(1, 3))
	c.has = logical.FrontierOf(dotOf(1, 3))
	c.want(true, "")
}

func TestTheFirstOfAClusterWaitsForNobody(t *testing.T) {
	c := newCircle(t)
	if a := c.n.weigh(c.v, c.has, nil, c.now); !a.first() || a.lacks() {
		t.Errorf("%+v", a)
	}
	c.v.Joined = false
	c.want(false, "has met no other leader yet; start another")
	c.v.Trouble = errors.New("nobody answers")
	c.want(false, "yet: nobody answers; start")
}

// A leader that was taken for the first of its cluster, and meets one that has
// data, was not.
func TestAFirstLeaderThatWasNotTheFirstWaits(t *testing.T) {
	all := cluster(t, 1, everybody(resolve.LWW), nil)
	old := all[0]
	old.set("k", "old")
	cfg := old.cfg
	n := cluster(t, 1, everybody(resolve.LWW), func(_ int, c *Config) { c.Name = "n2" })[0]
	if n.waits() {
		t.Fatal("it waits for somebody")
	}
	cfg.Name, cfg.FS, cfg.Join, cfg.Dir = "n3", nil, []string{n.Addrs().Gossip, old.Addrs().Gossip}, t.TempDir()
	third := newNode(t, start(t, cfg)) // brings the two together
	for _, l := range []*node{n, third} {
		eventually(t, l.Name()+" has what the first had", func() bool { return l.Serving() && l.newcomer.Load() == nil })
		if got := l.ask("GET", "k"); got != "old" {
			t.Errorf("%s serves with %v", l.Name(), got)
		}
	}
}

func (n *node) waits() bool { return n.newcomer.Load().waits() }

// A newcomer that ends amid catching up is still one when it begins again,
// although it has data by then; one that has arrived is none.
func TestANewcomerThatWasInterruptedWaitsAgain(t *testing.T) {
	first := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	first.set("k", "v")
	cfg := first.cfg
	cfg.Name, cfg.FS, cfg.Dir, cfg.Join = "n2", nil, t.TempDir(), []string{first.Addrs().Gossip}
	file := filepath.Join(cfg.Dir, newcomerFile)
	n := start(t, cfg)
	eventually(t, "n2 has arrived", func() bool { return n.newcomer.Load() == nil })
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("it has arrived, and a file says that it has not: %v", err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg.Join = []string{closedPort(t)}
	if err := os.Remove(filepath.Join(cfg.Dir, "gossip")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, interrupted := range []bool{false, true} {
		if interrupted {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		n := start(t, cfg)
		if n.Serving() == interrupted {
			t.Errorf("interrupted is %t, and so is serving", interrupted)
		}
		if err := n.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
