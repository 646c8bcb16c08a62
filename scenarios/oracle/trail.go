package oracle

import "slices"

// trail is what a client has learned of one key, in order: updates it wrote, or
// was shown. An update in the past of a later one is dropped when it is the last.
type trail struct {
	steps  []step
	member map[int32]bool
	asked  bool
	last   []int32 // the reading checked last
	upTo   int     // how many steps it was checked against
	hit    int     // the step it was older than, or -1
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
	t.upTo = min(t.upTo, n)
	if t.hit >= n {
		t.hit = -1
	}
	top := r.g.rank[u]
	if n > 0 {
		top = max(top, t.steps[n-1].top)
	}
	t.steps = append(t.steps, step{u, turn, top})
	t.member[u] = true
}

// older finds a step, learned before turn since, that the reading is older than,
// the newest first; -1 if there is none. A reading repeated is checked only
// against what is new.
func (t *trail) older(w *watch, s *showing, shown []int32) int32 {
	n := len(t.steps)
	for n > 0 && t.steps[n-1].turn >= s.since {
		n--
	}
	start := t.resume(shown, n)
	if start < 0 {
		return t.steps[t.hit].update
	}
	low := w.lowest(shown)
	t.asked, t.last, t.upTo, t.hit = true, append(t.last[:0], shown...), n, -1
	for i := n - 1; i >= start && t.steps[i].top > low; i-- {
		if w.older(shown, t.steps[i].update, s) {
			t.hit = i
			return t.steps[i].update
		}
	}
	return -1
}

// resume is the first step that the reading was not checked against, or -1 when
// the last answer stands. That nothing was shown may be explained later, so that
// is asked again.
func (t *trail) resume(shown []int32, n int) int {
	switch {
	case !t.asked || !slices.Equal(shown, t.last):
		return 0
	case t.hit < 0:
		return min(t.upTo, n)
	case len(shown) > 0 && t.hit < n:
		return -1
	}
	return 0
}
