package oracle

import (
	"fmt"
	"time"

	"kvd/logical"
)

// History is what happened, as far as clients could tell. It is fed in order of
// true time; every time is since the scenario's zero. It keeps the slices it is
// given: nobody may change them afterwards.
type History struct {
	requests  []*request // by first attempt
	byID      map[string]int
	updates   []*request // requests with at least one dot, by first acceptance
	dots      map[logical.Dot]int32
	leaders   names
	clients   names
	sessions  map[int32]bool // clients that carry a token
	keys      names
	applied   []application
	losses    []setback // disks, in order
	known     bool      // somebody told which leader applied what
	showings  []showing
	finals    map[place]Reading
	finalists map[string]bool
	gripes    []Contradiction
	failed    int
	turn      int32 // counts events: order without equal times
	last      time.Duration
}

// moment is a place in the history.
type moment struct {
	turn int32 // zero: never
	at   time.Duration
}

func (m moment) never() bool { return m.turn == 0 }

// request is a request and what became of it.
type request struct {
	Request
	sent        moment
	acked       moment
	update      int32 // index among updates; -1: no dot
	key         int32
	client      int32
	acceptances []acceptance
}

type acceptance struct {
	Acceptance
	leader int32
	when   moment
}

type application struct {
	leader int32
	dot    logical.Dot
	when   moment
}

// setback is a leader's disk being lost.
type setback struct {
	leader int32
	when   moment
}

// showing is a reading that reached a client.
type showing struct {
	when   moment
	since  int32 // what the client learned up to this turn obliges the reading
	client int32
	leader int32
	key    int32
	own    int32 // request whose acknowledgement carried it; -1: a read
	Reading
}

type place struct{ leader, key string }

// NewHistory is an empty history.
func NewHistory() *History {
	return &History{
		byID:      map[string]int{},
		dots:      map[logical.Dot]int32{},
		sessions:  map[int32]bool{},
		finals:    map[place]Reading{},
		finalists: map[string]bool{},
	}
}

// Sent says that a client made one attempt at a request.
func (h *History) Sent(at time.Duration, r Request) {
	now := h.tick(at)
	if i, again := h.byID[r.ID]; again {
		if old := h.requests[i]; old.Key != r.Key || old.Verb != r.Verb || old.Client != r.Client {
			h.gripe(at, Reused, r.Key, logical.Dot{},
				fmt.Sprintf("%s of %s by %s was sent as request %s, which is %s of %s by %s", r.Verb, r.Key, r.Client, r.ID, old.Verb, old.Key, old.Client))
		}
		return
	}
	h.byID[r.ID] = len(h.requests)
	q := &request{Request: r, sent: now, update: -1, key: h.keys.intern(r.Key), client: h.clients.intern(r.Client)}
	h.requests = append(h.requests, q)
	h.enrol(q.client, r.Session)
}

// Accepted says that a leader made a request an op and has it durably, whether
// or not the reply gets through. One request may be accepted at several leaders.
func (h *History) Accepted(at time.Duration, leader, requestID string, a Acceptance) {
	now := h.tick(at)
	i, ok := h.byID[requestID]
	if !ok || h.requests[i].Verb == Get {
		h.gripe(at, Unasked, "", a.Dot,
			fmt.Sprintf("%s accepted request %s as %s, and nobody had sent such a write", leader, requestID, a.Dot))
		return
	}
	q := h.requests[i]
	l := h.leaders.intern(leader)
	h.applied = append(h.applied, application{l, a.Dot, now})
	if u, taken := h.dots[a.Dot]; taken {
		if h.updates[u] != q {
			h.gripe(at, Reused, q.Key, a.Dot,
				fmt.Sprintf("%s gave %s the dot %s, which already names %s", leader, q.name(), a.Dot, h.updates[u].name()))
		}
		return
	}
	if q.update < 0 {
		q.update = int32(len(h.updates))
		h.updates = append(h.updates, q)
	}
	h.dots[a.Dot] = q.update
	q.acceptances = append(q.acceptances, acceptance{a, l, now})
}

// Acked says that a client received the reply to its write, and what the reply
// showed of the key.
func (h *History) Acked(at time.Duration, requestID, leader string, after Reading) {
	now := h.tick(at)
	i, ok := h.byID[requestID]
	if !ok || h.requests[i].update < 0 {
		h.gripe(at, Unasked, "", logical.Dot{},
			fmt.Sprintf("%s acknowledged request %s, which no leader had accepted", leader, requestID))
		return
	}
	q := h.requests[i]
	if q.acked.never() {
		q.acked = now
	}
	h.showings = append(h.showings, showing{when: now, since: q.sent.turn, client: q.client,
		leader: h.leaders.intern(leader), key: q.key, own: int32(i), Reading: after})
}

// Failed says that a client was told no, or gave up. The write may have been
// accepted all the same.
func (h *History) Failed(at time.Duration, requestID, why string) {
	h.tick(at)
	h.failed++
	if _, ok := h.byID[requestID]; !ok {
		h.gripe(at, Unasked, "", logical.Dot{},
			fmt.Sprintf("request %s failed (%s), and nobody had sent it", requestID, why))
	}
}

// Shown says that a client received the reply to a read.
func (h *History) Shown(at time.Duration, r Read) {
	now := h.tick(at)
	since := now.turn
	if i, ok := h.byID[r.Request]; ok {
		since = h.requests[i].sent.turn
	}
	c := h.clients.intern(r.Client)
	h.enrol(c, r.Session)
	h.showings = append(h.showings, showing{when: now, since: since, client: c,
		leader: h.leaders.intern(r.Leader), key: h.keys.intern(r.Key), own: -1, Reading: r.Reading})
}

// Applied says that a leader applied a dot, its own or a peer's. Only the first
// time counts. It is fed for every leader that can be observed, or for none: what
// a leader is not said to have applied, it is taken to lack.
func (h *History) Applied(at time.Duration, leader string, dot logical.Dot) {
	h.known = true
	h.applied = append(h.applied, application{h.leaders.intern(leader), dot, h.tick(at)})
}

// DiskLost says that a leader's disk was emptied or replaced by an older one.
// Whatever the leader had applied it lacks from now on, but for what it is said
// to have applied after this.
func (h *History) DiskLost(at time.Duration, leader string) {
	h.losses = append(h.losses, setback{h.leaders.intern(leader), h.tick(at)})
}

// Final says what a leader shows of a key after settling. A leader that is
// asked about any key shows nothing of those it is not asked about.
func (h *History) Final(leader, key string, r Reading) {
	h.keys.intern(key)
	h.finals[place{leader, key}] = r
	h.finalists[leader] = true
}

// tick moves on to the next event.
func (h *History) tick(at time.Duration) moment {
	h.turn++
	h.last = max(h.last, at)
	return moment{h.turn, at}
}

// enrol notes that a client carries a token.
func (h *History) enrol(client int32, session bool) {
	if session {
		h.sessions[client] = true
	}
}

func (h *History) gripe(at time.Duration, kind Contradict, key string, dot logical.Dot, why string) {
	h.gripes = append(h.gripes, Contradiction{At: at, Kind: kind, Key: key, Dot: dot, Why: why})
}

// names numbers strings in the order they are met.
type names struct {
	index map[string]int32
	list  []string
}

func (n *names) intern(s string) int32 {
	if i, ok := n.index[s]; ok {
		return i
	}
	if n.index == nil {
		n.index = map[string]int32{}
	}
	i := int32(len(n.list))
	n.index[s] = i
	n.list = append(n.list, s)
	return i
}
