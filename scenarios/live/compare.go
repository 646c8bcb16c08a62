package live

import (
	"context"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// Compare plays every scenario under every resolver, one run at a time, and
// returns the results by scenario, then resolver. before is told of each run; it
// may be nil. The first failure, or ctx, ends it.
func Compare(ctx context.Context, list []*script.Scenario, ids []resolve.ID, o Options, before func(finished int, s *script.Scenario, id resolve.ID)) ([]*scenarios.Result, error) {
	var results []*scenarios.Result
	for _, s := range list {
		for _, o.Resolver = range ids {
			if before != nil {
				before(len(results), s, o.Resolver)
			}
			r, err := Run(ctx, s, o)
			if err != nil {
				return results, err
			}
			results = append(results, r)
		}
	}
	return results, nil
}
