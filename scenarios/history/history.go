package history

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"kvd/logical"
	"kvd/scenarios/script"
)

// History is what clients could tell of a run. It is fed by its methods in order of
// true time; every time is since the scenario's zero. It keeps the slices it is given:
// nobody may change them afterwards. Its fields are for those who judge it to read.
type History struct {
	Calls          []*Call               // by first attempt
	Updates        []*Call               // the calls that have a dot, by first acceptance
	ByDot          map[logical.Dot]int32 // the index among Updates
	Leaders        Names                 // those that took part
	Clients        Names
	Keys           Names
	Sessions       map[int32]bool // clients that carry a token, by index among Clients
	Applications   []Application  // in order
	AppliedKnown   bool           // Applied was called: what a leader is not said to have applied, it lacks
	DiskLosses     []DiskLoss     // in order
	Replies        []Reply        // in order
	Finals         map[LeaderKey]Reading
	Contradictions []Contradiction // those found while the history was fed
	Failures       int
	Refusals       int           // of Failures: those that a leader answered with an error
	Turns          int32         // how many events there were
	End            time.Duration // the time of the last event

	byID      map[string]int // the index among Calls
	finalists map[string]bool
}

// New is an empty history.
func New() *History {
	return &History{
		byID:      map[string]int{},
		ByDot:     map[logical.Dot]int32{},
		Sessions:  map[int32]bool{},
		Finals:    map[LeaderKey]Reading{},
		finalists: map[string]bool{},
	}
}

// Sent says that a client made one attempt at a request.
func (h *History) Sent(at time.Duration, r Request) {
	now := h.tick(at)
	if i, again := h.byID[r.ID]; again {
		if old := h.Calls[i]; old.Key != r.Key || old.Verb != r.Verb || old.Client != r.Client {
			h.contradict(at, Reused, r.Key, logical.Dot{},
				fmt.Sprintf("%s of %s by %s was sent as request %s, which is %s of %s by %s", r.Verb, r.Key, r.Client, r.ID, old.Verb, old.Key, old.Client))
		}
		return
	}
	h.byID[r.ID] = len(h.Calls)
	q := &Call{Request: r, SentAt: now, Update: -1, KeyIndex: h.Keys.intern(r.Key), ClientIndex: h.Clients.intern(r.Client)}
	h.Calls = append(h.Calls, q)
	h.noteSession(q.ClientIndex, r.Session)
}

// Accepted says that a leader made a request an op and has it durably, whether
// or not the reply gets through. One request may be accepted at several leaders.
func (h *History) Accepted(at time.Duration, leader, requestID string, a Acceptance) {
	now := h.tick(at)
	i, ok := h.byID[requestID]
	if !ok || h.Calls[i].Verb == script.OpGet {
		h.contradict(at, Unasked, "", a.Dot,
			fmt.Sprintf("%s accepted request %s as %s, and nobody had sent such a write", leader, requestID, a.Dot))
		return
	}
	q := h.Calls[i]
	l := h.Leaders.intern(leader)
	h.Applications = append(h.Applications, Application{l, a.Dot, now})
	if u, taken := h.ByDot[a.Dot]; taken {
		if h.Updates[u] != q {
			h.contradict(at, Reused, q.Key, a.Dot,
				fmt.Sprintf("%s gave %s the dot %s, which already names %s", leader, q.Name(), a.Dot, h.Updates[u].Name()))
		}
		return
	}
	if q.Update < 0 {
		q.Update = int32(len(h.Updates))
		h.Updates = append(h.Updates, q)
	}
	h.ByDot[a.Dot] = q.Update
	q.Acceptances = append(q.Acceptances, AcceptanceAt{a, l, now})
}

// Acked says that a client received the reply to its write, and what the reply
// showed of the key.
func (h *History) Acked(at time.Duration, requestID, leader string, after Reading) {
	now := h.tick(at)
	i, ok := h.byID[requestID]
	if !ok || h.Calls[i].Update < 0 {
		h.contradict(at, Unasked, "", logical.Dot{},
			fmt.Sprintf("%s acknowledged request %s, which no leader had accepted", leader, requestID))
		return
	}
	q := h.Calls[i]
	if q.AckedAt.Never() {
		q.AckedAt = now
	}
	h.Replies = append(h.Replies, Reply{When: now, Since: q.SentAt.Turn, Client: q.ClientIndex,
		Leader: h.Leaders.intern(leader), Key: q.KeyIndex, Own: int32(i), Reading: after})
}

// Failed says that a client was told no, or gave up. The write may have been
// accepted all the same.
func (h *History) Failed(at time.Duration, requestID, why string) {
	h.tick(at)
	h.Failures++
	if _, ok := h.byID[requestID]; !ok {
		h.contradict(at, Unasked, "", logical.Dot{},
			fmt.Sprintf("request %s failed (%s), and nobody had sent it", requestID, why))
	}
}

// Refused says that a leader answered a request with an error.
func (h *History) Refused(at time.Duration, requestID, why string) {
	h.Refusals++
	h.Failed(at, requestID, why)
}

// Shown says that a client received the reply to a read.
func (h *History) Shown(at time.Duration, r Read) {
	now := h.tick(at)
	since := now.Turn
	if i, ok := h.byID[r.Request]; ok {
		since = h.Calls[i].SentAt.Turn
	}
	c := h.Clients.intern(r.Client)
	h.noteSession(c, r.Session)
	h.Replies = append(h.Replies, Reply{When: now, Since: since, Client: c,
		Leader: h.Leaders.intern(r.Leader), Key: h.Keys.intern(r.Key), Own: -1, Reading: r.Reading})
}

// Applied says that a leader applied a dot, its own or a peer's. Only the first
// time counts. It is fed for every leader that can be observed, or for none: what
// a leader is not said to have applied, it is taken to lack.
func (h *History) Applied(at time.Duration, leader string, dot logical.Dot) {
	h.AppliedKnown = true
	h.Applications = append(h.Applications, Application{h.Leaders.intern(leader), dot, h.tick(at)})
}

// DiskLost says that a leader's disk was emptied or replaced by an older one.
// Whatever the leader had applied it lacks from now on, but for what it is said
// to have applied after this.
func (h *History) DiskLost(at time.Duration, leader string) {
	h.DiskLosses = append(h.DiskLosses, DiskLoss{h.Leaders.intern(leader), h.tick(at)})
}

// Final says what a leader shows of a key after settling. A leader that is
// asked about any key shows nothing of those it is not asked about.
func (h *History) Final(leader, key string, r Reading) {
	h.Keys.intern(key)
	h.Finals[LeaderKey{leader, key}] = r
	h.finalists[leader] = true
}

func (h *History) tick(at time.Duration) Moment {
	h.Turns++
	h.End = max(h.End, at)
	return Moment{h.Turns, at}
}

func (h *History) noteSession(client int32, session bool) {
	if session {
		h.Sessions[client] = true
	}
}

func (h *History) contradict(at time.Duration, kind ContradictionKind, key string, dot logical.Dot, why string) {
	h.Contradictions = append(h.Contradictions, Contradiction{At: at, Kind: kind, Key: key, Dot: dot, Why: why})
}

// FinalLeaders lists the leaders that were asked at the end, by name.
func (h *History) FinalLeaders() []string { return slices.Sorted(maps.Keys(h.finalists)) }
