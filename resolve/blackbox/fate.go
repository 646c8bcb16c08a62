package blackbox

import (
	"slices"
)

// fate is what became of an update.
type fate uint8

const (
	unknown    fate = iota // the history does not say
	present                // shown at the end
	superseded             // in the past of what is shown
	divided                // some final readings account for it, others do not
	lost                   // no final reading accounts for it
)

// decide finds the fate of every update.
func (h *keyHistory) decide(r *KindReport) {
	if len(h.finals) == 0 {
		h.count(r)
		r.Unread++
		return
	}
	switch h.kind {
	case RegisterKey:
		h.decideRegister()
	case SetKey:
		h.decideSet()
	case CounterKey:
		h.decideCounter(r)
		return
	}
	h.count(r)
}

// count adds the fates of the acknowledged updates, and how many of the others there were.
func (h *keyHistory) count(r *KindReport) {
	h.countIndeterminate(r)
	for i := range h.updates {
		u := &h.updates[i]
		if u.outcome == Indeterminate {
			if u.doubtful {
				continue
			}
			r.Shown++
			if u.fate == lost {
				r.ShownLost++
			}
			continue
		}
		r.Acked++
		switch u.fate {
		case unknown:
			r.Unknown++
		case present:
			r.Present++
		case superseded:
			r.Superseded++
		case divided:
			r.Divided++
		case lost:
			r.Lost++
		}
	}
}

func (h *keyHistory) countIndeterminate(r *KindReport) {
	for i := range h.entries {
		e := &h.entries[i]
		switch {
		case e.writes() && e.outcome == Indeterminate:
			r.Indeterminate++
		case e.writes() && e.outcome == Failed:
			r.Failed++
		}
	}
}

// accounts is what one final reading accounts for.
type accounts struct {
	surely, possibly []bool
	shown            []int32 // the updates behind it, where they are known
	open             bool    // it may account for anything: nobody is known to have written what it shows
}

// decideRegister asks of every update whether each final reading accounts for it.
func (h *keyHistory) decideRegister() {
	var all []accounts
	for i, f := range h.finals {
		if !slices.ContainsFunc(h.finals[:i], func(o finalOf) bool { return slices.Equal(o.shown, f.shown) }) {
			all = append(all, h.accountsOf(f.entry))
		}
	}
	for i := range h.updates {
		h.updates[i].fate = fateBy(all, int32(i))
	}
	h.excuseDeletions()
}

// excuseDeletions takes back that a deletion is lost unless something that its author had
// been shown is back: what it was for has been done, and it leaves nothing to be seen.
func (h *keyHistory) excuseDeletions() {
	below := h.descendants(h.survivors())
	for i := range h.updates {
		if u := &h.updates[i]; u.verb == Del && u.fate == lost && !below[i] {
			u.fate = unknown
		}
	}
}

// fateBy puts together what the final readings say of one update.
func fateBy(all []accounts, i int32) fate {
	sure, gone, shown := 0, 0, 0
	for _, a := range all {
		switch {
		case a.open:
		case a.surely[i]:
			sure++
		case !a.possibly[i]:
			gone++
		}
		if slices.Contains(a.shown, i) {
			shown++
		}
	}
	switch {
	case shown == len(all):
		return present
	case sure == len(all):
		return superseded
	case gone == len(all):
		return lost
	case sure > 0 && gone > 0:
		return divided
	}
	return unknown
}

// accountsOf is what holds whichever of the writes of a value is the one that is shown.
func (h *keyHistory) accountsOf(f *entry) accounts {
	n := len(h.updates)
	a := accounts{surely: make([]bool, n), possibly: make([]bool, n)}
	values := f.shown
	if len(values) == 0 {
		values = []string{absent}
	}
	for _, v := range values {
		alike := h.behind([]string{v}, f.end)
		all := append(alike.sure, alike.maybe...)
		switch {
		case len(all) > maxAlike, len(all) == 0 && v != absent && !h.began(v):
			a.open = true
			return a
		case len(all) == 1:
			a.shown = append(a.shown, all[0])
		}
		a.or(h, all)
	}
	return a
}

// or adds what all writes of one value surely account for, and any of them possibly.
func (a *accounts) or(h *keyHistory, alike []int32) {
	var every []bool
	for _, i := range alike {
		sure := h.surely(i)
		for j, is := range h.possibly(i) {
			a.possibly[j] = a.possibly[j] || is
		}
		if every == nil {
			every = sure
			continue
		}
		for j := range every {
			every[j] = every[j] && sure[j]
		}
	}
	for j, is := range every {
		a.surely[j] = a.surely[j] || is
	}
}

// began reports whether the key was seen to show the value before it was written to.
func (h *keyHistory) began(v string) bool {
	return h.initial != nil && slices.Contains(h.initial.shown, v)
}

// decideSet looks for each element in the final readings.
func (h *keyHistory) decideSet() {
	in := map[string]int{}
	for _, f := range h.finals {
		for _, v := range distinctStrings(f.shown) {
			in[v]++
		}
	}
	for i := range h.updates {
		switch u := &h.updates[i]; in[u.value] {
		case len(h.finals):
			u.fate = present
		case 0:
			u.fate = lost
		default:
			u.fate = divided
		}
	}
}

func distinctStrings(all []string) []string {
	all = slices.Clone(all)
	slices.Sort(all)
	return slices.Compact(all)
}
