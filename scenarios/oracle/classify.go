package oracle

import (
	"slices"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// classify says why each lost update of a key is lost, and names a survivor.
func (j *judge) classify(k int32, r rule) {
	for _, u := range j.g.keys[k].updates {
		f := &j.fates[u]
		f.by = -1
		if f.accounted {
			continue
		}
		if !r.counter {
			f.class = j.class(u, r)
		}
		f.by = j.victor(u, f.class == Inverted || f.class == Resurrected)
	}
}

// class is why u is lost. The first question is whether it was beaten on acceptance by
// what its author had been shown, the second whether it is missing, the third what
// survives.
func (j *judge) class(u int32, r rule) Class {
	q := j.g.h.Updates[u]
	survivors := j.keys[q.KeyIndex].survivors
	switch {
	case j.perished(u):
		return Durability
	case !r.keeps && j.inverted(u):
		return Inverted
	case !r.keeps && !j.gone(u) && (!j.reach.knowsAll(u, survivors) || j.g.keys[q.KeyIndex].retried):
		return Concurrent
	case r.outlives && !j.gone(u) && len(survivors) > 0:
		return Inverted
	case q.Verb == script.OpDelete && j.reach.knows(u, survivors):
		return Resurrected
	}
	return Durability
}

// inverted reports whether u was beaten on acceptance by its own past, wherever it
// was accepted.
func (j *judge) inverted(u int32) bool {
	q := j.g.h.Updates[u]
	for i := range q.Acceptances {
		if !j.beatenOnAcceptance(u, &q.Acceptances[i], j.surelyShown) {
			return false
		}
	}
	return true
}

// beatenOnAcceptance reports whether the leader that accepted u did not show it right
// after, but something that its author had been shown by then, as had tells. Where
// nobody could see that, what survives in the end has to do.
func (j *judge) beatenOnAcceptance(u int32, a *history.AcceptanceAt, had func(over []logical.Dot, d logical.Dot) bool) bool {
	q := j.g.h.Updates[u]
	if a.Unseen {
		return j.reach.knows(u, j.keys[q.KeyIndex].survivors)
	}
	shown := j.g.show(nil, q.KeyIndex, a.After.Dots)
	if slices.Contains(shown, u) {
		return false
	}
	over := a.Over
	if q.Exact {
		over = q.Shown
	}
	return slices.ContainsFunc(a.After.Dots, func(d logical.Dot) bool { return had(over, d) })
}

// maybeShown reports whether who was shown the dots had been shown the update with
// dot d, under whatever dot and through whatever way.
func (j *judge) maybeShown(over []logical.Dot, d logical.Dot) bool {
	s, ok := j.g.h.ByDot[d]
	return ok && j.reach.reflects(j.g.show(nil, j.g.h.Updates[s].KeyIndex, over), s)
}

// surelyShown leaves out what depends on a request that was accepted again: its
// other dot, and what it had been shown at another leader.
func (j *judge) surelyShown(over []logical.Dot, d logical.Dot) bool {
	s, ok := j.g.h.ByDot[d]
	if !ok || slices.Contains(over, d) {
		return ok
	}
	base := j.g.show(nil, j.g.h.Updates[s].KeyIndex, over)
	return slices.ContainsFunc(base, func(b int32) bool { return j.reach.surely(b, s) })
}

// guessed reports whether nobody saw what beat u: how some acceptance of it went, or
// what it lost to though only its past is left, or whether its leader knew that
// something retried had seen what beat it. Why it is lost is then a guess.
func (j *judge) guessed(u int32) bool {
	key := j.g.h.Updates[u].KeyIndex
	if j.g.serve(j.g.keys[key].name).outlives && j.reach.knowsAll(u, j.keys[key].survivors) {
		return true
	}
	return slices.ContainsFunc(j.g.h.Updates[u].Acceptances, func(a history.AcceptanceAt) bool {
		return a.Unseen || j.beatenOnAcceptance(u, &a, j.maybeShown) != j.beatenOnAcceptance(u, &a, j.surelyShown)
	})
}

// victor is a survivor that u had been shown, or had not, else any, else -1.
func (j *judge) victor(u int32, older bool) int32 {
	survivors := j.keys[j.g.h.Updates[u].KeyIndex].survivors
	for _, s := range survivors {
		if s != u && j.reach.past(u, s) == older {
			return s
		}
	}
	if len(survivors) > 0 {
		return survivors[0]
	}
	return -1
}
