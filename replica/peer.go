package replica

import (
	"cmp"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/wallclock"
)

// peer is what this leader believes of another. Belief comes from its statuses
// alone; what was shipped is a guess that silence takes back.
type peer struct {
	name Leader
	up   bool
	owed bool // a batch came from it that no Status has acknowledged yet

	life   logical.Origin   // of its last Status; zero: nothing heard yet
	number uint64           // of its last Status
	known  logical.Frontier // what it has durably applied

	streams []stream       // by origin, one for each origin applied here
	probing bool           // went back and has heard of no progress since: one batch at a time
	beat    wallclock.Mono // when it is due a Status
}

// stream is one origin's ops on their way to one peer.
type stream struct {
	origin logical.Origin
	sent   logical.Seq    // shipped up to here; never below what the peer is known to have
	last   logical.Seq    // applied here up to here
	on     bool           // shipped as soon as it is applied
	until  wallclock.Mono // when a relayed stream is turned off, to see whether it is still needed

	lacking bool           // the peer is not known to have all
	since   wallclock.Mono // while lacking: when that began or what it is known to have last grew
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

// hear takes a Status. Within a life, what arrives late says less than what is
// known. Another life may have lost what the one before had: what it says
// replaces everything. (A Status of an old life that overtakes one of the new
// is believed until the next.)
func (p *peer) hear(s *Status, now wallclock.Mono) {
	first, same := p.life == 0, p.life == s.Life
	if same && s.Number <= p.number {
		return
	}
	before := p.known
	p.life, p.number, p.known = s.Life, s.Number, s.Frontier
	if !first && !same {
		p.rewind(now)
		return
	}
	for i := range p.streams {
		st := &p.streams[i]
		k := p.known.At(st.origin)
		if first || k > before.At(st.origin) {
			st.since, p.probing = now, false
			st.progress(k)
		}
	}
}

// progress moves a stream to what the peer has. One that has more of a relayed
// origin than it was shipped gets it from elsewhere again.
func (st *stream) progress(k logical.Seq) {
	if k <= st.sent {
		return
	}
	st.sent = k
	if st.until != 0 {
		st.on, st.until = false, 0
	}
}

// rewind starts every stream anew from what the peer is known to have.
func (p *peer) rewind(now wallclock.Mono) {
	p.probing = false
	for i := range p.streams {
		st := &p.streams[i]
		*st = stream{origin: st.origin, sent: p.known.At(st.origin), since: now, lacking: true}
	}
}

// stream is the place of the origin's stream, made if there is none.
func (p *peer) stream(o logical.Origin) *stream {
	i, ok := p.find(o)
	if !ok {
		p.streams = slices.Insert(p.streams, i, stream{origin: o, sent: p.known.At(o)})
	}
	return &p.streams[i]
}

// find is the index of the origin's stream, or where it would stand.
func (p *peer) find(o logical.Origin) (int, bool) {
	return slices.BinarySearchFunc(p.streams, o, func(s stream, o logical.Origin) int { return cmp.Compare(s.origin, o) })
}

// inFlight is how many ops were shipped that the peer is not known to have.
func (p *peer) inFlight() int {
	n := 0
	for i := range p.streams {
		st := &p.streams[i]
		n += int(st.sent - min(st.sent, p.known.At(st.origin)))
	}
	return n
}

// PeerView is what is known of another leader, for people, metrics and whoever
// waits until it has something.
type PeerView struct {
	Peer     Leader
	Up       bool             // can be sent to
	Life     logical.Origin   // of its last Status; zero: nothing heard yet
	Known    logical.Frontier // what it has durably applied; immutable
	Behind   uint64           // ops applied here that it is not known to have
	OwnOps   uint64           // those among them that were accepted here in this life
	InFlight int              // ops shipped to it that it is not known to have
	// Since is when it began to lack ops of this life, or when it last got some
	// while lacking others; zero: it lacks none.
	Since wallclock.Mono
}

// Peers appends what is known of every other leader, by name.
func (c *Core) Peers(dst []PeerView) []PeerView {
	for _, p := range c.peers {
		v := PeerView{Peer: p.name, Up: p.up, Life: p.life, Known: p.known, InFlight: p.inFlight()}
		for d := range c.st.Frontier.All() {
			v.Behind += uint64(d.Seq - min(d.Seq, p.known.At(d.Origin)))
		}
		own := c.st.Frontier.At(c.st.Origin)
		v.OwnOps = uint64(own - min(own, p.known.At(c.st.Origin)))
		if i, ok := p.find(c.st.Origin); ok && p.streams[i].lacking && v.OwnOps > 0 {
			v.Since = p.streams[i].since
		}
		dst = append(dst, v)
	}
	return dst
}

// Load is how much waits in a core's memory.
type Load struct {
	GateOps     int // ops held until what they depend on arrives
	WaitingReqs int // requests held until what their token has seen arrives
}

// Load is how much waits now.
func (c *Core) Load() Load { return Load{GateOps: c.gate.ops, WaitingReqs: len(c.waiting)} }
