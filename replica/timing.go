package replica

import (
	"kvd/replica/internal/clocks"
	"kvd/wallclock"
)

// peerClocks yields what was measured of each peer's clock.
func (c *Core) peerClocks(yield func(clocks.Peer) bool) {
	for _, p := range c.peers {
		if !yield(clocks.Peer{Name: p.name, Meter: &p.clock}) {
			return
		}
	}
}

// hearClock takes what a Status says of its sender's clock.
func (t *turn) hearClock(p *peer, s *Status) {
	if s.Wall == (wallclock.Interval{}) {
		return
	}
	echoed := s.Echo.Number
	if s.Echo.Origin != t.st.Origin {
		echoed = 0
	}
	p.clock.Heard(s.Number, s.Wall, echoed, s.Echo.Held, t.m.Mono)
}

// withClock is the Status for the peer: with our clock when that is due, and else the
// one that all share.
func (t *turn) withClock(p *peer, s *Status) *Status {
	if !p.clock.Due(t.m.Mono) || t.m.Wall == (wallclock.Interval{}) {
		return s
	}
	own := *s
	own.Wall = t.m.Wall
	if number, held := p.clock.Echo(t.m.Mono); number != 0 {
		own.Echo = Echo{Origin: p.origin, Number: number, Held: held}
	}
	p.clock.Asked(own.Number, t.m.Mono, t.cfg.Heartbeat)
	return &own
}
