package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// Violation is a moment at which a client got less than a session entitles to.
type Violation struct {
	Guarantee script.Guarantee
	Client    string
	Session   bool // the client carried a token: without one nothing was promised
	Key       string
	At        time.Duration
	Why       string
}

// watch follows what every client has learned.
type watch struct {
	j       *judge
	learned map[clientKey]*knowledge
	found   []Violation
	buf     []int32
}

type clientKey struct{ client, key int32 }

// knowledge is what one client knows of one key: its own acknowledged writes, and what
// it was shown.
type knowledge struct{ own, seen *trail }

// watchReadings checks every reading that reached a client against what the
// client had learned before.
func (j *judge) watchReadings() []Violation {
	w := &watch{j: j, learned: map[clientKey]*knowledge{}}
	for i := range j.g.h.Replies {
		w.reading(&j.g.h.Replies[i])
	}
	return w.found
}

func (w *watch) reading(s *history.Reply) {
	at := w.knowledge(s)
	w.buf = w.j.g.show(w.buf[:0], s.Key, s.Dots)
	shown := w.buf
	if u := w.unread(at, s, shown); u >= 0 {
		w.report(script.ReadYourWrites, s, shown, "older than its own acknowledged", u)
	}
	if u := at.seen.older(w, s, shown); u >= 0 {
		w.report(script.MonotonicReads, s, shown, "older than what it had been shown before,", u)
	}
	if s.Own >= 0 {
		at.own.learn(w.j.reach, w.j.g.h.Calls[s.Own].Update, s.When.Turn)
	}
	for _, u := range shown {
		at.seen.learn(w.j.reach, u, s.When.Turn)
	}
}

// unread is an own write that the reading is older than. An acknowledgement must
// reflect the write it acknowledges.
func (w *watch) unread(at *knowledge, s *history.Reply, shown []int32) int32 {
	if s.Own >= 0 {
		if u := w.j.g.h.Calls[s.Own].Update; w.precedes(shown, u, s) {
			return u
		}
	}
	return at.own.older(w, s, shown)
}

func (w *watch) knowledge(s *history.Reply) *knowledge {
	k := clientKey{s.Client, s.Key}
	at := w.learned[k]
	if at == nil {
		at = &knowledge{newTrail(), newTrail()}
		w.learned[k] = at
	}
	return at
}

// precedes reports whether the reading is of a time before u.
func (w *watch) precedes(shown []int32, u int32, s *history.Reply) bool {
	if len(shown) == 0 {
		return !w.explained(u, s)
	}
	return w.older(shown, u)
}

// older reports whether what is shown does not reflect u but something of u's past. A
// retried request may be carried out late, and no session promises that it is not. Where
// two retried requests crossed, no past is certain.
func (w *watch) older(shown []int32, u int32) bool {
	g, r := w.j.g, w.j.reach
	return !g.keys[g.h.Updates[u].KeyIndex].crossed && r.knows(u, shown) && !r.reflects(shown, u) && !slices.ContainsFunc(shown, g.retried) &&
		slices.ContainsFunc(shown, func(s int32) bool { return r.surely(u, s) })
}

// explained reports whether some delete accepted by then, u itself included, can be the
// reason that nothing is shown. Where deletes leave nothing behind, they take away what
// their author had been shown. Elsewhere any delete that u's author had not been shown
// may have won, and what remains of it may have been collected.
func (w *watch) explained(u int32, s *history.Reply) bool {
	g, r := w.j.g, w.j.reach
	keeps := g.serve(g.keys[s.Key].name).keeps
	for _, d := range slices.Backward(g.keys[s.Key].deletesBy(s.When.Turn)) {
		switch {
		case g.h.Updates[d].Acceptances[0].When.Turn > s.When.Turn:
		case d == u, g.retried(d), keeps && r.past(d, u), !keeps && !r.past(u, d):
			return true
		case keeps && g.rank[d] < g.rank[u] && !g.keys[s.Key].retried:
			return false
		}
	}
	return false
}

func (w *watch) report(kind script.Guarantee, s *history.Reply, shown []int32, how string, u int32) {
	g := w.j.g
	w.found = append(w.found, Violation{
		Guarantee: kind, Client: g.h.Clients.List[s.Client], Session: g.h.Sessions[s.Client],
		Key: g.keys[s.Key].name, At: s.When.At,
		Why: fmt.Sprintf("%s showed %s %s of %s, %s %s", g.h.Leaders.List[s.Leader], g.h.Clients.List[s.Client],
			w.j.labels(shown), g.keys[s.Key].name, how, g.label(u)),
	})
}

// labels names updates for people.
func (j *judge) labels(us []int32) string {
	if len(us) == 0 {
		return "nothing"
	}
	list := make([]string, len(us))
	for i, u := range us {
		list[i] = j.g.label(u)
	}
	return strings.Join(list, ", ")
}
