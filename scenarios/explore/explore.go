package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
)

// Config is what to explore.
type Config struct {
	Seeds     int           // how many seeds
	First     uint64        // the first of them
	Resolvers []resolve.ID  // under which each is played
	Budget    time.Duration // begins no further seed after this; zero: no limit
	Workers   int           // runs at a time; at least one
	// Run plays one scenario; nil is scenarios.Run. Tests plant bugs through it.
	Run func(*script.Scenario, scenarios.Options) (*scenarios.Result, error)
	// MaxFailures begins no further seed once so many histories broke a promise; zero:
	// no bound. Failures of those under way are still reported.
	MaxFailures int
	// Keep lists what each run came to.
	Keep bool
	// Progress is called after every seed, and Found with every failure as soon as it is
	// shrunk, one at a time; each may be nil.
	Progress func(done, total, failures int)
	Found    func(*Failure)
}

// Validate fills in what was left out.
func (c *Config) Validate() error {
	switch {
	case c.Seeds < 1:
		return errors.New("explore: --seeds must be at least 1")
	case c.MaxFailures < 0:
		return errors.New("explore: --failures cannot be negative; 0 is no bound")
	}
	if len(c.Resolvers) == 0 {
		c.Resolvers = resolve.IDs()
	}
	if c.Run == nil {
		c.Run = scenarios.Run
	}
	return nil
}

// Report is what was found.
type Report struct {
	Runs     int // seeds times resolvers played
	Seeds    int
	Virtual  time.Duration // true time simulated
	Ops      int           // client requests
	Fired    world.Fired   // what the runs came upon
	Failures []Failure     // by seed, then resolver
	Stopped  bool          // Config.MaxFailures ended it
	Played   []Played      // by seed, then as in Config.Resolvers; with Config.Keep
}

// Played is what one run came to.
type Played struct {
	Seed        uint64
	Resolver    resolve.ID
	Acked, Lost int
	Broken      int // promises
}

// Failure is a history in which a promise broke.
type Failure struct {
	Seed     uint64
	Resolver resolve.ID
	Broken   []string         // what broke, in words
	Scenario *script.Scenario // the shrunk history
	Lines    int              // its events and set-up lines
}

// Replay is the command that plays the failure again from its seed.
func (f *Failure) Replay() string {
	return fmt.Sprintf("go run ./cmd/scenario explore --seed %d --seeds 1 --resolver %s", f.Seed, f.Resolver)
}

// Again is the command that plays the shrunk history from its text, in a file of its
// name: whatever else it depends on is in there.
func (f *Failure) Again() string {
	return fmt.Sprintf("scenario run %s.txtar --resolver %s", f.Scenario.Name, f.Resolver)
}

// Run explores the seeds. It stops early when ctx ends, with what it found.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	h := &hunt{Config: c, began: time.Now(), report: Report{Fired: world.Fired{}}}
	ended := func() bool { return ctx.Err() != nil || c.Budget > 0 && time.Since(h.began) > c.Budget || h.enough() }
	scenarios.InParallel(c.Workers, c.Seeds, ended, func(i int) { h.seed(c.First + uint64(i)) })
	slices.SortFunc(h.report.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Seed, b.Seed), cmp.Compare(a.Resolver, b.Resolver))
	})
	slices.SortStableFunc(h.report.Played, func(a, b Played) int { return cmp.Compare(a.Seed, b.Seed) })
	return h.report, nil
}

func (h *hunt) seed(seed uint64) {
	s := Generate(seed)
	for _, id := range h.Resolvers {
		if h.enough() {
			return
		}
		r, broken := h.play(s, id, seed)
		h.count(r)
		h.keep(Played{Seed: seed, Resolver: id, Broken: len(broken)}, r)
		if len(broken) > 0 {
			small := h.shrink(s, id, seed, broken)
			h.fail(Failure{Seed: seed, Resolver: id, Broken: words(broken), Scenario: small, Lines: len(small.Events) + len(small.Setup)})
		}
	}
	h.done()
}

// play runs one history and lists what broke.
func (h *hunt) play(s *script.Scenario, id resolve.ID, seed uint64) (*scenarios.Result, []scenarios.Promise) {
	r, err := h.Config.Run(s, scenarios.Options{Resolver: id, Seed: seed})
	if err != nil {
		return nil, []scenarios.Promise{{Check: "the run ends", Why: err.Error()}}
	}
	var broken []scenarios.Promise
	for _, p := range r.Promises {
		if !p.Held {
			broken = append(broken, p)
		}
	}
	return r, broken
}

func words(broken []scenarios.Promise) []string {
	var out []string
	for _, p := range broken {
		out = append(out, fmt.Sprintf("%s: %s", p.Check, p.Why))
	}
	return out
}

type hunt struct {
	Config
	began  time.Time
	mu     sync.Mutex
	report Report
}

func (h *hunt) count(r *scenarios.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Runs++
	if r != nil {
		h.report.Virtual += r.Virtual
		h.report.Ops += r.Ops
		h.report.Fired.Add(r.Fired)
	}
}

func (h *hunt) keep(p Played, r *scenarios.Result) {
	if !h.Keep {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r != nil {
		p.Acked, p.Lost = r.Acked, r.Lost
	}
	h.report.Played = append(h.report.Played, p)
}

func (h *hunt) fail(f Failure) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Failures = append(h.report.Failures, f)
	if h.Found != nil {
		h.Found(&f)
	}
}

// enough reports whether as many histories broke as were asked for.
func (h *hunt) enough() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.MaxFailures > 0 && len(h.report.Failures) >= h.MaxFailures {
		h.report.Stopped = true
	}
	return h.report.Stopped
}

func (h *hunt) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Seeds++
	if h.Progress != nil {
		h.Progress(h.report.Seeds, h.Seeds, len(h.report.Failures))
	}
}
