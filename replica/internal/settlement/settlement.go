// Package settlement says what becomes of a dot that a leader and its copy gave to two
// writes.
//
// Leaders that folded the one content differ from those that folded the other, and go on
// to differ whatever is written next: a counter by the running total, a live set by what
// was removed. So whoever looked at both chooses, and each key that a content wrote to is
// deleted over all that either can have made a difference to (see [Deletion]) and is given
// again what this package says.
//
// It decides only. The core checks that the choice can be accepted, stamps the deletion
// and the writes, and accepts all of them in one step.
package settlement

import (
	"bytes"
	"slices"

	"kvd/resolve"
	"kvd/wallclock"
)

// Settlement chooses between the contents of a dot.
type Settlement struct {
	// Contents are those that are known: first that of this leader's log.
	Contents []*resolve.Op
	// Chosen is the index of the one that is kept; [KeepShown]: none is, the keys keep
	// what they show here. Contents of other keys do not compete with the chosen one:
	// they are kept too, unless something newer is shown.
	Chosen int
	// Newer says that the chosen one, too, gives way to what is newer.
	Newer bool
}

// KeepShown chooses none of the contents.
const KeepShown = -1

// Valid reports whether there are contents of one dot to choose from, and the choice is
// one of them or none.
func (s *Settlement) Valid() bool {
	if s == nil || len(s.Contents) < 2 || s.Chosen < KeepShown || s.Chosen >= len(s.Contents) {
		return false
	}
	return !slices.ContainsFunc(s.Contents, func(c *resolve.Op) bool { return c.Dot != s.Contents[0].Dot })
}

// Keys lists the contents' keys, each once; the chosen one's is the last.
func (s *Settlement) Keys() []string {
	var keys []string
	for _, c := range s.Contents {
		keys = append(keys, c.Key)
	}
	if s.Chosen != KeepShown {
		keys = append(keys, s.Contents[s.Chosen].Key)
	}
	slices.Reverse(keys)
	var unique []string
	for _, k := range keys {
		if !slices.Contains(unique, k) {
			unique = append(unique, k)
		}
	}
	slices.Reverse(unique)
	return unique
}

// Of lists the contents that wrote to the key.
func (s *Settlement) Of(key string) (all []*resolve.Op) {
	for _, c := range s.Contents {
		if c.Key == key {
			all = append(all, c)
		}
	}
	return all
}

// keeps reports whether the i-th content is kept: the chosen one, and those of other
// keys.
func (s *Settlement) keeps(i int) bool {
	return s.Chosen != KeepShown && (i == s.Chosen || s.Contents[i].Key != s.Contents[s.Chosen].Key)
}

// Value is a value that a key is given again, and when it ends; zero: never.
type Value struct {
	Bytes   []byte
	Expires wallclock.Instant
}

// Here is what this leader has of one key, and the time at which it reads.
type Here struct {
	Panel   resolve.Panel
	Object  *resolve.Object
	History resolve.History
	Now     wallclock.Instant
}

// Values is what the key of h is given again after the deletion: side by side, where
// there are several. The error says that the chosen content is nothing that the key's
// counter could hold.
func (s *Settlement) Values(h Here) ([]Value, error) {
	if h.Panel.Serving == resolve.Counter {
		return s.count(h)
	}
	return s.show(h), nil
}

// show is what a key that no counter serves is to show. A content that is kept and has
// nothing newer is all of it. Beside what is newer it is shown only if nobody who wrote
// that knew the dot, and only by a resolver that shows values side by side.
func (s *Settlement) show(h Here) []Value {
	shown := h.shown()
	for i, c := range s.Contents {
		if c.Key != h.Object.Key || !s.keeps(i) || c.Kind == resolve.Touch {
			continue
		}
		empty := c.Kind == resolve.Delete || h.expired(c.Expires)
		newer, knew := h.newer(c)
		switch {
		case !newer || i == s.Chosen && !s.Newer:
			if empty {
				return nil
			}
			return []Value{{c.Value, c.Expires}}
		case !knew && !empty && h.Panel.KeepsSiblings():
			shown = add(shown, Value{c.Value, c.Expires})
		}
	}
	return shown
}

// shown is the values that the key shows.
func (h *Here) shown() (all []Value) {
	for _, i := range h.Panel.Survivors(h.Object, h.Panel.Serving, nil) {
		if v := &h.Object.Versions[i]; !v.Deleted() && !v.Expired(h.Now) {
			all = add(all, Value{v.Value, v.Expires})
		}
	}
	return all
}

// add leaves out what is there already: the dots of one request are one write.
func add(all []Value, v Value) []Value {
	if slices.ContainsFunc(all, func(o Value) bool { return bytes.Equal(o.Bytes, v.Bytes) && o.Expires == v.Expires }) {
		return all
	}
	return append(all, v)
}

// expired reports whether a value with that deadline has ended.
func (h *Here) expired(deadline wallclock.Instant) bool { return deadline != 0 && deadline <= h.Now }

// newer reports whether the key shows something that the author of c had not applied,
// and whether an author of that had applied the dot.
func (h *Here) newer(c *resolve.Op) (newer, knew bool) {
	for _, d := range h.Panel.Read(h.Object, h.History).Dots {
		if d == c.Dot || c.Deps.Covers(d) {
			continue
		}
		newer = true
		if op, ok := h.History.Op(d); ok && op.Deps.Covers(c.Dot) {
			knew = true
		}
	}
	return newer, knew
}
