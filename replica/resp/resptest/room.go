package resptest

import (
	"fmt"
	"maps"

	"kvd/replica"
)

// noRoom is the reply to a request whose values find no room, nil if they do.
func noRoom(r *replica.Request, o object) *replica.Reply {
	room := r.Budget
	switch {
	case room == nil || !room.Closed() && (!holds(r) || room.Take(replica.Bytes(o.values))):
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
		if rep := noRoom(r, o); rep != nil {
			return *rep
		}
		return replica.Reply{Shown: o.reading()}
	})
}
