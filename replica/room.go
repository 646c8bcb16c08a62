package replica

import (
	"fmt"

	"kvd/resolve"
)

// Room bounds the bytes of values that the replies to the requests of one call hold
// together. Whoever makes the call keeps it; the leader takes from it, on whichever
// goroutine answers. The first request whose values find no room is answered
// ErrRoom, and so is every one after it: none of them has been done, and all can be
// made again once the replies before them have been passed on. A nil Room bounds
// nothing.
type Room struct {
	Bytes int64 // left
	Need  int64 // of the request that found no room; zero: all did
	// Each says that requests which find no room are answered ErrRoom and others
	// go on: a transaction is not done in parts.
	Each bool
	// Made is what the requests made so far have made durable and not brought with
	// them, in bytes; one byte behind a large value makes a large value. Whoever
	// stores it counts it. Beyond MaxMade the rest is answered ErrRoom, as if there
	// were no room.
	Made int64
	// Large says that the call before made much, so that this may, too.
	Large bool
	// Vain is what was made and found no room, in bytes. It was made all the same, which
	// takes time that others wait for: beyond MaxVain the rest is answered ErrRoom.
	Vain int64
}

// MaxMade bounds Room.Made, but for the last request's.
const MaxMade = 8 << 20

// MaxVain bounds Room.Vain, but for the last request's.
const MaxVain = 128 << 20

// Take takes n bytes, if there are as many.
func (r *Room) Take(n int64) bool {
	switch {
	case r == nil:
	case n > r.Bytes:
		r.Need = max(n, 1)
		return false
	default:
		r.Bytes -= n
	}
	return true
}

// Closed reports whether requests are not taken any more.
func (r *Room) Closed() bool {
	return r != nil && (r.Need > 0 && !r.Each || r.Made > MaxMade || r.Vain > MaxVain)
}

// Bytes is what values take together.
func Bytes(values [][]byte) int64 {
	var n int64
	for _, v := range values {
		n += int64(len(v))
	}
	return n
}

// present stands for the values of a key that is only asked whether it has any.
var present [1][]byte

// Brief makes of what a Get shows what its author asked for.
func (q *Request) Brief(r resolve.Reading) resolve.Reading {
	if !q.Whether {
		return r
	}
	return resolve.Reading{Values: present[:min(1, len(r.Values))]}
}

// noRoom answers a request whose reply would hold more than there is room for.
func (t *turn) noRoom(q *Request) { t.refuse(q, q.noRoom()) }

func (q *Request) noRoom() error { return fmt.Errorf("%s %.64q: %w", q.Verb, q.Key, ErrRoom) }
