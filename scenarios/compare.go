package scenarios

import (
	"context"
	"sync"

	"kvd/resolve"
	"kvd/scenarios/script"
)

// Compare plays every scenario under every resolver, workers runs at a time,
// and returns the results by scenario, then resolver. done is called
// after each run; it may be nil. The first failure, or ctx, ends it.
func Compare(ctx context.Context, list []*script.Scenario, ids []resolve.ID, seed uint64, workers int, done func(finished, total int)) ([]*Result, error) {
	c := comparison{results: make([]*Result, len(list)*len(ids)), done: done}
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for i := range jobs {
				r, err := Run(list[i/len(ids)], Options{Resolver: ids[i%len(ids)], Seed: seed})
				c.finish(i, r, err)
			}
		})
	}
	for i := range c.results {
		if ctx.Err() != nil || c.failed() {
			break
		}
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	if c.err == nil {
		c.err = ctx.Err()
	}
	return c.results, c.err
}

// comparison gathers what the workers find.
type comparison struct {
	mu       sync.Mutex
	results  []*Result
	finished int
	err      error
	done     func(finished, total int)
}

func (c *comparison) finish(i int, r *Result, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results[i] = r
	c.finished++
	if c.err == nil {
		c.err = err
	}
	if c.done != nil {
		c.done(c.finished, len(c.results))
	}
}

func (c *comparison) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}
