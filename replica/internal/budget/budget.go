// Package budget bounds what the replies to the requests of one call hold together, and
// what those requests may make.
//
// It counts only. Whoever serves a request takes from the budget before it answers, on
// whichever goroutine that is.
package budget

// Budget bounds the bytes of values that the replies to the requests of one call hold
// together. Whoever makes the call keeps it; the leader takes from it. The first request
// whose values it is too small for is refused, and so is every one after it: none of them
// has been done, and all can be made again once the replies before them have been passed
// on. A nil Budget bounds nothing.
type Budget struct {
	Bytes int64 // left
	Need  int64 // of the request that it was too small for; zero: it was large enough for all
	// Each says that requests which it is too small for are refused and others go on: a
	// transaction is not done in parts.
	Each bool
	// Made is what the requests made so far have made durable and not brought with
	// them, in bytes; one byte appended to a large value makes a large value. Whoever
	// stores it counts it. Beyond MaxMade the rest is refused, too.
	Made int64
	// Large says that the call before made much, so that this may, too.
	Large bool
	// Vain is what was made and did not fit, in bytes. It was made all the same, which
	// takes time that others wait for: beyond MaxVain the rest is refused.
	Vain int64
	// Scratch is where values are copied to that are not at hand for good; nil: to the
	// heap.
	Scratch *Scratch
}

const (
	MaxMade = 8 << 20   // of Budget.Made, but for the last request's
	MaxVain = 128 << 20 // of Budget.Vain, but for the last request's
)

// Take takes n bytes, if there are as many.
func (b *Budget) Take(n int64) bool {
	switch {
	case b == nil:
	case n > b.Bytes:
		b.Need = max(n, 1)
		return false
	default:
		b.Bytes -= n
	}
	return true
}

// Closed reports whether requests are not taken any more.
func (b *Budget) Closed() bool {
	return b != nil && (b.Need > 0 && !b.Each || b.Made > MaxMade || b.Vain > MaxVain)
}
