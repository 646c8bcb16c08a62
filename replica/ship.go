package replica

import (
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica/internal/stream"
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
// that says it lacks them for longer than Config.RelayAfter: the acknowledged
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
		p.slack = stream.Transit(p.streams.Bytes())
		t.refresh(p)
		t.fill(p, &s)
		t.sendStatus(p, &s)
		p.slack = stream.Transit(p.streams.Bytes())
		t.schedule(p)
	}
	c.forgetFresh()
}

// forgetFresh begins anew with what is accepted. If no batch has a part of the memory it
// is used again; else there is memory for as many as there were.
func (c *Core) forgetFresh() {
	const many = 4096
	if n := len(c.fresh); c.shared || n > many {
		c.fresh, c.shared = make([]*resolve.Op, 0, min(n, many)), false
		return
	}
	clear(c.fresh)
	c.fresh = c.fresh[:0]
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

// refresh brings the peer's streams up to the present: which exist, which are on,
// and which must go back.
func (t *turn) refresh(p *peer) {
	stalled := false
	for d := range t.st.Frontier.All() {
		st := p.streams.Of(d.Origin, p.known.At(d.Origin))
		st.Last = d.Seq
		t.refreshStream(p, st)
		stalled = stalled || t.stalled(p, st)
	}
	if stalled {
		t.goBack(p)
	}
}

func (t *turn) refreshStream(p *peer, st *stream.Stream) {
	now := t.m.Mono
	switch known := p.known.At(st.Origin); {
	case known >= st.Last:
		st.Lacking = false
	case !st.Lacking:
		st.Lacking, st.Since = true, now
	}
	switch {
	case slices.Contains(p.refused, st.Origin):
		st.On, st.Until, st.Lacking = false, 0, false
		st.Restart(p.known.At(st.Origin))
	case st.Origin == t.st.Origin:
		st.On = true
	case st.On && now >= st.Until:
		st.On, st.Until, st.Since = false, 0, now
		st.Restart(p.known.At(st.Origin))
	case !st.On && t.relayDue(p, st) <= now:
		st.On, st.Until, st.Since = true, now.Add(relayFor*t.cfg.RelayAfter), now
		st.Restart(p.known.At(st.Origin))
		t.event(PeerBehind{p.name, st.Origin, st.Sent + 1})
	}
}

// relayDue is when another origin's ops are to be shipped, if the peer says nothing until
// then; a moment that has passed: now. Its Status tells that it still lacks what it lacked for so long. One that is
// late tells nothing: the busy would be sent everything twice. But this may be the only
// link to the peer, and have lost the way back. A peer that has said nothing yet may have
// everything, and has all of its own.
func (t *turn) relayDue(p *peer, st *stream.Stream) wallclock.Mono {
	if !st.Lacking || p.origin == 0 || p.origin == st.Origin {
		return Never
	}
	due := st.Since.Add(t.cfg.RelayAfter<<p.waits + t.backlog.Transit(t.m.Mono))
	if due <= p.heard {
		return due
	}
	return max(due, p.heard.Add(relayFor*t.cfg.RelayAfter))
}

// stalled reports whether ops are in flight and the peer has made no progress
// for too long.
func (t *turn) stalled(p *peer, st *stream.Stream) bool {
	return st.Stalled(t.resendAfter(p, p.slack), t.m.Mono)
}

// resendAfter is how long the peer may show no progress.
func (c *Core) resendAfter(p *peer, slack time.Duration) time.Duration {
	return c.cfg.Resend<<p.waits + slack
}

// Underway says how many bytes of what was shipped to a peer are on their way: they wait
// to be sent, or the peer has neither applied nor dropped them. Whoever carries messages
// reliably knows, and tells it when the core would ship again.
type Underway struct {
	Peer  Leader
	Bytes int
}

func (Underway) isInput() {}

// Stalled appends the peers to which the core would ship again at now.
func (c *Core) Stalled(now wallclock.Mono, dst []Leader) []Leader {
	for _, p := range c.peers {
		if p.up && p.streams.Stalled(c.resendAfter(p, stream.Transit(p.streams.Bytes())), now) {
			dst = append(dst, p.name)
		}
	}
	return dst
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
	streams := p.streams.All()
	for i := range streams {
		if st := &streams[i]; st.InFlight() > 0 {
			t.tellBehind(p, st)
			st.Restart(st.Acked())
			st.Since = t.m.Mono
		}
	}
}

// probe ships the first ops again that the peer lacks of each stream in flight, at
// most n of each.
func (t *turn) probe(p *peer, n int) {
	streams := p.streams.All()
	for i := range streams {
		st := &streams[i]
		if st.InFlight() == 0 {
			continue
		}
		t.tellBehind(p, st)
		st.Since = t.m.Mono
		ops := t.r.Ops(st.Origin, st.Acked()+1, min(n, st.InFlight()), t.cfg.BatchBytes)
		if ops = t.sendable(p, st, ops); len(ops) > 0 {
			t.sendAgain(p, ops)
		}
	}
}

// tellBehind says that the peer is behind on the stream, if it is overdue.
func (t *turn) tellBehind(p *peer, st *stream.Stream) {
	if t.stalled(p, st) {
		t.event(PeerBehind{p.name, st.Origin, st.Acked() + 1})
	}
}

// sendAgain sends ops that are in flight already, or that the peer has.
func (t *turn) sendAgain(p *peer, ops []*resolve.Op) {
	p.streams.ShipAgain(ops)
	t.send(p, &Batch{ops})
}

// fill ships as much as the window allows.
func (t *turn) fill(p *peer, s *shipping) {
	t.merge.Start(&p.streams)
	window, bytes := t.cfg.WindowOps, t.cfg.WindowBytes
	if p.probing {
		window, bytes = min(window, t.cfg.BatchOps), min(bytes, t.cfg.BatchBytes)
	}
	window, bytes = window-p.streams.InFlight(), bytes-p.streams.Bytes()
	for n := 0; n < shipBatches && bytes > 0; n++ {
		ops := t.gather(p, min(window, t.cfg.BatchOps))
		if len(ops) == 0 {
			break
		}
		window -= len(ops)
		bytes -= stream.Footprint(ops)
		t.send(p, s.share(ops))
	}
	if window > 0 && bytes > 0 && t.merge.More() {
		t.wake(t.m.Mono)
	}
	t.merge.Stop()
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

// sendStatus sends a Status where a batch is to be acknowledged or the heart to beat.
func (t *turn) sendStatus(p *peer, s *shipping) {
	if !p.owed && t.m.Mono < p.beat {
		return
	}
	if s.status == nil {
		t.number++
		s.status = &Status{Origin: t.st.Origin, Number: t.number,
			Frontier: t.frontier(), Lamport: t.st.Lamport, HLC: t.st.HLC, Floor: t.st.Floor, Synced: t.synced}
		t.notes(s.status)
	}
	t.send(p, t.withClock(p, t.withNotes(p, s.status)))
	p.owed, p.beat = false, t.m.Mono.Add(t.cfg.Heartbeat)
}

// schedule asks to be woken when something is due for the peer.
func (t *turn) schedule(p *peer) {
	t.wake(p.beat)
	streams := p.streams.All()
	for i := range streams {
		st := &streams[i]
		switch due, inFlight := st.Due(t.resendAfter(p, p.slack)); {
		case inFlight:
			t.wake(due)
		case !st.On:
			t.wake(t.relayDue(p, st))
		}
	}
}

// gather takes the next batch of at most n ops from the streams that are merged.
func (t *turn) gather(p *peer, n int) []*resolve.Op {
	if n <= 0 || !t.refill(p, n) {
		return nil
	}
	if t.merge.Single() {
		return t.merge.Take(n, t.cfg.BatchBytes, t.m.Mono)
	}
	var ops []*resolve.Op
	for bytes := 0; len(ops) < n && t.refill(p, n); {
		if bytes += t.merge.Next().Size(); len(ops) > 0 && bytes > t.cfg.BatchBytes {
			break
		}
		ops = append(ops, t.merge.Take(1, t.cfg.BatchBytes, t.m.Mono)...)
	}
	return ops
}

// refill gives every stream something to take from, and reports whether any has.
func (t *turn) refill(p *peer, n int) bool {
	for st := t.merge.Hungry(); st != nil; st = t.merge.Hungry() {
		ops := t.read(st, n)
		if len(ops) == 0 {
			t.merge.Stop() // the reader failed, and says so to whoever holds it
			return false
		}
		t.merge.Feed(st, t.sendable(p, st, ops))
	}
	return t.merge.More()
}

// read is the stream's next ops: those accepted in this cycle from memory, all
// others from the log.
func (t *turn) read(st *stream.Stream, n int) []*resolve.Op {
	from := st.Sent + 1
	if len(t.fresh) > 0 && st.Origin == t.st.Origin && from >= t.fresh[0].Dot.Seq {
		t.shared = true
		return stream.Within(t.fresh[from-t.fresh[0].Dot.Seq:], n, t.cfg.BatchBytes)
	}
	return t.r.Ops(st.Origin, from, n, t.cfg.BatchBytes)
}

// sendable is ops up to the first that no message could carry, which is told.
func (t *turn) sendable(p *peer, st *stream.Stream, ops []*resolve.Op) []*resolve.Op {
	fit, found := st.Sendable(ops, t.cfg.OpBytes)
	if !found.Dot.IsZero() {
		t.event(Unsendable{p.name, found})
	}
	return fit
}
