package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kvd/scenarios"
)

// total is one resolver over all scenarios.
type total struct {
	resolver                                    string
	runs                                        int
	acked, accounted, lost                      int
	inverted, concurrent                        int
	durability, resurrected, overcounted        int
	siblings                                    int // most in any scenario
	bytes                                       float64
	unconverged, expectationsBroken, promiseBad int
}

// totals sums results by resolver, in the order in which resolvers first
// appear.
func totals(blocks []Block) []total {
	var all []total
	for _, b := range blocks {
		for _, r := range b.Results {
			i := slices.IndexFunc(all, func(t total) bool { return t.resolver == r.Resolver })
			if i < 0 {
				i = len(all)
				all = append(all, total{resolver: r.Resolver})
			}
			all[i].add(r)
		}
	}
	return all
}

func (t *total) add(r *scenarios.Result) {
	t.runs++
	t.acked += r.Acked
	t.accounted += r.Accounted
	t.lost += r.Lost
	t.inverted += r.Inverted
	t.concurrent += r.Concurrent
	t.durability += r.Durability
	t.resurrected += r.Resurrected
	t.overcounted += r.Overcounted
	t.siblings = max(t.siblings, r.Siblings)
	t.bytes += r.MetadataBytesPerKey
	if !r.Converged {
		t.unconverged++
	}
	if r.Expectation == scenarios.Broken {
		t.expectationsBroken++
	}
	for _, p := range r.Promises {
		if !p.Held {
			t.promiseBad++
		}
	}
}

// meanBytes is the metadata of a key, averaged over scenarios.
func (t total) meanBytes() float64 { return t.bytes / float64(max(1, t.runs)) }

// byRule is what the resolver itself threw away.
func (t total) byRule() int { return t.inverted + t.concurrent }

// summary is the grid of totals.
func summary(all []total) *grid {
	g := &grid{columns: []column{
		{head: "resolver", left: true}, {head: "acked"}, {head: "accounted", split: "acc-/ounted"}, {head: "lost"},
		{head: "inverted", split: "in-/verted"}, {head: "concurrent", split: "con-/current"}, {head: "durability", split: "dura-/bility"},
		{head: "resurrected", split: "resur-/rected"}, {head: "overcounted", split: "over-/counted"},
		{head: "most siblings", split: "most/siblings"}, {head: "B/key"}, {head: "not converged", split: "not con-/verged"},
		{head: "expectations broken", split: "expectations/broken"}, {head: "promises broken", split: "promises/broken"},
	}}
	for _, t := range all {
		row := []string{t.resolver}
		for _, n := range []int{t.acked, t.accounted, t.lost, t.inverted, t.concurrent, t.durability, t.resurrected, t.overcounted, t.siblings} {
			row = append(row, thousands(n))
		}
		row = append(row, fmt.Sprintf("%.1f", t.meanBytes()))
		for _, n := range []int{t.unconverged, t.expectationsBroken, t.promiseBad} {
			row = append(row, thousands(n))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// moral says in one sentence what the totals show.
func moral(all []total) string {
	if len(all) == 0 {
		return "Nothing was played."
	}
	worst := slices.MaxFunc(all, func(a, b total) int { return cmp.Compare(a.share(), b.share()) })
	return lostMost(worst) + lostNone(all, worst) + gone(all) + "."
}

// share is the part of what was acknowledged that the rule threw away.
func (t total) share() float64 { return float64(t.byRule()) / float64(max(1, t.acked)) }

func lostMost(t total) string {
	if t.byRule() == 0 {
		return "No resolver threw away an acknowledged update"
	}
	text := fmt.Sprintf("Of %s, %s threw away %s (%.1f %%)", count(t.acked, "acknowledged update"), t.resolver, thousands(t.byRule()), 100*t.share())
	if t.inverted > 0 {
		text += fmt.Sprintf(", %s of them for something their own author had been shown", thousands(t.inverted))
	}
	return text
}

// lostNone names those who threw nothing away, and what that cost.
func lostNone(all []total, worst total) string {
	var names []string
	siblings, bytes := 0, 0.0
	for _, t := range all {
		if t.byRule() == 0 {
			names = append(names, t.resolver)
			siblings, bytes = max(siblings, t.siblings), max(bytes, t.meanBytes())
		}
	}
	if worst.byRule() == 0 || len(all) == 1 {
		return ""
	}
	if len(names) == 0 {
		return "; every resolver threw some away"
	}
	return fmt.Sprintf("; %s threw none away, and the reader pays with up to %s for one key and %.1f bytes of metadata a key (%s: %.1f)",
		list(names), count(siblings, "value"), bytes, worst.resolver, worst.meanBytes())
}

// gone speaks of what no rule decided.
func gone(all []total) string {
	var parts []string
	for _, class := range []struct {
		what string
		of   func(total) int
	}{
		{"gone though nothing beat them", func(t total) int { return t.durability }},
		{"deletes undone by something older", func(t total) int { return t.resurrected }},
		{"applied more than once", func(t total) int { return t.overcounted }},
	} {
		var each []string
		for _, t := range all {
			if n := class.of(t); n > 0 {
				each = append(each, fmt.Sprintf("%s under %s", thousands(n), t.resolver))
			}
		}
		if len(each) > 0 {
			parts = append(parts, class.what+": "+list(each))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, "; ")
}
