package explore

import (
	"slices"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// maxTries bounds how many candidates one shrinking plays.
const maxTries = 400

// shrinker leaves out lines while the same promise stays broken, and no other
// breaks: a cluster that is cut for good breaks promises of its own.
type shrinker struct {
	h      *hunt
	id     resolve.ID
	seed   uint64
	broken []string // the checks that break; the first must go on breaking
	best   *script.Scenario
	tries  int
}

// shrink is the smallest history found in which the first promise still breaks.
func (h *hunt) shrink(s *script.Scenario, id resolve.ID, seed uint64, broken []scenarios.Promise) *script.Scenario {
	k := &shrinker{h: h, id: id, seed: seed, best: s.Clone()}
	for _, p := range broken {
		k.broken = append(k.broken, p.Check)
	}
	for k.pass() {
	}
	k.best.Title = "Shrunk from " + s.Title + ": breaks " + k.broken[0] + " under " + id.String()
	return k.best
}

// pass tries to leave out halves, quarters and at last single lines of each
// part, and reports whether anything could go.
func (k *shrinker) pass() bool {
	before := k.size()
	for n := max(1, len(k.best.Events)/2); ; n /= 2 {
		drop(k, n, func(s *script.Scenario) *[]script.Event { return &s.Events })
		if n == 1 {
			break
		}
	}
	drop(k, 1, func(s *script.Scenario) *[]script.Setup { return &s.Setup })
	drop(k, 1, func(s *script.Scenario) *[]script.Client { return &s.Clients })
	drop(k, 1, func(s *script.Scenario) *[]string { return &s.Leaders })
	drop(k, 1, func(s *script.Scenario) *[]script.Policy { return &s.Policies })
	k.plain()
	k.once()
	return k.size() < before
}

// drop tries to leave out every n lines of one part.
func drop[T any](k *shrinker, n int, part func(*script.Scenario) *[]T) {
	for i := 0; i < len(*part(k.best)); {
		c := k.best.Clone()
		lines := part(c)
		*lines = slices.Delete(*lines, i, min(i+n, len(*lines)))
		if !k.keep(c) {
			i += n
		}
	}
}

// plain tries the leaders' own settings, and nobody who watches.
func (k *shrinker) plain() {
	for _, drop := range []func(*script.Scenario){
		func(s *script.Scenario) { s.Shadows = nil },
		func(s *script.Scenario) { s.Settings = script.Settings{} },
	} {
		c := k.best.Clone()
		if drop(c); c.Settings != k.best.Settings || len(c.Shadows) != len(k.best.Shadows) {
			k.keep(c)
		}
	}
}

// once tries to let what repeats happen a single time.
func (k *shrinker) once() {
	for i := range k.best.Events {
		every, ok := k.best.Events[i].Trigger.(script.Every)
		if !ok {
			continue
		}
		c := k.best.Clone()
		c.Events[i].Trigger = script.At{Time: every.From}
		k.keep(c)
	}
}

// keep takes the candidate if it is a scenario and breaks the same promise.
func (k *shrinker) keep(c *script.Scenario) bool {
	if k.tries >= maxTries || c.Validate() != nil {
		return false
	}
	k.tries++
	_, broken := k.h.play(c, k.id, k.seed)
	same := false
	for _, p := range broken {
		if !slices.Contains(k.broken, p.Check) {
			return false
		}
		same = same || p.Check == k.broken[0]
	}
	if !same {
		return false
	}
	k.best = c
	return true
}

func (k *shrinker) size() int {
	return len(k.best.Events) + len(k.best.Setup) + len(k.best.Clients) + len(k.best.Leaders) + len(k.best.Policies)
}
