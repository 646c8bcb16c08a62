package replica

import (
	"cmp"
	"slices"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// shipBatches is how many batches one Ship makes for one peer; the rest waits
// for the next, so that catching up holds no more memory than this at a time.
const shipBatches = 8

// relayFor is how many RelayAfter a relayed stream stays on before it is turned
// off to see whether the peer gets the ops from elsewhere by now.
const relayFor = 8

// Ship turns what is new or unacknowledged into messages and says when it must
// be called next, at the latest. It is called once a cycle, after the steps and
// before what they put is stored: the frontier it acknowledges is durable when
// the messages leave.
//
// Delivery is go-back-N for each peer: a frontier is acknowledgement and resume
// point in one, so loss, duplication, reordering and restarts need nothing more.
// A leader's own ops go to everybody at once. Other origins' ops go to a peer
// that is seen to lack them for longer than Config.RelayAfter: the acknowledged
// frontier serves as Plumtree's IHAVE and the delayed push as its GRAFT (Leitão
// et al. 2007), and one live link is enough for progress.
func (c *Core) Ship(m wallclock.Moment, r Reader, out *Output) {
	t := turn{Core: c, m: m, r: r, out: out}
	out.Wake = Never
	t.markLag()
	if len(t.waiting) > 0 {
		t.wake(t.deadline(t.waiting[0]))
	}
	var s shipping
	for _, p := range c.peers {
		if !p.up {
			continue
		}
		p.slack = transit(p.inFlightBytes())
		t.tend(p)
		t.fill(p, &s)
		t.greet(p, &s)
		p.slack = transit(p.inFlightBytes())
		t.schedule(p)
	}
	c.fresh = nil
}

// markLag notes that the frontier grew in this cycle.
func (t *turn) markLag() {
	now := t.m.Mono
	if t.grew {
		t.lag.Grew(now)
		t.grew = false
	}
	if t.lag.Due(now) {
		t.lag.Mark(now, t.frontier(), t.lacked)
	}
}

// lacked reports whether some peer is not known to have all of f.
func (c *Core) lacked(f logical.Frontier) bool {
	return slices.ContainsFunc(c.peers, func(p *peer) bool { return !p.known.Includes(f) })
}

// shipping is what the peers of one Ship share.
type shipping struct {
	batch  *Batch
	status *Status
}

// tend brings the peer's streams up to the present: which exist, which are on,
// and which must go back.
func (t *turn) tend(p *peer) {
	stalled := false
	for d := range t.st.Frontier.All() {
		st := p.stream(d.Origin)
		st.last = d.Seq
		t.tendStream(p, st)
		stalled = stalled || t.stalled(p, st)
	}
	if stalled {
		t.goBack(p)
	}
}

func (t *turn) tendStream(p *peer, st *stream) {
	now := t.m.Mono
	switch known := p.known.At(st.origin); {
	case known >= st.last:
		st.lacking = false
	case !st.lacking:
		st.lacking, st.since = true, now
	}
	switch {
	case slices.Contains(p.refused, st.origin):
		st.on, st.until, st.lacking = false, 0, false
		st.restart(p.known.At(st.origin))
	case st.origin == t.st.Origin:
		st.on = true
	case st.on && now >= st.until:
		st.on, st.until, st.since = false, 0, now
		st.restart(p.known.At(st.origin))
	case !st.on && t.relayDue(p, st) <= now:
		st.on, st.until, st.since = true, now.Add(relayFor*t.cfg.RelayAfter), now
		st.restart(p.known.At(st.origin))
		t.event(PeerBehind{p.name, st.origin, st.sent + 1})
	}
}

// relayDue is when another origin's ops are to be shipped. A peer that has said
// nothing yet may have everything, and has all of its own.
func (t *turn) relayDue(p *peer, st *stream) wallclock.Mono {
	if !st.lacking || p.life == 0 || p.life == st.origin {
		return Never
	}
	return st.since.Add(t.cfg.RelayAfter<<p.waits + t.heavy.transit(t.m.Mono))
}

// stalled reports whether ops are in flight and the peer has made no progress
// for too long.
func (t *turn) stalled(p *peer, st *stream) bool {
	return t.resendDue(p, st) <= t.m.Mono
}

// resendAfter is how long the peer may show no progress.
func (c *Core) resendAfter(p *peer, slack time.Duration) time.Duration {
	return c.cfg.Resend<<p.waits + slack
}

func (t *turn) resendDue(p *peer, st *stream) wallclock.Mono {
	if st.sent <= p.known.At(st.origin) {
		return Never
	}
	return st.since.Add(t.resendAfter(p, p.slack))
}

// maxWaits bounds how often in a row the wait before ops go out again doubles: with
// the defaults it ends at about twenty seconds.
const maxWaits = 6

// goBack takes every guess back. All streams go back together, so that what is
// shipped next begins with the op that everything else depends on; and one batch
// goes at a time until the peer makes progress.
//
// A peer from which nothing tells that it hears us is not flooded: only the first
// ops that it lacks go out again, fewer each time and after a wait twice as long, as
// TCP does it. That it hears us is told by progress, or by an echo of a Status that
// went out since; then everything goes back at once.
func (t *turn) goBack(p *peer) {
	defer func() { p.probing, p.asked, p.waits = true, t.number, min(p.waits+1, maxWaits) }()
	if p.waits > 0 {
		t.probe(p, max(1, t.cfg.BatchOps>>(2*p.waits)))
		return
	}
	for i := range p.streams {
		st := &p.streams[i]
		known := p.known.At(st.origin)
		if st.sent <= known {
			continue
		}
		if t.stalled(p, st) {
			t.event(PeerBehind{p.name, st.origin, known + 1})
		}
		st.restart(known)
		st.since = t.m.Mono
	}
}

// probe ships the first ops again that the peer lacks of each stream in flight, at
// most n of each.
func (t *turn) probe(p *peer, n int) {
	for i := range p.streams {
		st := &p.streams[i]
		known := p.known.At(st.origin)
		if st.sent <= known {
			continue
		}
		if t.stalled(p, st) {
			t.event(PeerBehind{p.name, st.origin, known + 1})
		}
		st.since = t.m.Mono
		ops := t.r.Ops(st.origin, known+1, min(n, int(st.sent-known)), t.cfg.BatchBytes)
		if ops = t.sendable(p, st, ops); len(ops) > 0 {
			p.shipped += weigh(ops)
			t.send(p, &Batch{ops})
		}
	}
}

// fill ships as much as the window allows.
func (t *turn) fill(p *peer, s *shipping) {
	t.cursors = t.cursors[:0]
	for i := range p.streams {
		if st := &p.streams[i]; st.on && st.sent < st.last && !st.stopped() {
			t.cursors = append(t.cursors, cursor{st: st})
		}
	}
	window, bytes := t.cfg.WindowOps, t.cfg.WindowBytes
	if p.probing {
		window, bytes = min(window, t.cfg.BatchOps), min(bytes, t.cfg.BatchBytes)
	}
	window, bytes = window-p.inFlight(), bytes-p.inFlightBytes()
	for n := 0; n < shipBatches && bytes > 0; n++ {
		ops := t.gather(p, min(window, t.cfg.BatchOps))
		if len(ops) == 0 {
			break
		}
		window -= len(ops)
		bytes -= weigh(ops)
		t.send(p, s.share(ops))
	}
	if window > 0 && bytes > 0 && len(t.cursors) > 0 {
		t.wake(t.m.Mono)
	}
	clear(t.cursors)
}

// share makes the batch, or gives the one made for the peer before when it holds
// the same ops.
func (s *shipping) share(ops []*resolve.Op) *Batch {
	if s.batch == nil || len(s.batch.Ops) != len(ops) || &s.batch.Ops[0] != &ops[0] {
		s.batch = &Batch{ops}
	}
	return s.batch
}

func (t *turn) send(p *peer, m Message) { t.out.Sends = append(t.out.Sends, Send{p.name, m}) }

// greet sends a Status where a batch is to be acknowledged or the heart to beat.
func (t *turn) greet(p *peer, s *shipping) {
	if !p.owed && t.m.Mono < p.beat {
		return
	}
	if s.status == nil {
		t.number++
		s.status = &Status{Life: t.st.Origin, Number: t.number,
			Frontier: t.frontier(), Lamport: t.st.Lamport, HLC: t.st.HLC, Synced: t.synced}
		t.notes(s.status)
	}
	t.send(p, t.timed(p, t.noted(p, s.status)))
	p.owed, p.beat = false, t.m.Mono.Add(t.cfg.Heartbeat)
}

// schedule asks to be woken when something is due for the peer.
func (t *turn) schedule(p *peer) {
	t.wake(p.beat)
	for i := range p.streams {
		switch st := &p.streams[i]; {
		case st.on:
			t.wake(t.resendDue(p, st))
		default:
			t.wake(t.relayDue(p, st))
		}
	}
}

// cursor is where one stream is being read.
type cursor struct {
	st  *stream
	ops []*resolve.Op // read and not yet gathered
}

// gather takes the next batch of at most n ops from the cursors, and moves their
// streams. Lamport stamps extend causal order, so ops of several origins go in
// the order of their stamps: the gate at the other end can apply them as they
// come.
func (t *turn) gather(p *peer, n int) []*resolve.Op {
	if n <= 0 || !t.refill(p, n) {
		return nil
	}
	if len(t.cursors) == 1 {
		ops := within(t.cursors[0].ops, n, t.cfg.BatchBytes)
		p.take(&t.cursors[0], len(ops), t.m.Mono)
		return ops
	}
	var ops []*resolve.Op
	for bytes := 0; len(ops) < n && t.refill(p, n); {
		first := t.earliest()
		op := first.ops[0]
		if bytes += op.Size(); len(ops) > 0 && bytes > t.cfg.BatchBytes {
			break
		}
		ops = append(ops, op)
		p.take(first, 1, t.m.Mono)
	}
	return ops
}

// refill gives every cursor something to read, drops those at their end or at an
// op that cannot be sent, and reports whether any are left.
func (t *turn) refill(p *peer, n int) bool {
	t.dropCursors()
	for i := range t.cursors {
		c := &t.cursors[i]
		if len(c.ops) > 0 {
			continue
		}
		if c.ops = t.read(c.st, n); len(c.ops) == 0 {
			t.cursors = t.cursors[:0] // the reader failed, and says so to whoever holds it
			return false
		}
		c.ops = t.sendable(p, c.st, c.ops)
	}
	return t.dropCursors() > 0
}

// dropCursors lets those go from which nothing can be read any more, and says how
// many are left.
func (t *turn) dropCursors() int {
	t.cursors = slices.DeleteFunc(t.cursors, func(c cursor) bool {
		return len(c.ops) == 0 && (c.st.sent >= c.st.last || c.st.stopped())
	})
	return len(t.cursors)
}

// read is the stream's next ops: those accepted in this cycle from memory, all
// others from the log.
func (t *turn) read(st *stream, n int) []*resolve.Op {
	from := st.sent + 1
	if len(t.fresh) > 0 && st.origin == t.st.Origin && from >= t.fresh[0].Dot.Seq {
		return within(t.fresh[from-t.fresh[0].Dot.Seq:], n, t.cfg.BatchBytes)
	}
	return t.r.Ops(st.origin, from, n, t.cfg.BatchBytes)
}

// within is the longest beginning of ops inside both bounds, one op at least.
func within(ops []*resolve.Op, n, bytes int) []*resolve.Op {
	end := 0
	for end < min(n, len(ops)) {
		if bytes -= ops[end].Size(); bytes < 0 && end > 0 {
			break
		}
		end++
	}
	return ops[:end:end]
}

// take ships the cursor's next n ops to the peer.
func (p *peer) take(c *cursor, n int, now wallclock.Mono) {
	p.ship(c.st, c.ops[:n], now)
	c.ops = c.ops[n:]
}

// earliest is the cursor at the op with the smallest stamp.
func (t *turn) earliest() *cursor {
	first := &t.cursors[0]
	for i := range t.cursors[1:] {
		c := &t.cursors[i+1]
		a, b := c.ops[0], first.ops[0]
		if cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot)) < 0 {
			first = c
		}
	}
	return first
}
