package report

import (
	"slices"

	"kvd/scenarios"
	"kvd/scenarios/script"
)

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
	otherPromise := slices.ContainsFunc(r.Promises, func(p scenarios.Promise) bool { return !p.Held && !aboutConvergence(p) })
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

func aboutConvergence(p scenarios.Promise) bool { return p.Check == string(script.CheckConverged) }
