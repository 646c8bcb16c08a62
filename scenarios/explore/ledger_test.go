package explore

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/storage/losses"
)

// tiny is room for a few rows, or for rows of the last moments.
func tiny(seed uint64) losses.Retention {
	return []losses.Retention{
		{Batch: 1, Bytes: 500, Value: 4},
		{Batch: 3, Bytes: 3000, Value: 100},
		{Batch: 2, Bytes: 100},
		{Batch: 1, Age: 700 * time.Millisecond, Bytes: 5000},
	}[seed%4]
}

// TestFullLedgersAddUp explores with ledgers that hold next to nothing: everything
// but their agreement with the oracle still holds, and what they inserted is held,
// retracted or evicted, whatever crashed.
func TestFullLedgersAddUp(t *testing.T) {
	var evicted, retracted, held atomic.Int64
	run := func(s *script.Scenario, o scenarios.Options) (*scenarios.Result, error) {
		o.Ledger = tiny(o.Seed)
		r, err := scenarios.Run(s, o)
		if err == nil {
			for _, n := range r.Ledgers {
				evicted.Add(n.Evicted.Rows)
				retracted.Add(n.Retracted.Sum())
				held.Add(n.Rows)
			}
		}
		return r, err
	}
	r, err := Run(context.Background(), Config{Seeds: seeds(t), First: 1, Workers: 2, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Failures {
		t.Errorf("seed %d under %s: %s\n%s", f.Seed, f.Resolver, strings.Join(f.Broken, "\n"), f.Scenario.Print())
	}
	t.Logf("%d runs: %d rows evicted, %d verdicts retracted, %d rows held", r.Runs, evicted.Load(), retracted.Load(), held.Load())
	if evicted.Load() == 0 || retracted.Load() == 0 || held.Load() == 0 {
		t.Error("these histories show nothing")
	}
}
