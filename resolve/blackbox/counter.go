package blackbox

import (
	"math"
	"slices"

	"kvd/resolve/number"
)

// sums is a counter's arithmetic.
type sums struct {
	acked, began, most number.Int128 // added with a reply; before; the greatest reading
	unit               int64         // what each adds; zero: not all the same
	ackedOps, openOps  int           // with a reply; indeterminate
	least, greatest    int64         // final readings
}

// decideCounter compares what was added with what is there, and names the lost ones where
// the replies' numbers tell.
func (h *keyHistory) decideCounter(r *KindReport) {
	h.countIndeterminate(r)
	s, ok := h.sums()
	if named := ok && h.follow(s); named {
		h.countNamed(r)
		return
	}
	r.Acked += s.ackedOps
	if !ok {
		r.Unknown += s.ackedOps
		return
	}
	h.countSums(r, s)
}

// sums adds up; false where a final reading is no number.
func (h *keyHistory) sums() (s sums, ok bool) {
	if h.initial != nil {
		n, _ := h.initial.number()
		s.began = number.Of(n)
	}
	s.most, s.unit = s.began, 0
	same := true
	for i := range h.entries {
		e := &h.entries[i]
		switch {
		case e.outcome == Failed:
		case e.reads() || e.known:
			if n, is := e.number(); is && s.most.Less(number.Of(n)) && e.outcome == Acked {
				s.most = number.Of(n)
			}
		}
		if !e.writes() || e.outcome == Failed {
			continue
		}
		if same = same && (s.unit == 0 || s.unit == e.delta); same {
			s.unit = e.delta
		}
		if e.outcome == Acked {
			s.ackedOps++
			s.acked = s.acked.Plus(number.Of(e.delta))
		} else {
			s.openOps++
		}
	}
	if !same || s.unit < 0 {
		s.unit = 0
	}
	s.least, s.greatest = math.MaxInt64, math.MinInt64
	for _, f := range h.finals {
		n, is := f.number()
		if !is {
			return s, false
		}
		s.least, s.greatest = min(s.least, n), max(s.greatest, n)
	}
	return s, true
}

// countSums says how many increments are missing where they all add the same, and else by
// how much the number is off.
func (h *keyHistory) countSums(r *KindReport, s sums) {
	due := s.began.Plus(s.acked)
	r.Missing += excess(due, s.greatest)
	if s.unit == 0 {
		if s.openOps == 0 && s.least == s.greatest && due.Clamp() == s.least && due.Fits() {
			r.Present += s.ackedOps
			return
		}
		r.Unknown += s.ackedOps
		return
	}
	ops := func(due number.Int128, have int64) int {
		n := excess(due, have)
		return int(min(int64(s.ackedOps), (n+s.unit-1)/s.unit))
	}
	all := due.Plus(number.Of(int64(s.openOps) * s.unit))
	if due.Less(s.most) { // some without a reply were done
		if due = s.most; all.Less(due) {
			due = all
		}
	}
	gone := ops(due, s.greatest)
	apart := ops(due, s.least) - gone
	open := ops(all, s.least) - gone - apart
	r.Lost, r.Divided, r.Unknown = r.Lost+gone, r.Divided+apart, r.Unknown+open
	r.Present += s.ackedOps - gone - apart - open
	r.Unnamed += gone
	if over := number.Of(s.greatest).Minus(all); !over.Less(number.Of(1)) {
		r.Overcounted += int(over.Clamp() / s.unit)
	}
}

// excess is how much due is above what there is; zero if it is not.
func excess(due number.Int128, have int64) int64 {
	if d := due.Minus(number.Of(have)); !d.Less(number.Of(1)) {
		return d.Clamp()
	}
	return 0
}

// follow goes from the final number back through the replies' numbers. It decides the
// fates and reports true if they lead to the beginning without a gap or a doubt.
func (h *keyHistory) follow(s sums) bool {
	if s.least != s.greatest || slices.ContainsFunc(h.updates, func(u update) bool { return !u.known }) {
		return false
	}
	began := s.began.Clamp()
	at := int32(-1)
	if s.least != began {
		last := h.behind(h.finals[0].shown, math.MaxInt64)
		if len(last.sure) != 1 {
			return false
		}
		at = last.sure[0]
	}
	in := make([]bool, len(h.updates))
	for at >= 0 {
		u := &h.updates[at]
		n, ok := u.number()
		if !ok || in[at] {
			return false
		}
		in[at] = true
		if n-u.delta == began {
			break
		}
		if len(u.parents) != 1 || len(u.maybe) > 0 {
			return false
		}
		at = u.parents[0]
	}
	for i := range h.updates {
		h.updates[i].fate = lost
		if in[i] {
			h.updates[i].fate = present
		}
	}
	return true
}

// countNamed counts increments by their fates. The arithmetic agrees: the chain of numbers
// is as long as the final number is high.
func (h *keyHistory) countNamed(r *KindReport) {
	for i := range h.updates {
		u := &h.updates[i]
		if u.outcome != Acked {
			continue
		}
		r.Acked++
		if u.fate == lost {
			r.Lost++
			r.Missing += max(0, u.delta)
		} else {
			r.Present++
		}
	}
}
