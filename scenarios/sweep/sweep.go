package sweep

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"kvd/scenarios"
	"kvd/scenarios/script"
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

// Curve is what the sweep came to. Its JSON form is that of --output json.
type Curve struct {
	Scenario string  `json:"scenario"`
	Title    string  `json:"title"`
	Axis     string  `json:"axis"`
	Seeds    int     `json:"seeds"`
	Seed     uint64  `json:"first_seed"`
	Command  string  `json:"command"` // that makes it again
	Points   []Point `json:"points"`  // by value, then resolver
	Begins   []Begin `json:"begins"`  // by resolver
}

// Point is one value under one resolver, over the seeds.
type Point struct {
	Value      string  `json:"value"`
	Resolver   string  `json:"resolver"`
	Acked      float64 `json:"acknowledged"` // mean
	Least      int     `json:"lost_least"`
	Lost       float64 `json:"lost_mean"`
	Most       int     `json:"lost_most"`
	Inverted   float64 `json:"inverted_mean"`
	Concurrent float64 `json:"concurrent_mean"`
	Losing     int     `json:"runs_that_lost"`
}

// Begin is the first value at which a resolver loses in any run; empty: at none.
type Begin struct {
	Resolver string `json:"resolver"`
	Value    string `json:"value"`
}

// Run plays all runs. The first failure, or ctx, ends it.
func Run(ctx context.Context, c Config) (*Curve, error) {
	if len(c.Axis.Values) == 0 || len(c.Resolvers) == 0 || c.Seeds < 1 {
		return nil, errors.New("a sweep needs a value, a resolver and a seed at least")
	}
	out := &Curve{Scenario: c.Script.Name, Title: c.Script.Title, Axis: c.Axis.Name, Seeds: c.Seeds, Seed: c.Seed}
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
		p := Point{Value: c.Axis.Values[i/c.Seeds/len(c.Resolvers)].Text, Resolver: c.Resolvers[i/c.Seeds%len(c.Resolvers)].String()}
		p.sum(runs[i : i+c.Seeds])
		out.Points = append(out.Points, p)
	}
	for _, id := range c.Resolvers {
		out.Begins = append(out.Begins, out.begin(id.String()))
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

func (p *Point) sum(runs []run) {
	p.Least = runs[0].lost
	for _, r := range runs {
		p.Acked += float64(r.acked)
		p.Lost += float64(r.lost)
		p.Inverted += float64(r.inverted)
		p.Concurrent += float64(r.concurrent)
		p.Least, p.Most = min(p.Least, r.lost), max(p.Most, r.lost)
		if r.lost > 0 {
			p.Losing++
		}
	}
	for _, n := range []*float64{&p.Acked, &p.Lost, &p.Inverted, &p.Concurrent} {
		*n /= float64(len(runs))
	}
}

func (c *Curve) begin(resolver string) Begin {
	for _, p := range c.Points {
		if p.Resolver == resolver && p.Most > 0 {
			return Begin{resolver, p.Value}
		}
	}
	return Begin{Resolver: resolver}
}

// of is the points of one resolver, in the order of values.
func (c *Curve) of(resolver string) []Point {
	var out []Point
	for _, p := range c.Points {
		if p.Resolver == resolver {
			out = append(out, p)
		}
	}
	return out
}
