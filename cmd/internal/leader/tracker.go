package leader

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica"
)

// tracker is what the other leaders are known to have durably, from their own
// statuses. It also knows when what we hold became unshared, for the age of the
// oldest op that a peer lacks.
type tracker struct {
	mu    sync.Mutex
	peers map[replica.Leader]*believed
	news  chan struct{} // closed and replaced whenever something was heard
	marks []mark        // of our own origin's log, oldest first
}

// believed is one peer as its last status describes it.
type believed struct {
	life   logical.Origin
	number uint64
	has    logical.Frontier
}

// mark says that the log had reached seq at a moment.
type mark struct {
	seq logical.Seq
	at  time.Time
}

// How finely, and how far back, the age of what a peer lacks is known.
const (
	markEvery = 20 * time.Millisecond
	maxMarks  = 4096
)

func newTracker() *tracker {
	return &tracker{peers: map[replica.Leader]*believed{}, news: make(chan struct{})}
}

// hear takes a status. Within a life a later number says more; another life may
// have lost what the one before had, so it replaces everything.
func (t *tracker) hear(from replica.Leader, s *replica.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.peers[from]
	if b != nil && b.life == s.Life && s.Number <= b.number {
		return
	}
	t.peers[from] = &believed{life: s.Life, number: s.Number, has: s.Frontier.Clone()}
	close(t.news)
	t.news = make(chan struct{})
}

// next is closed when more has been heard.
func (t *tracker) next() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.news
}

// durable is how many others durably have all of f.
func (t *tracker) durable(f logical.Frontier) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, b := range t.peers {
		if b.has.Includes(f) {
			n++
		}
	}
	return n
}

// unshared is how many ops of the origins, as far as f reaches, no other leader
// is known to have.
func (t *tracker) unshared(f logical.Frontier, origins []logical.Origin) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, o := range origins {
		best := logical.Seq(0)
		for _, b := range t.peers {
			best = max(best, b.has.At(o))
		}
		n += int(f.At(o) - min(f.At(o), best))
	}
	return n
}

// behind is how many ops others have that f lacks, by what they said.
func (t *tracker) behind(f logical.Frontier) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all logical.Frontier
	for _, b := range t.peers {
		all = all.Join(b.has)
	}
	n := 0
	for d := range all.All() {
		n += int(d.Seq - min(d.Seq, f.At(d.Origin)))
	}
	return n
}

// reached notes how far our log is, so that the age of what is missing
// elsewhere can be told.
func (t *tracker) reached(seq logical.Seq, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.marks); n > 0 && (t.marks[n-1].seq >= seq || now.Sub(t.marks[n-1].at) < markEvery) {
		return
	}
	if len(t.marks) == maxMarks {
		t.marks = slices.Delete(t.marks, 0, maxMarks/2)
	}
	t.marks = append(t.marks, mark{seq, now})
}

// lag is how many of our origin's ops the peer is not known to have, and since
// when it lacks the oldest.
func (t *tracker) lag(p replica.Leader, own logical.Dot, now time.Time) (ops uint64, age time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	has := logical.Seq(0)
	if b := t.peers[p]; b != nil {
		has = min(own.Seq, b.has.At(own.Origin))
	}
	if has == own.Seq {
		return 0, 0
	}
	i, _ := slices.BinarySearchFunc(t.marks, has+1, func(m mark, s logical.Seq) int { return cmp.Compare(m.seq, s) })
	if i < len(t.marks) {
		age = now.Sub(t.marks[i].at)
	}
	return uint64(own.Seq - has), age
}
