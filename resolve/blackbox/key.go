package blackbox

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"kvd/wallclock"
)

// Kind is what a key is used as.
type Kind uint8

// The kinds.
const (
	RegisterKey Kind = iota
	CounterKey
	SetKey
	kinds
)

// String names the kind.
func (k Kind) String() string { return [...]string{"register", "counter", "set"}[k] }

// entry is an op as it is kept until its key is judged.
type entry struct {
	line         uint32
	client, node uint32
	verb         Verb
	outcome      Outcome
	known        bool // shown is
	final        bool
	delta        int64
	value        string
	shown        []string // Op.Shown of an update, Op.Read of the rest
	start, end   wallclock.Instant
	stamp        wallclock.Instant
}

// never is the end of what may happen at any time.
const never = wallclock.Instant(math.MaxInt64)

// unnamed is the number of the node that no op names.
const unnamed = 0

func (e *entry) reads() bool  { return e.verb == Get }
func (e *entry) exact() bool  { return (e.verb == Update || e.verb == Add) && e.known }
func (e *entry) writes() bool { return e.verb != Get }

// number is the number an incr left or a get showed.
func (e *entry) number() (int64, bool) {
	if !e.known || len(e.shown) > 1 {
		return 0, false
	}
	if len(e.shown) == 0 {
		return 0, e.reads()
	}
	n, err := strconv.ParseInt(e.shown[0], 10, 64)
	return n, err == nil
}

// entryBytes is what an entry takes, its list grown by doubling.
const entryBytes = 88 * 3 / 2

// weight is what an entry takes in bytes.
func (e *entry) weight() int64 {
	n := entryBytes + int64(len(e.value)) + 16*int64(len(e.shown))
	for _, s := range e.shown {
		n += int64(len(s)) + 8
	}
	return n
}

// keyHistory is the ops of one key.
type keyHistory struct {
	key     string
	entries []entry

	kind     Kind
	updates  []update  // that were done, or acknowledged, by the middle of their time
	finals   []finalOf // one a node
	initial  *entry    // a reading before the first update
	byValue  map[string][]int32
	top      []int32 // the survivors, once a verdict has asked for them
	below    []bool  // what was written over one of them
	presumed bool    // of a counter: a node was presumed to go on from its own number
	skipped  string  // why the key cannot be judged; empty: it can
}

// finalOf is the final reading of a node.
type finalOf struct {
	node uint32
	*entry
}

// update is a write that was acknowledged or seen.
type update struct {
	*entry
	until   wallclock.Instant // by then it had been done, if it was done
	parents []int32           // shown to its author, or known to be at its node
	maybe   []int32           // of each of these that is not known
	held    []int32           // known to be at its node
	besides []int32           // at its node at the same time, where it is blind
	wrote   []int32           // Add over Shown: all of that
	fate    fate
	// doubtful says that nobody knows whether it was done: it had no reply, and what it
	// wrote was shown, and may have been written by another.
	doubtful bool
}

func (u *update) middle() wallclock.Instant { return u.start + (u.until-u.start)/2 }

// begin sorts the ops out: kind, final readings, updates.
func (h *keyHistory) begin() {
	slices.SortFunc(h.entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.line, b.line)) })
	h.classify()
	if h.skipped != "" {
		return
	}
	h.findFinals()
	h.gather()
}

// classify finds the kind by the verbs that were not refused.
func (h *keyHistory) classify() {
	var has [len(verbs)]bool
	for i := range h.entries {
		if h.entries[i].outcome != Failed {
			has[h.entries[i].verb] = true
		}
	}
	writes := has[Set] || has[Update]
	switch {
	case has[Add] && (has[Incr] || writes):
		h.skipped = "elements are added to it, and it is written to as a whole"
	case (has[Add] || has[Incr] && !writes) && has[Del]:
		h.skipped = "it is deleted between additions, and what a deletion took away nobody observed"
	case has[Add]:
		h.kind = SetKey
	case has[Incr] && !writes:
		h.kind = CounterKey
	default:
		h.kind = RegisterKey
	}
}

// findFinals takes what is marked, or else what came after all that was acknowledged.
func (h *keyHistory) findFinals() {
	marked := false
	var last wallclock.Instant = math.MinInt64
	for i := range h.entries {
		e := &h.entries[i]
		marked = marked || e.final && e.outcome == Acked
		if e.writes() && e.outcome == Acked {
			last = max(last, e.end)
		}
	}
	for i := range h.entries {
		e := &h.entries[i]
		if !e.reads() || e.outcome != Acked || marked && !e.final || !marked && e.start < last {
			continue
		}
		at := slices.IndexFunc(h.finals, func(f finalOf) bool { return f.node == e.node })
		switch {
		case at < 0:
			h.finals = append(h.finals, finalOf{e.node, e})
		case h.finals[at].end <= e.end:
			h.finals[at].entry = e
		}
	}
	slices.SortFunc(h.finals, func(a, b finalOf) int { return cmp.Compare(a.node, b.node) })
}

// gather makes updates of the writes, each with the time by which it had been done: its
// reply, or the first reading that shows it.
func (h *keyHistory) gather() {
	seen := h.sights()
	first := never
	for i := range h.entries {
		e := &h.entries[i]
		if !e.writes() || e.outcome == Failed {
			continue
		}
		first = min(first, e.start)
		u := update{entry: e, until: e.end}
		at := seen[h.written(e)]
		switch {
		case at.once && at.first >= e.start:
			u.until = min(u.until, at.first)
		case u.until == never && at.last >= e.start: // another may have written that
			u.until, u.doubtful = max(at.last, e.start), true
		}
		if u.until < never {
			h.updates = append(h.updates, u)
		}
	}
	slices.SortFunc(h.updates, func(a, b update) int {
		return cmp.Or(cmp.Compare(a.middle(), b.middle()), cmp.Compare(a.start, b.start), cmp.Compare(a.line, b.line))
	})
	h.byValue = map[string][]int32{}
	for i := range h.updates {
		v := h.written(h.updates[i].entry)
		h.byValue[v] = append(h.byValue[v], int32(i))
	}
	for i := range h.entries {
		if e := &h.entries[i]; e.reads() && e.outcome == Acked && e.end <= first {
			h.initial = e
		}
	}
}

// absent stands for what a deletion leaves. No value has it: it is no UTF-8, and values
// of files are.
const absent = "\xff\xfe absent"

// unanswered stands for the number that an increment without a reply left.
const unanswered = "\xff\xfe unanswered"

// written is how readings show what the op wrote.
func (h *keyHistory) written(e *entry) string {
	switch {
	case e.verb == Del:
		return absent
	case e.verb != Incr:
		return e.value
	case e.known && len(e.shown) == 1:
		return e.shown[0]
	}
	return unanswered
}

// sight is when a value was shown, first and last, and whether it was written once, so
// that showing it tells that this very write was done.
type sight struct {
	first, last wallclock.Instant
	once        bool
}

// sights is when each value was known to be there. What increments left they say
// themselves.
func (h *keyHistory) sights() map[string]sight {
	times := map[string]int{}
	seen := map[string]sight{}
	for i := range h.entries {
		if e := &h.entries[i]; e.writes() && e.outcome != Failed {
			times[h.written(e)]++
		}
	}
	for i := range h.entries {
		e := &h.entries[i]
		if !e.known || e.verb == Incr || e.reads() && e.outcome != Acked {
			continue
		}
		at := e.end
		if e.writes() {
			at = e.start // its author had been shown that before
		}
		values := e.shown
		if len(values) == 0 {
			values = []string{absent}
		}
		for _, v := range values {
			s, known := seen[v]
			if !known {
				s = sight{at, at, times[v] == 1 && v != absent}
			}
			s.first, s.last = min(s.first, at), max(s.last, at)
			seen[v] = s
		}
	}
	return seen
}
