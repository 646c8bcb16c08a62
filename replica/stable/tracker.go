package stable

import (
	"kvd/logical"
	"kvd/wallclock"
)

// View is what is known of everybody at one moment. Frontiers are shared, and nobody changes
// them.
type View struct {
	Applied logical.Frontier  // here
	Durable logical.Frontier  // here
	Floor   wallclock.Instant // promised here; zero: nothing is
	Members []Member          // all others that count
}

// Member is another leader, as its last status described it. Zero frontiers: it has not
// been heard.
type Member struct {
	Name    string
	Reached bool              // gossip says that it is alive
	Heard   bool              // it has said what it has since this leader started
	Known   logical.Frontier  // what it has applied
	Durable logical.Frontier  // what of it is durable
	Floor   wallclock.Instant // it has promised to stamp later writes above it; zero: nothing
}

// held is what everybody holds durably, and what anybody has applied.
func (v *View) held() (held, applied logical.Frontier) {
	held = v.Durable
	for _, m := range v.Members {
		held, applied = held.Meet(m.Durable), applied.Join(m.Known)
	}
	return held, applied
}

// Promised is what everybody has promised to stamp later writes above; zero: somebody has
// promised nothing.
func (v *View) Promised() wallclock.Instant {
	floor := v.Floor
	for _, m := range v.Members {
		floor = min(floor, m.Floor)
	}
	return max(floor, 0)
}

// Tracker follows the stable frontier. The zero Tracker knows of nothing that is stable. It
// is not for use by several goroutines at once.
type Tracker struct {
	stable logical.Frontier
	// What everybody held at an earlier moment, and what anybody had applied then: when
	// that is applied here, the first is stable. Under load there is no moment at which
	// all that others have just applied is here too.
	held, applied logical.Frontier
	waits         bool
}

// Observe takes a view in and gives the stable frontier. A member that holds less than it
// said before, or is new, lowers it.
func (t *Tracker) Observe(v View) logical.Frontier {
	held, applied := v.held()
	if t.waits && v.Applied.Includes(t.applied) {
		t.stable, t.waits = t.held, false
	}
	switch {
	case v.Applied.Includes(applied):
		t.stable, t.waits = held, false
	case !t.waits:
		t.held, t.applied, t.waits = held, applied, true
	}
	t.stable = t.stable.Meet(held)
	return t.stable
}
