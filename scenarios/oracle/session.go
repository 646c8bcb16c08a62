package oracle

import (
	"fmt"
	"math"
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

// trail is what a client has learned of one key, in order: updates it wrote, or
// was shown. An update in the past of a later one is dropped when it is the last.
type trail struct {
	steps  []step
	member map[int32]bool
	last   []int32 // the reading checked last that showed something
	upTo   int     // how many steps it was checked against
	hit    int     // the step it was older than, or -1

	explained int // of this many steps a delete explains that nothing is shown
}

// step is one update and when the client learned of it.
type step struct {
	update int32
	turn   int32
	top    int32 // the greatest rank up to here
}

func newTrail() *trail { return &trail{member: map[int32]bool{}, hit: -1} }

// learn appends u, unless that is no news.
func (t *trail) learn(r *reach, u, turn int32) {
	if t.member[u] {
		return
	}
	n := len(t.steps)
	if n > 0 && r.past(t.steps[n-1].update, u) {
		return
	}
	for n > 0 && r.past(u, t.steps[n-1].update) {
		n--
		delete(t.member, t.steps[n].update)
	}
	t.steps = t.steps[:n]
	t.upTo, t.explained = min(t.upTo, n), min(t.explained, n)
	if t.hit >= n {
		t.hit, t.last = -1, t.last[:0] // steps below the hit were never checked
	}
	top := r.g.rank[u]
	if n > 0 {
		top = max(top, t.steps[n-1].top)
	}
	t.steps = append(t.steps, step{u, turn, top})
	t.member[u] = true
}

// older finds a step, learned before turn since, that the reading is older than,
// the newest first; -1 if there is none.
func (t *trail) older(w *watch, s *history.Reply, shown []int32) int32 {
	n := len(t.steps)
	for n > 0 && t.steps[n-1].turn >= s.Since {
		n--
	}
	if len(shown) == 0 {
		return t.unexplained(w, s, n)
	}
	return t.ahead(w, shown, n)
}

// unexplained is one of the first n steps of which nothing is shown and no delete
// explains that. Once explained, a step stays so.
func (t *trail) unexplained(w *watch, s *history.Reply, n int) int32 {
	for i := n - 1; i >= t.explained; i-- {
		if u := t.steps[i].update; !w.explained(u, s) {
			return u
		}
	}
	t.explained = max(t.explained, n)
	return -1
}

// ahead is one of the first n steps that what is shown is older than. A reading
// repeated is checked only against what is new.
func (t *trail) ahead(w *watch, shown []int32, n int) int32 {
	start := 0
	if slices.Equal(shown, t.last) {
		switch {
		case t.hit < 0:
			start = t.upTo
		case t.hit < n:
			return t.steps[t.hit].update
		} // else the hit does not oblige this reading, and steps below it were never checked
	}
	low := w.j.g.lowest(shown)
	t.last, t.upTo, t.hit = append(t.last[:0], shown...), n, -1
	for i := n - 1; i >= start && t.steps[i].top > low; i-- {
		if w.older(shown, t.steps[i].update) {
			t.hit = i
			return t.steps[i].update
		}
	}
	return -1
}

// requirements is, for one client, what every leader must have applied before it
// applies the client's next write.
type requirements struct {
	writes []requirement // by leader: the client's own acknowledged writes
	reads  []requirement // by leader: what it had been shown
}

// requirement is the latest of what a leader must have applied before.
type requirement struct {
	turn   int32 // when it was applied there; math.MaxInt32: never
	update int32
}

// watchOrder checks, where it is known who applied what, that no leader applies
// a client's write before the client's earlier ones or before what it had been
// shown.
func (j *judge) watchOrder() []Violation {
	h := j.g.h
	if !h.AppliedKnown {
		return nil
	}
	byClient := make([]requirements, len(h.Clients.List))
	var found []Violation
	next := 0
	for _, q := range h.Calls {
		for ; next < len(h.Replies) && h.Replies[next].When.Turn < q.SentAt.Turn; next++ {
			s := &h.Replies[next]
			j.require(&byClient[s.Client], s)
		}
		if q.Update >= 0 {
			found = j.checkOrder(found, q, script.MonotonicWrites, byClient[q.ClientIndex].writes)
			found = j.checkOrder(found, q, script.WritesFollowReads, byClient[q.ClientIndex].reads)
		}
	}
	return found
}

// require adds what a reply told the client.
func (j *judge) require(d *requirements, s *history.Reply) {
	if s.Own >= 0 {
		d.writes = j.raise(d.writes, j.g.h.Calls[s.Own].Update)
	}
	for _, u := range j.g.show(nil, s.Key, s.Dots) {
		if j.g.h.Updates[u].ClientIndex != s.Client {
			d.reads = j.raise(d.reads, u)
		}
	}
}

func (j *judge) raise(row []requirement, u int32) []requirement {
	if row == nil {
		row = make([]requirement, len(j.applied))
	}
	for l, times := range j.applied {
		if times == nil {
			continue
		}
		turn := times[u].Turn
		if times[u].Never() {
			turn = math.MaxInt32
		}
		if turn > row[l].turn {
			row[l] = requirement{turn, u}
		}
	}
	return row
}

// checkOrder holds the moments at which leaders applied the write against their
// requirements.
func (j *judge) checkOrder(found []Violation, q *history.Call, kind script.Guarantee, row []requirement) []Violation {
	for l, d := range row {
		if j.applied[l] == nil {
			continue
		}
		when := j.applied[l][q.Update]
		if when.Never() || when.Turn >= d.turn || d.update == q.Update {
			continue
		}
		what := "its author's earlier"
		if kind == script.WritesFollowReads {
			what = "what its author had been shown,"
		}
		h := j.g.h
		found = append(found, Violation{
			Guarantee: kind, Client: q.Client, Session: h.Sessions[q.ClientIndex], Key: q.Key, At: when.At,
			Why: fmt.Sprintf("%s applied %s before %s %s", h.Leaders.List[l], q.Name(), what, j.g.label(d.update)),
		})
	}
	return found
}
