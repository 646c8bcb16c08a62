package replica

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"kvd/replica/internal/clocks"
	"kvd/resolve"
)

// ErrReadOnly is answered to every write while the leader refuses writes. Reads
// and replication go on.
var ErrReadOnly = errors.New("this leader takes no writes")

// ErrQuarantined is answered to writes that the leader would stamp with a clock that is in
// quarantine.
var ErrQuarantined = errors.New("the clock of this leader is in quarantine")

// Cause is a kind of reason for refusing writes. A leader has at most one refusal
// of each.
type Cause string

// The causes that the core knows of; whoever runs it may have others.
const (
	SharedOrigin Cause = "shared-origin" // another process has, or has had, the origin of this one
	OriginsFull  Cause = "origins-full"  // one more origin would cross Config.MaxOrigins
	ClockWrong   Cause = "clock-wrong"   // our clock is in quarantine
)

// maxRefusals bounds the causes; there are a handful.
const maxRefusals = 16

// Refusal is why a leader refuses writes.
type Refusal struct {
	Cause  Cause
	Detail string       // a sentence: what is wrong, and what to do
	Only   resolve.Mask // keys that these resolvers serve are concerned; zero: all
}

// RefuseWrites makes the core answer every later write with ErrReadOnly, until the
// cause is lifted. What was accepted before it keeps its answer.
type RefuseWrites struct{ Why Refusal }

// AllowWrites lifts one cause. Writes are taken again when no cause is left.
type AllowWrites struct{ Cause Cause }

// WritesRefused: the leader takes no writes from now on, for one more cause or
// with another detail.
type WritesRefused struct{ Why Refusal }

// WritesAllowed: one cause was lifted. Left is how many are left.
type WritesAllowed struct {
	Cause Cause
	Left  int
}

// Refusals appends why writes are refused, by cause; none: they are taken.
func (c *Core) Refusals(dst []Refusal) []Refusal { return append(dst, c.refusals...) }

// refuseWrites begins to refuse. The same refusal once more changes nothing.
func (t *turn) refuseWrites(why Refusal) {
	i, found := findCause(t.refusals, why.Cause)
	switch {
	case found && t.refusals[i] == why, !found && len(t.refusals) == maxRefusals:
		return
	case found:
		t.refusals[i] = why
	default:
		t.refusals = slices.Insert(t.refusals, i, why)
	}
	t.event(WritesRefused{why})
}

// allowWrites lifts a cause, if it is there.
func (t *turn) allowWrites(c Cause) {
	i, found := findCause(t.refusals, c)
	if !found {
		return
	}
	t.refusals = slices.Delete(t.refusals, i, i+1)
	t.event(WritesAllowed{c, len(t.refusals)})
}

func findCause(all []Refusal, c Cause) (int, bool) {
	return slices.BinarySearchFunc(all, c, func(r Refusal, c Cause) int { return cmp.Compare(r.Cause, c) })
}

// readOnly is what a write of the key is answered now; nil: writes are taken.
func (t *turn) readOnly(v Verb, key string) error {
	for i := range t.refusals {
		switch r := &t.refusals[i]; {
		case r.Only == 0:
			return fmt.Errorf("%s %.64q: %w: %s", v, key, ErrReadOnly, r.Detail)
		case r.Only.Has(t.panel(key).Serving):
			return fmt.Errorf("%s %.64q: %w: %s", v, key, ErrQuarantined, r.Detail)
		}
	}
	return nil
}

// refusesAll reports whether writes of every key are refused.
func (t *turn) refusesAll() bool {
	return slices.ContainsFunc(t.refusals, func(r Refusal) bool { return r.Only == 0 })
}

// judgeClock follows what was found out about our clock: it refuses what that must not
// stamp, and takes it again.
func (t *turn) judgeClock() {
	outside, suspected := t.clocks.Suspected()
	if suspected != t.suspect {
		t.suspect = suspected
		t.event(ClockSuspected{!suspected, outside})
	}
	only, detail := t.clocks.Refuses(&t.cfg)
	i, refuses := findCause(t.refusals, ClockWrong)
	switch {
	case only == 0:
		t.allowWrites(ClockWrong)
	case !refuses || t.refusals[i].Only != only:
		t.refuseWrites(Refusal{ClockWrong, detail, only})
	}
}

// ClockState is what a leader makes of all clocks, and of its own.
type ClockState = clocks.State

// Clocks is what this leader makes of them now.
func (c *Core) Clocks() ClockState { return c.clocks.State() }
