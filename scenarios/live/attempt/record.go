package attempt

import (
	"slices"
	"sync"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/merge"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/wallclock"
)

// Identity is a write's: whose, and which of theirs. The simulation of the script
// gives the same ones.
type Identity = merge.Request

// Record is what was observed of an attempt, as it came in. The oracle wants it in
// the order in which it happened, and Assemble puts that together afterwards:
// replies of different leaders cross on their way to the runner, and a read can
// show a write before the runner has heard of its acceptance.
type Record struct {
	now func() time.Duration

	mu     sync.Mutex
	facts  []step // what a client or the script did, or a client was told
	shown  []mention
	polls  map[string][]poll // by leader
	writes map[Identity]*write
	order  []*write // by first attempt
	byDot  map[logical.Dot]*acceptance
}

type mention struct {
	at   time.Duration
	dots []logical.Dot
}

// poll is what a leader said it had applied.
type poll struct {
	asked, answered time.Duration
	has             logical.Frontier
}

// Write is what a client asks for.
type Write struct {
	Identity
	Request string // the oracle's name for it
	Label   string
	Key     string
	Kind    merge.Kind
	Amount  int64
}

// Acceptance is what a leader says of the op that a write became.
type Acceptance struct {
	Dot    logical.Dot
	Over   []logical.Dot // its parents
	Shown  history.Reading
	Delta  int64
	Wall   wallclock.Interval
	Values []string // what the op writes
	Unseen bool     // nobody saw the reply: the op was found in a log
}

// write is a client's write and what leaders made of it.
type write struct {
	Write
	sent        time.Duration
	acceptances []*acceptance
	unanswered  bool // an attempt got no reply that the runner saw
}

// acceptance is a write becoming an op at a leader. One that was retried elsewhere
// can have two.
type acceptance struct {
	*write
	Acceptance
	leader string
	at     time.Duration
	depth  int // above that of every acceptance it went over
}

// NewRecord is empty. Now is true time since the scenario's zero.
func NewRecord(now func() time.Duration) *Record {
	return &Record{now: now, polls: map[string][]poll{}, writes: map[Identity]*write{}, byDot: map[logical.Dot]*acceptance{}}
}

// Now is true time since the scenario's zero.
func (r *Record) Now() time.Duration { return r.now() }

// Add takes down a fact of this instant: what the script or a client did, or, if it
// is a reply, what a client was told. The oracle is told of it, if tell is not nil.
func (r *Record) Add(reply bool, e trace.Event, tell func(*history.History, time.Duration)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.now()
	e.At = at
	f := step{at: at, rank: rankSent, event: e}
	if reply {
		f.rank = rankReply
	}
	if tell != nil {
		f.tell = func(h *history.History) { tell(h, at) }
	}
	r.facts = append(r.facts, f)
}

// Sending takes down a write before its first attempt.
func (r *Record) Sending(w Write) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writes[w.Identity] == nil {
		is := &write{Write: w, sent: r.now()}
		r.writes[w.Identity] = is
		r.order = append(r.order, is)
	}
}

// Unanswered takes down that an attempt at a write got no reply.
func (r *Record) Unanswered(id Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.writes[id]; w != nil {
		w.unanswered = true
	}
}

// Accepted takes down a leader's reply to a write, whether or not its client gets it.
// An op that is known already is not accepted again.
func (r *Record) Accepted(id Identity, leader string, a Acceptance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.writes[id]
	if w == nil || r.byDot[a.Dot] != nil {
		return
	}
	is := &acceptance{write: w, Acceptance: a, leader: leader, at: r.now()}
	w.acceptances = append(w.acceptances, is)
	r.byDot[a.Dot] = is
	r.shown = append(r.shown, mention{is.at, slices.Concat(a.Over, a.Shown.Dots)})
}

// Showed takes down what a reply showed.
func (r *Record) Showed(dots []logical.Dot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown = append(r.shown, mention{r.now(), dots})
}

// Polled takes down what a leader said it had applied. Of polls that say the same
// only the last is kept.
func (r *Record) Polled(leader string, asked time.Duration, has logical.Frontier) {
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

// Dot is the name of a write's first op, if the runner knows it.
func (r *Record) Dot(id Identity) (logical.Dot, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.writes[id]; w != nil && len(w.acceptances) > 0 {
		return w.acceptances[0].Dot, true
	}
	return logical.Dot{}, false
}

// Unknown lists the keys, sorted, of writes of which no reply was seen: they may have
// been accepted all the same.
func (r *Record) Unknown() (keys []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.order {
		if w.unanswered {
			keys = append(keys, w.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Homes says whose origins are, by the acceptances that are known.
func (r *Record) Homes() map[logical.Origin]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	homes := map[logical.Origin]string{}
	for d, b := range r.byDot {
		homes[d.Origin] = b.leader
	}
	return homes
}

// Knows reports whether the runner has heard of the acceptance of all dots.
func (r *Record) Knows(dots []logical.Dot) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(dots, func(d logical.Dot) bool { return r.byDot[d] == nil })
}

// Modified is what the client of an operation makes of what it read.
func (r *Record) Modified(op *script.ClientOp, shown history.Reading) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return merge.Modified(op, r.write, shown.Dots, shown.Values)
}

// write is the op with a dot, as clients merge it. The caller holds the lock.
func (r *Record) write(d logical.Dot) (merge.Write, bool) {
	b := r.byDot[d]
	if b == nil {
		return merge.Write{}, false
	}
	return merge.Write{Request: b.Identity, Kind: b.Kind, Amount: b.Amount, Over: b.Over}, true
}
