package explore

import (
	"math/rand/v2"
	"slices"
	"time"

	"kvd/resolve"
	"kvd/scenarios/script"
)

// configure draws how the leaders of the history are set up: which resolvers watch, how
// large queues are, and which keys have a resolver of their own. It has a random source
// of its own, so that what clients and faults do does not depend on it.
func (g *generator) configure(seed uint64) {
	own := generator{Rand: rand.New(rand.NewPCG(seed, 0x706f6c)), s: g.s, keys: g.keys, scale: g.scale}
	if seed%2 == 0 {
		g.s.Shadows = []string{script.ShadowAll} // the full panel watches every other history
	}
	own.settings(seed)
	if seed%3 == 2 {
		own.policies()
	}
}

// settings makes the queues of every fourth history so small that all of them fill, and
// gives others another drift guard or a shorter token wait.
func (g *generator) settings(seed uint64) {
	s := &g.s.Settings
	if seed%4 == 1 {
		s.GateOps, s.WindowOps, s.BatchOps, s.Waiting = script.Some(2), script.Some(8), script.Some(3), script.Some(1)
		return
	}
	switch { // where nothing is refused, hybrid clocks promise more
	case g.scale >= time.Second && g.chance(2):
		s.MaxDrift = script.Some(24 * time.Hour)
	case g.chance(5):
		s.MaxDrift = script.Some([]time.Duration{0, 50 * time.Millisecond, 10 * time.Second}[g.IntN(3)])
	}
	if g.chance(5) {
		s.TokenWait = script.Some([]time.Duration{0, 20 * time.Millisecond, 3 * time.Second}[g.IntN(3)])
	}
	if g.chance(8) {
		s.MaxSiblings = script.Some(1 + g.IntN(4))
	}
}

// policies gives some keys a resolver that is not the one under test: by their own
// prefix, by the empty one, or by one that a longer one takes keys from again.
func (g *generator) policies() {
	prefixes := append([]string{""}, g.keys...)
	g.Shuffle(len(prefixes), func(i, j int) { prefixes[i], prefixes[j] = prefixes[j], prefixes[i] })
	for _, p := range prefixes[:1+g.IntN(len(g.keys))] {
		g.s.Policies = append(g.s.Policies, script.Policy{Prefix: p, Resolver: g.resolver(), Pick: g.chance(3)})
	}
	slices.SortFunc(g.s.Policies, func(a, b script.Policy) int { return len(a.Prefix) - len(b.Prefix) })
}

func (g *generator) resolver() string {
	ids := resolve.IDs()
	return ids[g.IntN(len(ids))].String()
}
