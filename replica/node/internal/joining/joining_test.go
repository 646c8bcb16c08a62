package joining

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/member"
)

// circle is a newcomer's view of others that a test moves.
type circle struct {
	t   *testing.T
	n   *Newcomer
	v   member.View
	has logical.Frontier
	all map[string]*replica.PeerView
	now time.Time
}

func newCircle(t *testing.T, names ...string) *circle {
	c := &circle{t: t, n: &Newcomer{cfg: Config{Name: "n9"}, first: map[replica.Leader]*statement{}}, all: map[string]*replica.PeerView{}, now: time.Unix(1, 0)}
	c.v.Joined, c.v.Tried = true, true
	for _, name := range append(names, "n9") {
		c.v.Members = append(c.v.Members, member.Member{Name: name, Status: member.Alive})
		c.all[name] = &replica.PeerView{Peer: replica.Leader(name), Up: true}
	}
	return c
}

func (c *circle) says(name string, dots ...logical.Dot) {
	c.all[name].Origin, c.all[name].Known = 5, logical.FrontierOf(dots...)
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
	a := c.n.compare(c.v, c.has, known, c.now)
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
	c.now = c.now.Add(linkTimeout + time.Second)
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
	if a := c.n.compare(c.v, c.has, nil, c.now); !a.alone() || a.lacks() {
		t.Errorf("%+v", a)
	}
	c.v.Joined = false
	c.want(false, "has met no other leader yet; start another")
	c.v.Trouble = errors.New("nobody answers")
	c.want(false, "yet: nobody answers; start")
}

func dotOf(origin logical.Origin, seq logical.Seq) logical.Dot {
	return logical.Dot{Origin: origin, Seq: seq}
}
