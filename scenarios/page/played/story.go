package played

import (
	"fmt"
	"io"

	"kvd/scenarios"
	"kvd/scenarios/page"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
)

// Story is the story of one scenario under the resolvers of the results, which are all of
// it and have their traces and histories.
func Story(s *script.Scenario, results []*scenarios.Result) (*page.Story, error) {
	st := &page.Story{Name: s.Name, Title: s.Title, Prose: s.Prose, Zero: world.Instant(0).Time(), Lanes: lanes(s), Keys: s.Keys()}
	for _, r := range results {
		if r.Trace == nil || r.History == nil {
			return nil, fmt.Errorf("page of %s under %s: the result has no trace or no history", r.Scenario, r.Resolver)
		}
		if st.Again = fmt.Sprintf("scenario compare %s --seed %d", s.Name, r.Seed); r.Live {
			st.Again += " --live"
		}
		st.Runs = append(st.Runs, newRun(s, st, r).build())
	}
	return st, nil
}

// lanes puts the clients of each leader above it.
func lanes(s *script.Scenario) (all []page.Lane) {
	for _, n := range s.Leaders {
		home := len(all)
		for _, c := range s.Clients {
			if c.At == n {
				all = append(all, page.Lane{Name: c.Name})
			}
		}
		for i := home; i < len(all); i++ {
			all[i].Home = len(all)
		}
		all = append(all, page.Lane{Name: n, Leader: true, Home: page.None})
	}
	return all
}

func counts(r *scenarios.Result) page.Counts {
	return page.Counts{
		Acked: r.Acked, Accounted: r.Accounted, Lost: r.Lost, Inverted: r.Inverted, Concurrent: r.Concurrent, Durability: r.Durability,
		Resurrected: r.Resurrected, Overcounted: r.Overcounted, Siblings: r.Siblings, Session: r.Session, Converged: r.Converged,
	}
}

func promises(r *scenarios.Result) []page.Promise {
	var all []page.Promise
	for _, p := range r.Promises {
		all = append(all, page.Promise{Words: p.Check, Held: p.Held, Why: p.Why})
	}
	return all
}

// Write writes the page of one scenario under the resolvers of the results.
func Write(w io.Writer, s *script.Scenario, results []*scenarios.Result) error {
	st, err := Story(s, results)
	if err != nil {
		return err
	}
	return page.Write(w, st)
}
