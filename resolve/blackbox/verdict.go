package blackbox

import (
	"slices"

	"kvd/resolve"
)

// Verdict is what is found of one update that was done.
type Verdict struct {
	Line     int   // of the update
	Over     []int // the lines of the updates that it is known to go over
	Present  bool  // shown at the end
	Lost     bool  // acknowledged and gone
	Relation Relation
	By       int // the line of what survives in its place; 0: nothing, or it is not known

	rules [3]resolve.Mask // live, lost, inverted
}

// Under is what a resolver of ours would have made of the update.
type Under struct{ Live, Lost, Inverted bool }

// Under finds the resolver by its name.
func (v *Verdict) Under(name string) (u Under) {
	if id, err := resolve.ParseID(name); err == nil {
		u = Under{v.rules[0].Has(id), v.rules[1].Has(id), v.rules[2].Has(id)}
	}
	return u
}

// judged is an update of a key.
type judged struct {
	*keyHistory
	update int
}

func (j judged) verdict(rules ...resolve.Mask) Verdict {
	h, u := j.keyHistory, &j.updates[j.update]
	v := Verdict{Line: int(u.line), Present: u.fate == present, Lost: u.fate == lost && u.outcome == Acked, rules: [3]resolve.Mask(rules)}
	for _, p := range u.parents {
		v.Over = append(v.Over, int(h.updates[p].line))
	}
	if !v.Lost {
		return v
	}
	if h.top == nil {
		h.top = h.survivors()
		h.below = h.descendants(h.top)
	}
	v.Relation = h.relation(int32(j.update), h.top, h.below)
	if by := h.victor(u, h.top); by != nil {
		v.By = int(by.line)
	}
	slices.Sort(v.Over)
	return v
}
