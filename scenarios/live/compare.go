package live

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// Untold is a run that real processes did not tell: its schedule slipped each time, or
// only the simulation can play it.
type Untold struct {
	Scenario string
	Resolver resolve.ID
	Err      error
}

// UntoldError names the runs that are missing from a comparison.
type UntoldError struct{ Runs []Untold }

func (e *UntoldError) Error() string {
	var each []string
	for _, u := range e.Runs {
		each = append(each, u.Err.Error())
	}
	return strings.Join(each, "; ")
}

// Names lists the runs.
func (e *UntoldError) Names() []string {
	var names []string
	for _, u := range e.Runs {
		names = append(names, fmt.Sprintf("%s under %s", u.Scenario, u.Resolver))
	}
	return names
}

// Compare plays every scenario under every resolver, one run at a time, and
// returns the results by scenario, then resolver. before is told of each run; it
// may be nil. Runs that cannot be told are left out and named by an UntoldError
// once all others are played. Any other failure, or ctx, ends it; the results until
// then are returned with it.
func Compare(ctx context.Context, list []*script.Scenario, ids []resolve.ID, o Options, before func(finished int, s *script.Scenario, id resolve.ID)) ([]*scenarios.Result, error) {
	var results []*scenarios.Result
	var untold []Untold
	if o.run == nil {
		o.run = Run
	}
	for _, s := range list {
		for _, o.Resolver = range ids {
			if before != nil {
				before(len(results)+len(untold), s, o.Resolver)
			}
			r, err := o.run(ctx, s, o)
			switch {
			case err == nil:
				results = append(results, r)
			case cannotBeTold(err):
				untold = append(untold, Untold{s.Name, o.Resolver, err})
			default:
				return results, err
			}
		}
	}
	if len(untold) > 0 {
		return results, &UntoldError{untold}
	}
	return results, nil
}

// cannotBeTold reports whether a run failed for what it is, while others may go well.
func cannotBeTold(err error) bool {
	var slipped *SlippedError
	return errors.Is(err, ErrOnly) || errors.As(err, &slipped)
}
