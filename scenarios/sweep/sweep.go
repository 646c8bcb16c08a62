package sweep

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/sweep/curve"
)

// Config is a sweep.
type Config struct {
	Script    *script.Scenario
	Axis      Axis
	Resolvers []scenarios.Resolver
	Seeds     int    // how many runs each point is
	Seed      uint64 // the first; the others follow it
	Workers   int
	Done      func(finished, total int) // hears how far it is; nil: nobody does
}

// Run plays all runs. The first failure, or ctx, ends it.
func Run(ctx context.Context, c Config) (*curve.Curve, error) {
	if len(c.Axis.Values) == 0 || len(c.Resolvers) == 0 || c.Seeds < 1 {
		return nil, errors.New("a sweep needs a value, a resolver and a seed at least")
	}
	out := &curve.Curve{Scenario: c.Script.Name, Title: c.Script.Title, Axis: c.Axis.Name, Seeds: c.Seeds, Seed: c.Seed}
	runs := make([]run, len(c.Axis.Values)*len(c.Resolvers)*c.Seeds)
	var mu sync.Mutex // of what follows
	finished, failure := 0, error(nil)
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return ctx.Err() != nil || failure != nil
	}
	scenarios.InParallel(c.Workers, len(runs), stopped, func(i int) {
		r, err := c.play(i)
		mu.Lock()
		defer mu.Unlock()
		runs[i], failure = r, cmp.Or(failure, err)
		if finished++; c.Done != nil {
			c.Done(finished, len(runs))
		}
	})
	if err := cmp.Or(failure, ctx.Err()); err != nil {
		return nil, err
	}
	for i := 0; i < len(runs); i += c.Seeds {
		p := curve.Point{Value: c.Axis.Values[i/c.Seeds/len(c.Resolvers)].Text, Resolver: c.Resolvers[i/c.Seeds%len(c.Resolvers)].String()}
		sum(&p, runs[i:i+c.Seeds])
		out.Points = append(out.Points, p)
	}
	for _, id := range c.Resolvers {
		out.Begin(id.String())
	}
	return out, nil
}

// run is what one run lost.
type run struct{ acked, lost, inverted, concurrent int }

func (c *Config) play(i int) (run, error) {
	seed := c.Seed + uint64(i%c.Seeds)
	s, err := c.Axis.Apply(c.Script, c.Axis.Values[i/c.Seeds/len(c.Resolvers)], seed)
	if err != nil {
		return run{}, err
	}
	r, err := scenarios.Run(s, scenarios.Options{Resolver: c.Resolvers[i/c.Seeds%len(c.Resolvers)], Seed: seed})
	if err != nil {
		return run{}, err
	}
	return run{r.Acked, r.Lost, r.Inverted, r.Concurrent}, nil
}

func sum(p *curve.Point, runs []run) {
	var inverted, concurrent float64
	p.Least = runs[0].lost
	for _, r := range runs {
		p.Acked += float64(r.acked)
		p.Lost += float64(r.lost)
		inverted += float64(r.inverted)
		concurrent += float64(r.concurrent)
		p.Least, p.Most = min(p.Least, r.lost), max(p.Most, r.lost)
		if r.lost > 0 {
			p.Losing++
		}
	}
	for _, n := range []*float64{&p.Acked, &p.Lost, &inverted, &concurrent} {
		*n /= float64(len(runs))
	}
	p.Inverted, p.Concurrent = &inverted, &concurrent
}
