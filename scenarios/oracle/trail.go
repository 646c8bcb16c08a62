package oracle

import (
	"slices"

	"kvd/scenarios/history"
)

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
