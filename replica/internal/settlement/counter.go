package settlement

import (
	"fmt"
	"slices"
	"strconv"

	"kvd/resolve"
	"kvd/resolve/number"
)

// count is what a counter is to come to: what it comes to here, with what is kept and
// without what is not.
func (s *Settlement) count(h Here) ([]Value, error) {
	sum, live := h.Object.Sum()
	end, _ := h.Object.Deadline()
	expired := h.expired(end.Expires)
	if expired {
		sum, live, end.Expires = number.Int128{}, false, 0
	}
	one := false // the sum holds one of the contents, and no more than one
	for _, i := range s.keptFirst() {
		c := s.Contents[i]
		if c.Key != h.Object.Key || c.Kind == resolve.Touch {
			continue
		}
		newer, _ := h.newer(c)
		if c.Kind != resolve.Add && i == s.Chosen && (!newer || !s.Newer) {
			return countFrom(c)
		}
		if c.Kind == resolve.Delete {
			continue
		}
		counted, known := h.Object.Counted(c, i == 0, h.History)
		if expired { // the sum holds nothing of what has expired
			counted, known = false, true
		}
		counted = counted && !one
		one = one || counted
		delta, _ := c.Adds()
		switch {
		case !known:
		case s.keeps(i) && !counted:
			sum, live = sum.Plus(delta), true
		case !s.keeps(i) && counted:
			sum = sum.Minus(delta)
		}
	}
	if !live {
		return nil, nil
	}
	return []Value{{Bytes: strconv.AppendInt(nil, sum.Clamp(), 10), Expires: end.Expires}}, nil
}

// keptFirst is the indexes of the contents, those first that are kept; none if what the
// keys show is.
func (s *Settlement) keptFirst() (all []int) {
	if s.Chosen == KeepShown {
		return nil
	}
	for _, want := range [2]bool{true, false} {
		for i := range s.Contents {
			if s.keeps(i) == want {
				all = append(all, i)
			}
		}
	}
	return all
}

// countFrom is what a counter holds after a content that is no addition.
func countFrom(c *resolve.Op) ([]Value, error) {
	if c.Kind == resolve.Delete {
		return nil, nil
	}
	if _, ok := number.Integer(c.Value); !ok {
		return nil, fmt.Errorf("the content of %s is no number; set the key to what it shall be, and settle the dot as it is shown then", c.Dot)
	}
	return []Value{{Bytes: slices.Clone(c.Value), Expires: c.Expires}}, nil
}
