// Package merge is how the clients of a script compute what they write back from what
// they read, above all from several values of one number.
//
// The greatest value is not the answer. The key holds 10; one client takes 5 away and
// another adds 2, and neither knows of the other. The greatest of 5 and 12 says that
// nobody took anything away, although that was acknowledged and the merging client has
// been shown it. The clients therefore do what applications do that keep a number where
// writes can collide: with a number they store the changes that it is made of. The
// changes of several values are joined, each once. Left out are those that one of the
// values lacks though its author had been shown them: that value began anew (Bieniusa
// and others 2012). Scripts and readers see the number alone.
//
// What the package is not: it knows no resolver, and nothing of what is stored.
package merge

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"kvd/logical"
	"kvd/scenarios/script"
)

// Kind is what a write does to the number.
type Kind uint8

const (
	Puts           Kind = 1 + iota // begins anew with Amount
	Adds                           // adds Amount to all that its author had been shown
	AddsToGreatest                 // adds Amount to the greatest value shown, as a leader's own addition does
	Deletes                        // leaves nothing
)

// Request names a client's request: whatever was made of it, it is one change.
type Request struct{ Client, Number uint64 }

// Write is one op as far as merging goes.
type Write struct {
	Request Request
	Kind    Kind
	Amount  int64
	Over    []logical.Dot // what its author had been shown
}

// Writes finds the write that has a dot. If it reports false, the dot counts for nothing.
type Writes func(d logical.Dot) (Write, bool)

// Number is a text as a number; a text that is no number counts as zero.
func Number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Modified is what the client of an update or an append makes of what it read: the
// number plus the amount, several numbers merged before; or the union of the sets,
// separated by commas, plus its element.
func Modified(op *script.ClientOp, writes Writes, dots []logical.Dot, values []string) string {
	if op.Kind == script.OpAppend {
		return union(values, op.Value)
	}
	n := int64(0)
	switch {
	case Several(writes, dots):
		n = Sum(writes, dots)
	case len(values) > 0:
		n = Number(values[0])
	}
	return strconv.FormatInt(n+op.Amount, 10)
}

func union(values []string, element string) string {
	set := []string{element}
	for _, v := range values {
		set = append(set, strings.Split(v, ",")...)
	}
	slices.Sort(set)
	return strings.Join(slices.Compact(set), ",")
}

// Of is what a write does to the number. Exact says that its author was shown what it
// goes over, and worked out value from that; else the leader adds by itself.
func Of(op *script.ClientOp, exact bool, value string) (Kind, int64) {
	switch {
	case op.Kind == script.OpDelete:
		return Deletes, 0
	case op.Kind == script.OpSet:
		return Puts, Number(op.Value)
	case !exact:
		return AddsToGreatest, op.Amount
	case op.Kind == script.OpUpdate:
		return Adds, op.Amount
	}
	return Puts, Number(value)
}

// Several reports whether dots name more than one value, so that Sum has
// something to merge.
func Several(writes Writes, dots []logical.Dot) bool {
	values := 0
	for _, d := range dots {
		if w, ok := writes(d); ok && w.Kind != Deletes {
			values++
		}
	}
	return values > 1
}

// Sum is the number that the values behind dots make together. It takes time and
// memory proportional to all that they have seen.
func Sum(writes Writes, dots []logical.Dot) int64 {
	m := merger{writes: writes, made: map[logical.Dot]*changes{}}
	for _, d := range dots {
		m.make(d)
	}
	return m.of(dots).total()
}

// changes is what a number is made of: those of another and one more, or all of them.
type changes struct {
	before *changes
	more   Request
	amount int64
	all    map[Request]int64 // when set, the rest says nothing
	sum    int64
}

func (c *changes) total() int64 {
	if c == nil {
		return 0
	}
	return c.sum
}

func (c *changes) list() map[Request]int64 {
	all := map[Request]int64{}
	for ; c != nil; c = c.before {
		if c.all != nil {
			maps.Copy(all, c.all)
			break
		}
		all[c.more] = c.amount
	}
	return all
}

// merger makes numbers out of the writes behind them.
type merger struct {
	writes Writes
	made   map[logical.Dot]*changes // nil: there is no number
}

// make makes the number of d, after those that d went over. Pasts are deep, so it
// keeps its own stack.
func (m *merger) make(d logical.Dot) {
	for stack := []logical.Dot{d}; len(stack) > 0; {
		top := stack[len(stack)-1]
		w, known := m.writes(top)
		if _, done := m.made[top]; done || !known {
			stack = stack[:len(stack)-1]
			continue
		}
		if missing := m.missing(w.Over); len(missing) > 0 {
			stack = append(stack, missing...)
			continue
		}
		m.made[top] = m.result(w)
		stack = stack[:len(stack)-1]
	}
}

func (m *merger) missing(dots []logical.Dot) []logical.Dot {
	var missing []logical.Dot
	for _, d := range dots {
		if _, known := m.writes(d); known {
			if _, done := m.made[d]; !done {
				missing = append(missing, d)
			}
		}
	}
	return missing
}

func (m *merger) result(w Write) *changes {
	switch w.Kind {
	case Deletes:
		return nil
	case Puts:
		return (*changes)(nil).and(w)
	case AddsToGreatest:
		return m.greatest(w.Over).and(w)
	}
	return m.of(w.Over).and(w)
}

func (c *changes) and(w Write) *changes {
	return &changes{before: c, more: w.Request, amount: w.Amount, sum: c.total() + w.Amount}
}

func (m *merger) greatest(dots []logical.Dot) *changes {
	var best *changes
	for _, d := range dots {
		if c := m.made[d]; c != nil && (best == nil || c.sum > best.sum) {
			best = c
		}
	}
	return best
}

func (m *merger) of(dots []logical.Dot) *changes {
	var values []logical.Dot
	for _, d := range dots {
		if m.made[d] != nil {
			values = append(values, d)
		}
	}
	switch len(values) {
	case 0:
		return nil
	case 1:
		return m.made[values[0]]
	}
	return m.join(values)
}

// join keeps the changes that all values have, and those that a value lacks only because
// its author had not been shown them.
func (m *merger) join(values []logical.Dot) *changes {
	lists, pasts := make([]map[Request]int64, len(values)), make([]map[Request]bool, len(values))
	for i, d := range values {
		lists[i], pasts[i] = m.made[d].list(), m.past(d)
	}
	out := &changes{all: map[Request]int64{}}
	for _, list := range lists {
		for r, amount := range list {
			if !m.leftOut(r, lists, pasts) {
				out.all[r] = amount
			}
		}
	}
	for _, amount := range out.all {
		out.sum += amount
	}
	return out
}

func (m *merger) leftOut(r Request, lists []map[Request]int64, pasts []map[Request]bool) bool {
	for i, list := range lists {
		if _, has := list[r]; !has && pasts[i][r] {
			return true
		}
	}
	return false
}

// past is every request that the author of d had been shown.
func (m *merger) past(d logical.Dot) map[Request]bool {
	past, seen := map[Request]bool{}, map[logical.Dot]bool{d: true}
	for stack := []logical.Dot{d}; len(stack) > 0; {
		w, known := m.writes(stack[len(stack)-1])
		stack = stack[:len(stack)-1]
		if !known {
			continue
		}
		past[w.Request] = true
		for _, o := range w.Over {
			if !seen[o] {
				seen[o] = true
				stack = append(stack, o)
			}
		}
	}
	return past
}
