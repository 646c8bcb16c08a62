package replica

import (
	"kvd/logical"
	"kvd/wallclock"
)

// timing is how a peer's wall clock is measured: once a Heartbeat a Status
// carries the sender's clock and tells of the last such Status from the other
// side. Both stopwatches stay at home; only a name goes out and comes back.
type timing struct {
	clock wallclock.Remote
	heard heardStatus    // the peer's last Status with its clock
	due   wallclock.Mono // when it is due one of ours
	asked []askedStatus  // ours that went out last, oldest first
}

// heardStatus is a Status of the peer that carried its clock.
type heardStatus struct {
	number uint64 // zero: none yet
	at     wallclock.Mono
}

// askedStatus is a Status of ours that may be echoed.
type askedStatus struct {
	number uint64
	at     wallclock.Mono
}

// askedKept bounds how many are remembered for each peer: one a Heartbeat, so
// that rounds of some seconds are still measured. An echo of an older one gives a
// lower bound only.
const askedKept = 32

// hear takes what a Status says of its sender's clock; own is our life.
func (c *timing) hear(s *Status, now wallclock.Mono, own logical.Origin) {
	if s.Wall == (wallclock.Interval{}) {
		return
	}
	c.heard = heardStatus{s.Number, now}
	sample := wallclock.Sample{Shows: s.Wall, Got: now, Held: s.Echo.Held}
	if s.Echo.Life == own {
		sample.Sent, sample.Answer = c.sent(s.Echo.Number)
	}
	c.clock = c.clock.Hear(sample)
}

// sent is when our Status of that number went out.
func (c *timing) sent(number uint64) (wallclock.Mono, bool) {
	for i := range c.asked {
		if c.asked[i].number == number {
			return c.asked[i].at, true
		}
	}
	return 0, false
}

// ask remembers that our Status of that number goes out.
func (c *timing) ask(number uint64, now wallclock.Mono) {
	if len(c.asked) == askedKept {
		c.asked = c.asked[:copy(c.asked, c.asked[1:])]
	}
	c.asked = append(c.asked, askedStatus{number, now})
}

// echo tells of the peer's last Status with its clock, in its present life.
func (c *timing) echo(life logical.Origin, now wallclock.Mono) Echo {
	if c.heard.number == 0 {
		return Echo{}
	}
	return Echo{Life: life, Number: c.heard.number, Held: max(0, now.Sub(c.heard.at))}
}

// timed is the Status for the peer: with our clock when that is due, and else the
// one that all share.
func (t *turn) timed(p *peer, s *Status) *Status {
	if t.m.Mono < p.timing.due || t.m.Wall == (wallclock.Interval{}) {
		return s
	}
	own := *s
	own.Wall, own.Echo = t.m.Wall, p.timing.echo(p.life, t.m.Mono)
	p.timing.ask(own.Number, t.m.Mono)
	p.timing.due = t.m.Mono.Add(t.cfg.Heartbeat)
	return &own
}
