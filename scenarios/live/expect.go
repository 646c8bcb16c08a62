package live

import (
	"slices"
	"strconv"

	"kvd/scenarios"
	"kvd/scenarios/script"
)

// tieSeeds is how many seeds of the simulation are asked for rows that chance
// allows.
const tieSeeds = 24

// expect holds the result against the script's table. Where stamps are equal a
// hash of the dot decides, and the origins of real leaders are random: a row that
// the simulation gives with some other seed is as good. Of a script that leaves
// to chance who has seen whom only the shape is expected.
func expect(r *scenarios.Result, s *script.Scenario, p Plan, o scenarios.Options) error {
	if r.Expectation != scenarios.Broken {
		return nil
	}
	if p.Loose {
		if shaped(r, s.Expect) {
			r.Expectation = scenarios.Held
		}
		return nil
	}
	for seed := range uint64(tieSeeds) {
		o.Seed = seed + 1
		sim, err := scenarios.Run(s, o)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(s.Expect.Columns, func(c string) bool { return r.Cell(c) != sim.Cell(c) }) {
			r.Expectation = scenarios.Held
			return nil
		}
	}
	return nil
}

// shaped compares as much of a row as does not hang on the moment: how many were
// acknowledged, whether hardly any, some or most of them were lost, in no other way than
// expected, and whether the leaders agree in the end.
func shaped(r *scenarios.Result, t script.Table) bool {
	for _, row := range t.Rows {
		if len(row) != len(t.Columns) || row[0] != r.Resolver {
			continue
		}
		cell := func(column string) int {
			n, err := strconv.Atoi(row[max(0, slices.Index(t.Columns, column))])
			if err != nil {
				return 0
			}
			return n
		}
		acked := cell("acked")
		return r.Acked == acked && share(r.Lost, acked) == share(cell("lost"), acked) &&
			share(r.Inverted, acked) == share(cell("inverted"), acked) && share(r.Concurrent, acked) == share(cell("concurrent"), acked) &&
			r.Durability+r.Resurrected+r.Overcounted == 0 && r.Cell("converged") == row[slices.Index(t.Columns, "converged")]
	}
	return false
}

// share is hardly any, some or most.
func share(n, of int) int {
	switch {
	case 2*n > of:
		return 2
	case 20*n > of:
		return 1
	}
	return 0
}
