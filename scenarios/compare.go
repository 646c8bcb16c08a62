package scenarios

import (
	"cmp"
	"context"
	"sync"
	"time"

	"kvd/resolve"
	"kvd/scenarios/script"
)

// Watch is who is told how far a comparison is; any of it may be nil.
type Watch struct {
	Done func(finished, total int) // after each run
	// Along is told how far one run is, by whoever plays it: see world.Config.
	Along func(scenario string, under resolve.ID, at, end time.Duration, events int)
}

// Compare plays every scenario under every resolver, workers runs at a time,
// and returns the results by scenario, then resolver. done is called
// after each run; it may be nil. The first failure, or ctx, ends it.
func Compare(ctx context.Context, list []*script.Scenario, ids []resolve.ID, seed uint64, workers int, done func(finished, total int)) ([]*Result, error) {
	return Watch{Done: done}.Compare(ctx, list, ids, seed, workers)
}

// Compare is [Compare], watched.
func (w Watch) Compare(ctx context.Context, list []*script.Scenario, ids []resolve.ID, seed uint64, workers int) ([]*Result, error) {
	var mu sync.Mutex // of what follows
	results, finished, failure := make([]*Result, len(list)*len(ids)), 0, error(nil)
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return ctx.Err() != nil || failure != nil
	}
	InParallel(workers, len(results), stopped, func(i int) {
		s, o := list[i/len(ids)], Options{Resolver: ids[i%len(ids)], Seed: seed}
		if w.Along != nil {
			o.Along = func(at, end time.Duration, events int) { w.Along(s.Name, o.Resolver, at, end, events) }
		}
		r, err := Run(s, o)
		mu.Lock()
		defer mu.Unlock()
		results[i], failure = r, cmp.Or(failure, err)
		if finished++; w.Done != nil {
			w.Done(finished, len(results))
		}
	})
	return results, cmp.Or(failure, ctx.Err())
}

// InParallel does the first n of something, workers at a time, and begins no more once
// stopped says so. It returns when all that began have ended.
func InParallel(workers, n int, stopped func() bool, do func(i int)) {
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for i := range jobs {
				do(i)
			}
		})
	}
	for i := range n {
		if stopped() {
			break
		}
		jobs <- i
	}
	close(jobs)
	wg.Wait()
}
