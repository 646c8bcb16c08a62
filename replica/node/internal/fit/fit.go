// Package fit asserts that what one edge of a leader admits fits through the next.
//
// What it is not: it sets no limits; package limits and the edges do.
package fit

import (
	"fmt"

	"kvd/replica"
	"kvd/replica/link"
	"kvd/replica/resp/server"
	"kvd/resolve/limits"
	"kvd/storage/codec"
)

// Check says what could be admitted at one edge and would not fit through the next.
// Package limits asserts that its own numbers fit; this asserts that the edges as
// they are configured go by them.
func Check(core replica.Config, edge server.Config, links link.Config) error {
	l := &edge.Limits
	for _, s := range [...]struct {
		what  string
		n     int
		into  string
		limit int
	}{
		{"a client's value", l.Bulk, "what the core admits", limits.Value},
		{"a client's key", l.Key, "what the core admits", limits.Key},
		{"a value and its key", l.Bulk + l.Key, "a client's command", l.Command},
		{"an admitted value", limits.Value, "the store", codec.MaxValue},
		{"an admitted key", limits.Key, "the store", codec.MaxKey},
		{"the dots of an admitted op", limits.Dots, "the store", codec.MaxDots},
		{"the largest op", limits.Op, "what is shipped", core.OpBytes},
		{"a shipped op", core.OpBytes, "a frame", links.MaxFrame - (limits.Frame - limits.Op)},
	} {
		if s.n > s.limit {
			return fmt.Errorf("%s can have %d (bytes, or entries) and %s takes %d: it would be accepted and could not go on", s.what, s.n, s.into, s.limit)
		}
	}
	return nil
}
