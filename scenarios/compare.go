package scenarios

import (
	"cmp"
	"context"
	"sync"

	"kvd/resolve"
	"kvd/scenarios/script"
)

// Compare plays every scenario under every resolver, workers runs at a time,
// and returns the results by scenario, then resolver. done is called
// after each run; it may be nil. The first failure, or ctx, ends it.
func Compare(ctx context.Context, list []*script.Scenario, ids []resolve.ID, seed uint64, workers int, done func(finished, total int)) ([]*Result, error) {
	var mu sync.Mutex // of what follows
	results, finished, failure := make([]*Result, len(list)*len(ids)), 0, error(nil)
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return ctx.Err() != nil || failure != nil
	}
	InParallel(workers, len(results), stopped, func(i int) {
		r, err := Run(list[i/len(ids)], Options{Resolver: ids[i%len(ids)], Seed: seed})
		mu.Lock()
		defer mu.Unlock()
		results[i], failure = r, cmp.Or(failure, err)
		if finished++; done != nil {
			done(finished, len(results))
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
