// Package peerclock measures a peer's wall clock, as NTP does: once in a while a message
// carries its sender's clock and names the last such message from the other side, with
// how long ago it came. Both stopwatches stay at home; only a number goes out and comes
// back.
//
// The package does not know what else the messages say, and judges no clock.
package peerclock

import (
	"time"

	"kvd/wallclock"
)

// maxAsked bounds how many of our messages are remembered: one a heartbeat, so that
// rounds of some seconds are still measured. An echo of an older one gives a lower bound
// only.
const maxAsked = 32

// Meter measures one peer's clock. The zero Meter has heard nothing.
type Meter struct {
	clock wallclock.Remote
	heard message        // the peer's last with its clock; number zero: none yet
	asked []message      // ours that may be echoed, oldest first
	due   wallclock.Mono // when the next of ours is
}

// message is a numbered message with a clock: when it came, or went out.
type message struct {
	number uint64
	at     wallclock.Mono
}

// Clock is what is known of the peer's clock.
func (m *Meter) Clock() wallclock.Remote { return m.clock }

// Restarted forgets what was measured: the peer is another process, on another machine
// perhaps. It may still echo what we sent.
func (m *Meter) Restarted() { *m = Meter{asked: m.asked} }

// Heard takes the clock of the peer's message of that number, which came now. It names
// ours of the number echoed, which it had got held before; zero: none of ours.
func (m *Meter) Heard(number uint64, wall wallclock.Interval, echoed uint64, held time.Duration, now wallclock.Mono) {
	m.heard = message{number, now}
	sample := wallclock.Sample{Shows: wall, Got: now, Held: held}
	if echoed != 0 {
		sample.Sent, sample.Answer = m.sent(echoed)
	}
	m.clock = m.clock.Hear(sample)
}

// sent is when our message of that number went out.
func (m *Meter) sent(number uint64) (wallclock.Mono, bool) {
	for i := range m.asked {
		if m.asked[i].number == number {
			return m.asked[i].at, true
		}
	}
	return 0, false
}

// Due reports whether a message of ours is to carry our clock.
func (m *Meter) Due(now wallclock.Mono) bool { return now >= m.due }

// Asked notes that our message of that number goes out with our clock, and that the next
// is due after so long.
func (m *Meter) Asked(number uint64, now wallclock.Mono, next time.Duration) {
	if len(m.asked) == maxAsked {
		m.asked = m.asked[:copy(m.asked, m.asked[1:])]
	}
	m.asked = append(m.asked, message{number, now})
	m.due = now.Add(next)
}

// Echo names the peer's last message with its clock, and says how long ago it came; zero:
// none came.
func (m *Meter) Echo(now wallclock.Mono) (number uint64, held time.Duration) {
	if m.heard.number == 0 {
		return 0, 0
	}
	return m.heard.number, max(0, now.Sub(m.heard.at))
}
