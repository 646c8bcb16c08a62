// Package pace slows a leader's clients gently while its peers fall behind.
//
// A leader acknowledges writes alone, so that it may accept more than its peers can apply:
// what they lack then grows for as long as the load lasts, and so does what a crash of the
// leader can hide. Where all have as much to do as they can, or share a machine, it costs
// hardly anything to accept a little less and stay close together.
//
// How late a peer is, is measured as LEDBAT (RFC 6817) measures a queue: by how much longer
// an acknowledgement takes than the quickest one of the last minutes did, which is what
// distance and disk cost. Above [Target] clients' calls are held, for a part of every
// period, the longer the later the peer is, and never for more than a third of the time.
//
// Nobody waits for a peer that is away. Only an acknowledgement tells that a peer is late,
// and it holds clients for an instant only; who is down, paused or cut off sends none. Who
// is later than [Lost] catches up after an absence, or cannot keep up at all: clients are
// not held for it either.
//
// The package neither sleeps nor reads a clock. Calls are held by whoever asks [Pace.Hold].
package pace

import (
	"sort"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/wallclock"
)

const (
	Target = 100 * time.Millisecond // later than the quickest a peer may be
	Lost   = time.Second            // and later than that it is not waited for

	period  = 20 * time.Millisecond
	maxHold = period / 3
	valid   = 10 * period // after the acknowledgement that told it
	renewal = time.Minute // the quickest of this and the last one counts
)

// marks are taken so often, and as many as reach back a good deal further than Lost.
const (
	markEvery = 5 * time.Millisecond
	maxMarks  = 512
)

// Pace measures how late peers are. Note belongs to one goroutine, Hold to everybody. The
// zero Pace holds nobody.
type Pace struct {
	marks []mark // ascending
	peers map[replica.Leader]*peer
	gate  atomic.Pointer[gate] // nil: nobody is held
}

// mark says that ops up to seq were accepted by then.
type mark struct {
	seq logical.Seq
	at  wallclock.Mono
}

// peer is one whose acknowledgements were heard.
type peer struct {
	origin   logical.Origin
	known    logical.Seq
	quickest [2]time.Duration // of this minute and of the one before
	began    wallclock.Mono   // this minute; zero: nothing was measured
	gate     gate
}

// gate is closed at the begin of every period.
type gate struct {
	closed time.Duration
	until  wallclock.Mono // then nobody is held any more
}

// Note takes what peers have of the leader's own ops, of which seq is the last.
func (p *Pace) Note(now wallclock.Mono, own logical.Dot, views []replica.PeerView) {
	p.mark(own.Seq, now)
	if len(p.peers) > len(views) {
		clear(p.peers) // a member was forgotten
	}
	var closed gate
	for i := range views {
		v := &views[i]
		if q := p.acknowledged(v, v.Known.At(own.Origin), now); q != nil && v.Up && now < q.gate.until && q.gate.closed > closed.closed {
			closed = q.gate
		}
	}
	switch old := p.gate.Load(); {
	case closed.closed == 0 && old != nil:
		p.gate.Store(nil)
	case closed.closed > 0 && (old == nil || *old != closed):
		latest := closed
		p.gate.Store(&latest)
	}
}

// mark remembers when ops up to seq were accepted: what follows soon upon a mark counts as
// of then.
func (p *Pace) mark(seq logical.Seq, now wallclock.Mono) {
	last := len(p.marks) - 1
	switch {
	case last >= 0 && p.marks[last].seq >= seq:
		return
	case last >= 0 && now.Sub(p.marks[last].at) < markEvery:
		p.marks[last].seq = seq
		return
	case last == maxMarks-1:
		p.marks = p.marks[:copy(p.marks, p.marks[maxMarks/4:])]
	}
	p.marks = append(p.marks, mark{seq, now})
}

// acknowledged notes how far the peer is, and says what is known of it; nil: nothing.
func (p *Pace) acknowledged(v *replica.PeerView, known logical.Seq, now wallclock.Mono) *peer {
	q := p.peers[v.Peer]
	switch {
	case v.Origin == 0:
		return nil
	case q == nil || q.origin != v.Origin:
		q = &peer{origin: v.Origin, known: known}
		if p.peers == nil {
			p.peers = map[replica.Leader]*peer{}
		}
		p.peers[v.Peer] = q
	case known > q.known:
		q.known = known
		d, ok := p.since(known, now)
		q.took(d, ok, now)
	}
	return q
}

// since is how long ago the op of that number was accepted; false: before the marks.
func (p *Pace) since(seq logical.Seq, now wallclock.Mono) (time.Duration, bool) {
	i := sort.Search(len(p.marks), func(i int) bool { return p.marks[i].seq >= seq })
	if i == 0 || i == len(p.marks) {
		return 0, false
	}
	return now.Sub(p.marks[i].at), true
}

// took notes that an acknowledgement took so long; unknown: longer than is remembered.
func (q *peer) took(d time.Duration, known bool, now wallclock.Mono) {
	q.gate = gate{}
	if !known {
		return
	}
	switch {
	case q.began == 0:
		q.quickest, q.began = [2]time.Duration{d, d}, now
	case now.Sub(q.began) >= renewal:
		q.quickest, q.began = [2]time.Duration{d, q.quickest[0]}, now
	}
	q.quickest[0] = min(q.quickest[0], d)
	late := d - min(q.quickest[0], q.quickest[1])
	if late > Target && late < Lost {
		q.gate = gate{maxHold * min(late-Target, Target) / Target, now.Add(valid)}
	}
}

// Hold is how long a call that comes now is held.
func (p *Pace) Hold(now func() wallclock.Mono) time.Duration {
	g := p.gate.Load()
	if g == nil {
		return 0
	}
	at := now()
	if at >= g.until {
		return 0
	}
	return max(0, g.closed-time.Duration(at)%period)
}
