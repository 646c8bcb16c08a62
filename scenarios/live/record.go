package live

import (
	"slices"
	"sync"
	"time"

	"kvd/logical"
	"kvd/scenarios/merge"
	"kvd/scenarios/oracle"
	"kvd/scenarios/trace"
)

// identity is a write's: whose, and which of theirs. The simulation of the script
// gives the same ones.
type identity struct{ client, number uint64 }

// record is what was observed of an attempt, as it came in. The oracle wants it in
// the order in which it happened, and assemble puts that together afterwards:
// replies of different leaders cross on their way to the runner, and a read can
// show a write before the runner has heard of its acceptance.
type record struct {
	mu     sync.Mutex
	zero   time.Time
	facts  []fact
	shown  []mention
	polls  map[string][]poll // by leader
	writes map[identity]*write
	order  []*write // by first attempt
	byDot  map[logical.Dot]*birth
}

// fact is something a client or the script did, or a client was told.
type fact struct {
	at    time.Duration
	told  bool                  // a client was told: comes after all else of the same instant
	tell  func(*oracle.History) // nil: nothing
	event trace.Event
}

// mention is a reply that showed dots.
type mention struct {
	at   time.Duration
	dots []logical.Dot
}

// poll is what a leader said it had applied.
type poll struct {
	asked, answered time.Duration
	has             logical.Frontier
}

// write is a client's write and what leaders made of it.
type write struct {
	identity
	request string // the oracle's name for it
	label   string
	key     string
	kind    merge.Kind
	amount  int64
	sent    time.Duration
	births  []*birth
	tried   bool // an attempt got no reply that the runner saw
}

// birth is a write becoming an op at a leader. One that was retried elsewhere can
// have two.
type birth struct {
	*write
	written
	leader string
	values []string // what the op writes
	at     time.Duration
	depth  int // above that of every birth it went over
}

func newRecord(zero time.Time) *record {
	return &record{zero: zero, polls: map[string][]poll{}, writes: map[identity]*write{}, byDot: map[logical.Dot]*birth{}}
}

// now is true time since the scenario's zero.
func (r *record) now() time.Duration { return time.Since(r.zero) }

// add takes down a fact of this instant.
func (r *record) add(told bool, e trace.Event, tell func(*oracle.History, time.Duration)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.now()
	e.At = at
	f := fact{at: at, told: told, event: e}
	if tell != nil {
		f.tell = func(h *oracle.History) { tell(h, at) }
	}
	r.facts = append(r.facts, f)
}

// sending takes down a write before its first attempt.
func (r *record) sending(w *write) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writes[w.identity] == nil {
		w.sent = r.now()
		r.writes[w.identity] = w
		r.order = append(r.order, w)
	}
}

// silent takes down that an attempt at a write got no reply.
func (r *record) silent(id identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.writes[id]; w != nil {
		w.tried = true
	}
}

// born takes down a leader's reply to a write, whether or not its client gets it.
// A write that the leader knew already is not born again.
func (r *record) born(id identity, leader string, w written, values []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.writes[id]
	if q == nil || r.byDot[w.dot] != nil {
		return
	}
	b := &birth{write: q, written: w, leader: leader, values: values, at: r.now()}
	q.births = append(q.births, b)
	r.byDot[w.dot] = b
	r.shown = append(r.shown, mention{b.at, slices.Concat(w.over, w.shown.Dots)})
}

// showed takes down what a reply showed.
func (r *record) showed(dots []logical.Dot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown = append(r.shown, mention{r.now(), dots})
}

// polled takes down what a leader said it had applied. Of polls that say the same
// only the last is kept.
func (r *record) polled(leader string, asked time.Duration, has logical.Frontier) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.polls[leader]
	p := poll{asked, r.now(), has}
	if n := len(all); n > 1 && all[n-1].has.Compare(has) == logical.Equal && all[n-2].has.Compare(has) == logical.Equal {
		all[n-1] = p
		return
	}
	r.polls[leader] = append(all, p)
}

// dot is the name of a write's first op, if the runner knows it.
func (r *record) dot(id identity) (logical.Dot, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.writes[id]; w != nil && len(w.births) > 0 {
		return w.births[0].dot, true
	}
	return logical.Dot{}, false
}

// missing lists the writes that no reply was seen of: they may have been accepted
// all the same.
func (r *record) missing() []*write {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*write
	for _, w := range r.order {
		if w.tried {
			out = append(out, w)
		}
	}
	return out
}

// homes says whose origins are, by the births that are known.
func (r *record) homes() map[logical.Origin]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	homes := map[logical.Origin]string{}
	for d, b := range r.byDot {
		homes[d.Origin] = b.leader
	}
	return homes
}

// knows reports whether the runner has heard of the births of all dots.
func (r *record) knows(dots []logical.Dot) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(dots, func(d logical.Dot) bool { return r.byDot[d] == nil })
}

// merged is the number behind a reading: of several values what they make together.
func (r *record) merged(shown oracle.Reading) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case merge.Several(r.write, shown.Dots):
		return merge.Sum(r.write, shown.Dots)
	case len(shown.Values) > 0:
		return merge.Number(shown.Values[0])
	}
	return 0
}

// write is the op with a dot, as clients merge it. The caller holds the lock.
func (r *record) write(d logical.Dot) (merge.Write, bool) {
	b := r.byDot[d]
	if b == nil {
		return merge.Write{}, false
	}
	return merge.Write{Request: merge.Request{Client: b.client, Number: b.number}, Kind: b.kind, Amount: b.amount, Over: b.over}, true
}
