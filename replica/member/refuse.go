package member

import (
	"fmt"
	"maps"
	"sync"

	"github.com/hashicorp/memberlist"
)

// Refused says why a leader is not let in, here or at the other side: the
// comparison is the same on both.
type Refused struct {
	Name   string // the other's
	Gossip string // where it is, host:port
	What   string // what differs: "cluster name", "protocol", "policy digest"; "name" if it has ours
	Ours   string
	Theirs string
}

// Error names the difference and what to do about it.
func (r *Refused) Error() string {
	if r.What == whatName {
		return fmt.Sprintf("two live leaders bear the name %q, one at %s and one at %s; give one of them another name", r.Name, r.Ours, r.Theirs)
	}
	return fmt.Sprintf("leader %q at %s is refused: its %s is %q and ours is %q; make them equal and start again", r.Name, r.Gossip, r.What, r.Theirs, r.Ours)
}

const whatName = "name"

// compared are the tags that must be equal, in the order in which a difference
// is reported. Policies may differ where one was changed while leaders ran.
var compared = [...]struct{ tag, what string }{
	{tagCluster, "cluster name"},
	{tagProtocol, "protocol"},
	{tagPolicy, "policy digest"},
}

// guard decides who is let in. It stands where serf's own merge delegate would,
// because that one cannot tell a dead member from a live one, and a dead one with
// an old policy must not keep newcomers out.
//
// Memberlist calls it under its own lock, so it calls nobody.
type guard struct {
	name string
	self string // our gossip address, as others see it
	tags map[string]string

	mu       sync.Mutex
	last     *Refused          // the newest refusal
	rival    *Rival            // heard of since the last view
	known    map[string]string // gossip addresses of the members in the newest view
	replaced map[string]bool   // members whose address now answers as somebody we refuse
}

var (
	_ memberlist.MergeDelegate = (*guard)(nil)
	_ memberlist.AliveDelegate = (*guard)(nil)
)

// NotifyMerge is asked when two leaders connect, at both of them. One refusal refuses
// all: a cluster with a member that we refuse is another cluster.
func (g *guard) NotifyMerge(nodes []*memberlist.Node) error {
	for _, n := range nodes {
		if n.State == memberlist.StateDead || n.State == memberlist.StateLeft {
			continue
		}
		if err := g.check(n); err != nil {
			return err
		}
	}
	return nil
}

// NotifyAlive is asked about each message that somebody is alive. Without it, two
// clusters that were once connected could merge through a third party.
func (g *guard) NotifyAlive(n *memberlist.Node) error { return g.check(n) }

func (g *guard) check(n *memberlist.Node) error {
	if !nameRule.MatchString(n.Name) || len(n.Addr) != 4 && len(n.Addr) != 16 {
		return fmt.Errorf("a leader called %q at an address of %d bytes is refused", n.Name, len(n.Addr))
	}
	r, err := g.compare(n)
	if err != nil {
		return err
	}
	g.note(n.Name, address(n.Addr, n.Port), r)
	if r != nil {
		return r
	}
	return nil
}

// compare says what differs, nil if nothing does.
func (g *guard) compare(n *memberlist.Node) (*Refused, error) {
	at := address(n.Addr, n.Port)
	if n.Name == g.name {
		if at == g.self {
			return nil, nil // what is remembered of our former incarnation; memberlist refutes it
		}
		r := &Refused{Name: n.Name, Gossip: at, What: whatName, Ours: g.self, Theirs: at}
		if theirs, err := decodeTags(n.Meta); err == nil && theirs[tagOrigin] == g.tags[tagOrigin] {
			g.mu.Lock()
			g.rival = &Rival{r, theirs[tagHTTP]}
			g.mu.Unlock()
		}
		return r, nil
	}
	theirs, err := decodeTags(n.Meta)
	if err != nil {
		return nil, fmt.Errorf("leader %q at %s is refused: read its tags: %w; is it another program?", n.Name, at, err)
	}
	for _, c := range compared {
		if theirs[c.tag] != g.tags[c.tag] && (c.tag != tagPolicy || theirs[tagNumber] == "" && g.tags[tagNumber] == "") {
			return &Refused{Name: n.Name, Gossip: at, What: c.what, Ours: g.tags[c.tag], Theirs: theirs[c.tag]}, nil
		}
	}
	return nil, nil
}

// note remembers a refusal. A member that was let in and is refused at the very
// same address has been replaced there: it would answer probes for the old one
// for ever.
func (g *guard) note(name, at string, r *Refused) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r != nil {
		g.last = r
	}
	if g.known[name] != at {
		return
	}
	if r == nil {
		delete(g.replaced, name)
	} else {
		g.replaced[name] = true
	}
}

// mark calls the replaced members of the list failed, in place, and remembers
// the list's addresses.
func (g *guard) mark(list []Member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.known)
	for i := range list {
		g.known[list[i].Name] = list[i].Gossip
		if g.replaced[list[i].Name] {
			list[i].Status = Failed
		}
	}
	maps.DeleteFunc(g.replaced, func(name string, _ bool) bool { return g.known[name] == "" })
}

// newest is the last refusal; nil: there was none.
func (g *guard) newest() *Refused {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

// takeRival is the rival that was heard of since it was asked last; nil: none was.
func (g *guard) takeRival() *Rival {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.rival
	g.rival = nil
	return r
}
