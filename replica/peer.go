package replica

import (
	"fmt"
	"time"

	"kvd/logical"
	"kvd/replica/internal/logcheck"
	"kvd/replica/internal/peerclock"
	"kvd/replica/internal/peerview"
	"kvd/replica/internal/stream"
	"kvd/wallclock"
)

// peer is what this leader believes of another. Belief comes from its statuses
// alone; what was shipped is a guess that silence takes back.
type peer struct {
	name Leader
	up   bool
	owed bool // a batch came from it that no Status has acknowledged yet

	origin logical.Origin    // of its last Status; zero: nothing heard yet
	number uint64            // of its last Status
	heard  wallclock.Mono    // when that came
	known  logical.Frontier  // what it has applied and stored
	synced logical.Frontier  // what of it is durable, as it promises it
	floor  wallclock.Instant // its later ops are stamped above it; zero: it has promised nothing

	streams stream.Set // one for each origin applied here
	logs    logcheck.Checks
	slack   time.Duration  // what is in flight may take so long beyond Config.Resend
	probing bool           // went back and has heard of no progress since: one batch at a time
	waits   int            // how often in a row ops went out again and nothing tells that it hears us
	asked   uint64         // our last Status before the last of those times
	beat    wallclock.Mono // when it is due a Status
	clock   peerclock.Meter
	refused []logical.Origin // whose ops it does not take, ascending
	sumsDue wallclock.Mono   // when it is told sums next
	sums    int              // of which origin first
}

// peerUp begins to ship. Whatever was in flight when the peer went down counts
// as not shipped.
func (t *turn) peerUp(name Leader) error {
	if name == "" || name == t.cfg.Name {
		return fmt.Errorf("peer up: %q is no other leader", name)
	}
	p := t.peer(name)
	if p.up {
		return nil
	}
	p.up, p.beat = true, t.m.Mono
	p.rewind(t.m.Mono)
	return nil
}

// down forgets what was in flight; what the peer is known to have stays true.
func (p *peer) down() { p.up, p.owed = false, false }

// hearPeer takes a Status. Within an incarnation, what arrives late says less than what is
// known. Another one may have lost what the one before had: what it says
// replaces everything. (A Status of an old one that overtakes one of the new
// is believed until the next.) It reports whether the Status was not an old one.
func (t *turn) hearPeer(p *peer, s *Status) (news bool) {
	first, same := p.origin == 0, p.origin == s.Origin
	if same && s.Number <= p.number {
		return false
	}
	if !same {
		p.clock.Restarted()
	}
	t.hearClock(p, s)
	if s.Echo.Origin == t.st.Origin && s.Echo.Number > p.asked {
		p.waits = 0
	}
	before := p.known
	p.origin, p.number, p.known, p.synced, p.floor, p.heard = s.Origin, s.Number, s.Frontier, s.durable(), s.Floor, t.m.Mono
	t.adopt(s.Floor)
	if !first && !same {
		p.rewind(t.m.Mono)
		return true
	}
	streams := p.streams.All()
	for i := range streams {
		st := &streams[i]
		k := p.known.At(st.Origin)
		if first || k > before.At(st.Origin) {
			p.probing, p.waits = false, 0
			st.Progress(k, t.m.Mono)
		}
	}
	return true
}

// rewind starts every stream and every comparison anew from what the peer is known to
// have.
func (p *peer) rewind(now wallclock.Mono) {
	p.probing, p.waits, p.logs = false, 0, logcheck.Checks{}
	p.streams.Rewind(p.known, now)
}

// PeerView is what is known of another leader, for people, metrics and whoever waits until
// it has something.
type PeerView = peerview.View

// Peers appends what is known of every other leader, by name.
func (c *Core) Peers(dst []PeerView) []PeerView {
	for _, p := range c.peers {
		v := PeerView{Peer: p.name, Up: p.up, Origin: p.origin, Known: p.known, Durable: p.synced, Floor: p.floor, InFlight: p.streams.InFlight(), Refused: p.refused, Unsendable: p.streams.Oversized(), Clock: p.clock.Clock()}
		for d := range c.st.Frontier.All() {
			v.Behind += uint64(d.Seq - min(d.Seq, p.known.At(d.Origin)))
		}
		own := c.st.Frontier.At(c.st.Origin)
		v.OwnOps = uint64(own - min(own, p.known.At(c.st.Origin)))
		if v.Behind > 0 {
			v.Since = c.lag.Since(p.known)
		}
		dst = append(dst, v)
	}
	return dst
}

// Load is how much waits in a core's memory.
type Load struct {
	GateOps     int // ops buffered until what they depend on arrives
	GateBytes   int // what they take
	WaitingReqs int // requests that wait until what their token has seen arrives
	WaitBytes   int // what they take
}

// Load is how much waits now.
func (c *Core) Load() Load {
	return Load{GateOps: c.gate.Ops(), GateBytes: c.gate.Bytes(), WaitingReqs: len(c.waiting), WaitBytes: c.waiters}
}
