package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kvd/scenarios"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

type total struct {
	resolver string
	runs     int
	bytes    float64 // of metadata a key, summed over runs
	siblings int     // most in any run

	oracle.Stats

	unconverged, expectationsBroken, promisesBroken int
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
	t.Sum(r.Stats)
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
			t.promisesBroken++
		}
	}
}

// meanBytes is the metadata of a key, averaged over scenarios.
func (t total) meanBytes() float64 { return t.bytes / float64(max(1, t.runs)) }

// byRule is what the resolver itself threw away.
func (t total) byRule() int { return t.Inverted + t.Concurrent }

// sums are the columns of the summary; the rare ones are left out when they
// are zero everywhere.
var sums = [...]struct {
	column
	rare bool
	of   func(total) int
}{
	{column{head: "acked"}, false, func(t total) int { return t.Acked }},
	{column{head: "accounted", split: "acc-/ounted"}, false, func(t total) int { return t.Accounted }},
	{column{head: "lost"}, false, func(t total) int { return t.Lost }},
	{column{head: "inverted", split: "in-/verted"}, false, func(t total) int { return t.Inverted }},
	{column{head: "concurrent", split: "con-/current"}, false, func(t total) int { return t.Concurrent }},
	{column{head: "durability", split: "dura-/bility"}, true, func(t total) int { return t.Durability }},
	{column{head: "resurrected", split: "resur-/rected"}, true, func(t total) int { return t.Resurrected }},
	{column{head: "overcounted", split: "over-/counted"}, true, func(t total) int { return t.Overcounted }},
	{column{head: "most siblings", split: "most/siblings"}, false, func(t total) int { return t.siblings }},
	{column{head: "not converged", split: "not con-/verged"}, false, func(t total) int { return t.unconverged }},
	{column{head: "expectations broken", split: "expectations/broken"}, false, func(t total) int { return t.expectationsBroken }},
	{column{head: "promises broken", split: "promises/broken"}, true, func(t total) int { return t.promisesBroken }},
}

func summary(all []total) *grid {
	g := &grid{columns: []column{{head: "resolver", left: true}, {head: "B/key"}}, rows: make([][]string, len(all))}
	for i, t := range all {
		g.rows[i] = []string{t.resolver, fmt.Sprintf("%.1f", t.meanBytes())}
	}
	for _, s := range sums {
		if s.rare && !slices.ContainsFunc(all, func(t total) bool { return s.of(t) != 0 }) {
			continue
		}
		g.columns = append(g.columns, s.column)
		for i, t := range all {
			g.rows[i] = append(g.rows[i], thousands(s.of(t)))
		}
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
func (t total) share() float64 { return float64(t.byRule()) / float64(max(1, t.Acked)) }

func lostMost(t total) string {
	if t.byRule() == 0 {
		return "No resolver threw away an acknowledged update"
	}
	text := fmt.Sprintf("Of %s, %s threw away %s (%.1f %%)", count(t.Acked, "acknowledged update"), t.resolver, thousands(t.byRule()), 100*t.share())
	if t.Inverted > 0 {
		text += fmt.Sprintf(", %s of them for something their own author had been shown", thousands(t.Inverted))
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
	if bytes == 0 && siblings <= 1 {
		return fmt.Sprintf("; %s threw none away", list(names))
	}
	price := fmt.Sprintf("%.1f bytes of metadata a key (%s: %.1f)", bytes, worst.resolver, worst.meanBytes())
	if siblings > 1 && bytes == 0 {
		price = fmt.Sprintf("up to %s for one key", count(siblings, "value"))
	} else if siblings > 1 {
		price = fmt.Sprintf("up to %s for one key and up to %s", count(siblings, "value"), price)
	}
	return fmt.Sprintf("; %s threw none away, and the price is %s", list(names), price)
}

// gone speaks of what no rule decided.
func gone(all []total) string {
	var parts []string
	for _, class := range []struct {
		what string
		of   func(total) int
	}{
		{"gone though nothing beat them", func(t total) int { return t.Durability }},
		{"deletes undone by something older", func(t total) int { return t.Resurrected }},
		{"applied more than once", func(t total) int { return t.Overcounted }},
	} {
		if each := under(all, class.of); each != "" {
			parts = append(parts, class.what+": "+each)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, "; ")
}

// under says how many of something there were under each resolver; empty: none.
func under(all []total, of func(total) int) string {
	var each []string
	same := len(all) > 1
	for _, t := range all {
		same = same && of(t) == of(all[0])
		if n := of(t); n > 0 {
			each = append(each, fmt.Sprintf("%s under %s", thousands(n), t.resolver))
		}
	}
	switch {
	case len(each) == 0:
		return ""
	case same:
		return thousands(of(all[0])) + " under every resolver"
	}
	return list(each)
}

// Outcome is what a set of results amounts to.
type Outcome uint8

// The outcomes, from the best to the worst.
const (
	Passed      Outcome = iota // every expectation and promise held
	Unconverged                // leaders still differ, and nobody expected that
	Broke                      // an expectation or a promise broke
)

// Judge is the worst that any of the results says. A row that an expectation
// foresaw is never held against the run.
func Judge(results []*scenarios.Result) Outcome {
	worst := Passed
	for _, r := range results {
		worst = max(worst, judge(r))
	}
	return worst
}

func judge(r *scenarios.Result) Outcome {
	otherPromise := slices.ContainsFunc(r.Promises, func(p scenarios.Promise) bool { return !p.Held && p.Check != string(script.CheckConverged) })
	switch {
	case otherPromise, r.Expectation == scenarios.Broken && r.Converged:
		return Broke
	case slices.ContainsFunc(r.Promises, func(p scenarios.Promise) bool { return !p.Held }):
		return Unconverged
	case !r.Converged && r.Expectation != scenarios.Held:
		return Unconverged
	}
	return Passed
}
