package replica

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Never is the Wake of a core that waits for nothing.
const Never wallclock.Mono = math.MaxInt64

// Core is one life of one leader. It holds what is not stored: what it believes
// of its peers, what waits at the gate, and who waits for a token. Whoever holds
// it feeds it from one place at a time.
type Core struct {
	cfg  Config
	st   State
	lent bool // st.Frontier's memory is in somebody else's hands: copy before changing

	peers   []*peer   // by name
	gate    gate      // ops that came before what they depend on
	waiting []waiting // requests that wait for their token, oldest first
	moved   bool      // the frontier grew by peers' ops since the waiting were asked

	shown wallclock.Interval // the wall clock as the last op was stamped
	uses  wallclock.Instant  // how many ops were stamped by that very reading

	number   uint64        // of the last Status
	fresh    []*resolve.Op // accepted since the last Ship; never reused, batches share it
	folder   resolve.Folder
	verdicts []resolve.Verdict
	cursors  []cursor
}

// New begins a life, or goes on with one. The origin of a new life must never
// have been used before; the rest of st is what the leader remembers. The core
// owns both arguments from now on.
func New(cfg Config, st State) (*Core, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if st.Origin == 0 {
		return nil, errors.New("new core: the state names no origin; draw one at random for this life")
	}
	c := &Core{cfg: cfg, st: st, lent: true, number: cfg.Statuses}
	for _, name := range cfg.Peers {
		c.peer(name)
	}
	return c, nil
}

// State is what must be stored with every batch. It stays as it is.
func (c *Core) State() State {
	st := c.st
	st.Frontier = c.frontier()
	return st
}

// Step takes one input and appends what follows from it to out. The reader must
// show every put of the running batch, those already appended to out included.
// An op among the puts may still change until Step returns, and never after.
//
// An error is an impossible condition: the leader must stop, and nothing of out
// may be stored or leave.
func (c *Core) Step(m wallclock.Moment, in Input, r Reader, out *Output) error {
	t := turn{Core: c, m: m, r: r, out: out}
	if err := t.take(in); err != nil {
		return fmt.Errorf("leader %s: %w", c.cfg.Name, err)
	}
	t.serveWaiting()
	t.giveUpWaiting()
	return nil
}

// turn is one Step or Ship under way.
type turn struct {
	*Core
	m   wallclock.Moment
	r   Reader
	out *Output
}

func (t *turn) take(in Input) error {
	switch in := in.(type) {
	case *Request:
		t.request(in)
	case Received:
		return t.received(in)
	case PeerUp:
		return t.peerUp(in.Peer)
	case PeerDown:
		t.peer(in.Peer).down()
	case Sweep:
		t.sweep(in)
	case Tick:
	default:
		return fmt.Errorf("take input: %T is no input a core knows", in)
	}
	return nil
}

func (t *turn) received(in Received) error {
	p := t.peer(in.From)
	switch msg := in.Message.(type) {
	case *Batch:
		p.owed = true
		for _, op := range msg.Ops {
			if err := t.admit(op, in.From); err != nil {
				return fmt.Errorf("batch from %s: %w", in.From, err)
			}
		}
	case *Status:
		p.hear(msg, t.m.Mono)
	default:
		return fmt.Errorf("message from %s: %T is no message a core knows", in.From, in.Message)
	}
	return nil
}

func (t *turn) put(p Put)     { t.out.Puts = append(t.out.Puts, p) }
func (t *turn) event(e Event) { t.out.Events = append(t.out.Events, e) }

// wake asks for a Tick at the latest at deadline.
func (t *turn) wake(deadline wallclock.Mono) { t.out.Wake = min(t.out.Wake, deadline) }

// frontier lends the frontier out: it is copied before it changes again.
func (c *Core) frontier() logical.Frontier {
	c.lent = true
	return c.st.Frontier
}

// advance covers d. Ops, replies and messages keep frontiers that were lent.
func (c *Core) advance(d logical.Dot) {
	if c.lent {
		c.st.Frontier, c.lent = c.st.Frontier.Clone(), false
	}
	c.st.Frontier.Advance(d)
}

// peer is what the core knows of the leader called name, from now on if nothing
// until now.
func (c *Core) peer(name Leader) *peer {
	i, ok := slices.BinarySearchFunc(c.peers, name, func(p *peer, n Leader) int { return cmp.Compare(p.name, n) })
	if !ok {
		c.peers = slices.Insert(c.peers, i, &peer{name: name})
	}
	return c.peers[i]
}

// Validate says what is wrong with the first setting that makes no sense. It
// sorts the policy's rules.
func (c *Config) Validate() error {
	if c.Name == "" {
		return errors.New("config: Name is empty; every leader needs a name of its own")
	}
	for i, p := range c.Peers {
		if p == "" || p == c.Name || slices.Contains(c.Peers[:i], p) {
			return fmt.Errorf("config: peer %q is empty, this leader itself, or named twice; list every other leader once", p)
		}
	}
	if err := c.validateTimes(); err != nil {
		return err
	}
	if err := c.validateBounds(); err != nil {
		return err
	}
	return c.Policy.Validate()
}

func (c *Config) validateTimes() error {
	if c.MaxDrift < 0 || c.TokenWait < 0 {
		return fmt.Errorf("config: MaxDrift %s and TokenWait %s must not be negative", c.MaxDrift, c.TokenWait)
	}
	if c.Heartbeat <= 0 || c.Resend <= 0 || c.RelayAfter <= 0 {
		return fmt.Errorf("config: Heartbeat %s, Resend %s and RelayAfter %s must be above zero", c.Heartbeat, c.Resend, c.RelayAfter)
	}
	return nil
}

func (c *Config) validateBounds() error {
	for _, b := range [...]struct {
		name  string
		value int
	}{
		{"WindowOps", c.WindowOps}, {"BatchOps", c.BatchOps}, {"BatchBytes", c.BatchBytes},
		{"GateOps", c.GateOps}, {"WaitingReqs", c.WaitingReqs},
	} {
		if b.value <= 0 {
			return fmt.Errorf("config: %s is %d; it must be above zero", b.name, b.value)
		}
	}
	return nil
}
