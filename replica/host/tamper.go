package host

import "kvd/replica"

// Tamper plants bugs, so that tests can show that they would be found: a dot
// reused, a clock forgotten, a put lost, a message sent that should not be. It
// is a seam for tests alone: production passes nil.
type Tamper interface {
	// State may change what a leader remembers as its incarnation begins.
	State(st *replica.State)
	// Input may replace what the core is fed.
	Input(in replica.Input) replica.Input
	// Put may replace what is stored, and drops it by nil. It is asked once for
	// each put, before anybody reads it. An op is not complete yet: its Inverted
	// may still be marked.
	Put(p replica.Put) replica.Put
	// Send and Reply may change what leaves. A message may have other holders:
	// replace it, do not write to it.
	Send(s *replica.Send)
	Reply(r *replica.Reply)
}
