package replica

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"kvd/logical"
	"kvd/replica/internal/causal"
	"kvd/replica/internal/clocks"
	"kvd/replica/internal/drafts"
	"kvd/replica/internal/lag"
	"kvd/replica/internal/readings"
	"kvd/replica/internal/stream"
	"kvd/resolve"
	"kvd/wallclock"
)

// Never is the Wake of a core that waits for nothing.
const Never wallclock.Mono = math.MaxInt64

// Core is one incarnation of one leader. It holds what is not stored: what it believes
// of its peers, what is buffered at the gate, and who waits for a token. It is not for
// use by several goroutines at once.
type Core struct {
	cfg     Config
	st      State
	applied uint64 // ops that st.Frontier covers
	lent    bool   // st.Frontier's memory is in somebody else's hands: copy before changing

	peers   []*peer               // by name
	gate    causal.Buffer[Leader] // ops that came before what they depend on
	waiting []waiting             // requests that wait for their token, oldest first
	waiters int                   // bytes of their requests
	moved   bool                  // the frontier grew by peers' ops since the waiting were asked

	clocks  clocks.Clocks // what time it is, and whether our own clock is right
	suspect bool          // it was said that it may not be

	readings readings.Readings // that ops were stamped by

	refusals []Refusal  // why writes are refused, by cause; none: they are taken
	sharing  sharing    // origins that two leaders have
	origins  turnedAway // origins for which the frontier has no entry left

	backlog stream.Backlog
	lag     lag.Marks
	grew    bool // the frontier grew in this cycle

	synced *logical.Frontier // Config.SyncsLater: what of st.Frontier is known to be synced

	number   uint64        // of the last Status
	fresh    []*resolve.Op // accepted since the last Ship
	shared   bool          // a batch has a part of fresh: nobody changes it any more
	folder   resolve.Folder
	verdicts []resolve.Verdict
	drafts   drafts.Drafts
	reads    resolve.Reading // what the Decide at hand is shown
	copies   logical.Copies
	merge    stream.Merge
}

// New begins an incarnation, or resumes one. The origin of a new one must never
// have been used before; the rest of st is what the leader remembers. The core
// owns both arguments from now on.
func New(cfg Config, st State) (*Core, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if st.Origin == 0 {
		return nil, errors.New("new core: the state names no origin; draw one at random for this incarnation")
	}
	c := &Core{cfg: cfg, st: st, lent: true, number: cfg.Statuses, grew: st.Frontier.Len() > 0, applied: st.Frontier.Beyond(logical.Frontier{})}
	if cfg.SyncsLater {
		found := st.Frontier
		c.synced = &found
	}
	c.st.Lamport = min(st.Lamport, c.lamportBound()) // taken over by a version that knew no bound
	for _, name := range cfg.Peers {
		c.peer(name)
	}
	if why, full := c.originsFull(); full {
		c.refusals = append(c.refusals, why)
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
	if c.clocks.Observe(m, c.peerClocks, &c.cfg) {
		t.judgeClock()
	}
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
	case Synced:
		t.heardOfSync(in)
	case Underway:
		t.peer(in.Peer).streams.Underway(in.Bytes, t.cfg.Resend, t.m.Mono)
	case Sweep:
		t.sweep(in)
	case Recovered:
		return t.recover(in.Ops)
	case RefuseWrites:
		t.refuseWrites(in.Why)
	case OriginShared:
		t.share(in)
	case Promise:
		t.promise(in)
	case AllowWrites:
		t.allowWrites(in.Cause)
	case Members:
		t.clocks.Configure(in.Count)
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
		if t.hearPeer(p, msg) {
			t.hearNotes(p, msg)
		}
		t.compareNotes(p, msg)
	default:
		return fmt.Errorf("message from %s: %T is no message a core knows", in.From, in.Message)
	}
	return nil
}

// heardOfSync tells peers soon what is durable by now.
func (t *turn) heardOfSync(in Synced) {
	if t.synced == nil {
		return
	}
	t.synced = in.Frontier
	for _, p := range t.peers {
		p.owed = p.owed || p.up
	}
}

// recover applies what was in the leader's own log before.
func (t *turn) recover(ops []*resolve.Op) error {
	for _, op := range ops {
		if err := t.admit(op, t.cfg.Name); err != nil {
			return fmt.Errorf("recover: %w", err)
		}
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
		c.st.Frontier, c.lent = c.copies.Of(c.st.Frontier), false
	}
	c.st.Frontier.Advance(d)
	c.grew = true
	c.applied++
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
