package resptest

import (
	"fmt"
	"maps"

	"kvd/replica"
)

// overBudget is the reply to a request whose values exceed its budget, nil if they do.
func overBudget(r *replica.Request, o object) *replica.Reply {
	b := r.Budget
	switch {
	case b == nil || !b.Closed() && (!holds(r) || b.Take(replica.Bytes(o.values))):
		return nil
	default:
		return &replica.Reply{Err: fmt.Errorf("%s %q: %w", verb(r.Verb), r.Key, replica.ErrBudget)}
	}
}

// holds reports whether the reply to r, or its author, holds what the key shows.
func holds(r *replica.Request) bool { return r.Verb == replica.Get && !r.Whether || r.Keeps }

// Snapshot reads as of the moment of the call.
func (l *Leader) Snapshot(use func(get func(*replica.Request) replica.Reply) error) error {
	l.mu.Lock()
	objects := maps.Clone(l.objects)
	l.mu.Unlock()
	return use(func(r *replica.Request) replica.Reply {
		o := objects[r.Key]
		if rep := overBudget(r, o); rep != nil {
			return *rep
		}
		return replica.Reply{Shown: o.reading()}
	})
}
