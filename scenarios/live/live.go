package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/live/attempt"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// Options is what a run depends on, in addition to the script.
type Options struct {
	Resolver resolve.ID
	Seed     uint64               // of the reference; real chance is nobody's to choose
	Binary   string               // the kvd program; see Build
	Dir      string               // folders of the leaders are made below it; empty: the system's temporary one
	Attempts int                  // how often a slipped schedule is played at most; zero: 6
	Logf     func(string, ...any) // told what goes on; nil: nobody

	// run plays one scenario in Run's place; tests of Compare set it.
	run func(context.Context, *script.Scenario, Options) (*scenarios.Result, error)
}

const defaultAttempts = 6

// ErrOnly is wrapped by refusals of scenarios that only the simulation can play.
var ErrOnly = errors.New("it can be played in the simulation only")

// SlippedError says that no attempt told the story.
type SlippedError struct {
	Attempts int
	Last     string // in what way the last one differed
}

func (e *SlippedError) Error() string {
	return fmt.Sprintf("the schedule slipped in all %d attempts, in the last: %s; leave the machine alone and try again", e.Attempts, e.Last)
}

// Run plays a scenario under one resolver against processes of its own, and ends
// them. It fails when the scenario cannot be played, a process dies, no attempt
// tells the story, or ctx ends.
func Run(ctx context.Context, s *script.Scenario, o Options) (*scenarios.Result, error) {
	r, err := run(ctx, s, o)
	if err != nil {
		return nil, fmt.Errorf("scenario %s under %s, live: %w", s.Name, o.Resolver, err)
	}
	return r, nil
}

func run(ctx context.Context, s *script.Scenario, o Options) (*scenarios.Result, error) {
	plan := PlanFor(s)
	if plan.Only != "" {
		return nil, fmt.Errorf("%w: %s", ErrOnly, plan.Only)
	}
	o.Seed = scenarios.SeedOf(s, o.Seed)
	so := scenarios.Options{Resolver: o.Resolver, Seed: o.Seed}
	policy, err := scenarios.Policy(s, so)
	if err != nil {
		return nil, err
	}
	p := player{o: o, policy: policy, script: s}
	if err := p.follow(plan); err != nil {
		return nil, err
	}
	if how := p.ref.Exact(&policy); how != "" && !plan.Loose {
		return nil, fmt.Errorf("%w: %s", ErrOnly, how)
	}
	if o.Attempts == 0 {
		p.o.Attempts = defaultAttempts
	}
	played, err := p.play(ctx)
	if err != nil {
		return nil, err
	}
	r, err := scenarios.Judge(p.scaled, so, *played)
	if err != nil {
		return nil, err
	}
	r.Live, r.Attempts = true, p.attempts
	return r, expect(r, p.scaled, p.plan, so)
}

// player plays one scenario until an attempt tells its story.
type player struct {
	o        Options
	plan     Plan
	policy   resolve.Policy
	script   *script.Scenario
	scaled   *script.Scenario // as the plan says
	ref      *attempt.Reference
	attempts int
	asking   sync.WaitGroup // requests without a reply yet
}

// follow begins to play as the plan says.
func (p *player) follow(plan Plan) (err error) {
	p.plan, p.scaled = plan, scale(p.script, plan.Factor)
	p.ref, err = attempt.Refer(p.scaled, p.policy, p.o.Seed)
	return err
}

func (p *player) logf(format string, args ...any) {
	if p.o.Logf != nil {
		p.o.Logf(format, args...)
	}
}

func (p *player) play(ctx context.Context) (*scenarios.Played, error) {
	slipped := ""
	for p.attempts < p.o.Attempts {
		p.attempts++
		began := time.Now()
		played, differs, err := p.attempt(ctx)
		if err != nil {
			return nil, err
		}
		p.logf("%s under %s: attempt %d took %s%s", p.scaled.Name, p.o.Resolver, p.attempts, time.Since(began).Round(time.Millisecond), said(differs))
		if differs == "" {
			return played, nil
		}
		slipped = differs
		if next := p.plan.slower(p.script); next.Factor > p.plan.Factor && !p.plan.Loose {
			if err := p.follow(next); err != nil {
				return nil, err
			}
		}
	}
	return nil, &SlippedError{p.attempts, slipped}
}

func said(differs string) string {
	if differs == "" {
		return ""
	}
	return " and slipped: " + differs
}

// attempt starts a cluster, plays the script on it, and ends it.
func (p *player) attempt(ctx context.Context) (played *scenarios.Played, differs string, err error) {
	dir, err := os.MkdirTemp(p.o.Dir, "kvd-live-")
	if err != nil {
		return nil, "", err
	}
	c := &cluster{binary: p.o.Binary, dir: filepath.Clean(dir), names: p.scaled.Leaders, policy: policyFlags(&p.policy), processes: map[string]*process{}, at: map[string]addrs{}}
	defer func() {
		err = errors.Join(err, c.close())
		p.asking.Wait() // processes that are gone answer no more
	}()
	if err := c.startAll(ctx); err != nil {
		return nil, "", err
	}
	played, differs, err = p.perform(ctx, c)
	return played, differs, errors.Join(err, c.dead())
}

func policyFlags(p *resolve.Policy) []string {
	flags := []string{"--resolver", p.Default.String()}
	for _, r := range p.Rules {
		rule := strings.ReplaceAll(r.Prefix, ",", `\,`) + "=" + r.Resolver.String()
		if r.Pick {
			rule += ",read=pick"
		}
		if r.CommitWait {
			rule += ",commit-wait"
		}
		if r.Acks > 0 {
			rule += ",acks=" + strconv.Itoa(r.Acks)
		}
		rule += ",doomed=" + r.Doomed.String()
		flags = append(flags, "--policy", rule)
	}
	if p.Shadows != 0 {
		flags = append(flags, "--shadow", strings.Join(p.Shadows.Names(), ","))
	}
	return flags
}

// How much longer than its script a play may take, for clients that wait, and how
// long leaders may take to agree at least.
const (
	overtime   = 15 * time.Second
	settleTime = 15 * time.Second
)

// perform plays the script on machines that run, and gathers what came of it.
func (p *player) perform(ctx context.Context, m machines) (*scenarios.Played, string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := newDriver(p.scaled, m, func(key string) bool { return p.policy.Panel(key).Serving == resolve.Counter })
	d.before, d.asking = p.ref.Before, &p.asking
	if err := d.prepare(); err != nil {
		return nil, "", err
	}
	d.until = last(p.scaled) + overtime
	stop := d.begin(ctx)
	err := d.play(ctx)
	if err == nil {
		d.settle(ctx, d.alive(), max(p.scaled.Settle, settleTime))
		err = ctx.Err()
	}
	stop()
	if err != nil {
		return nil, "", err
	}
	if err := d.findUnanswered(d.alive()); err != nil {
		return nil, "", err
	}
	return p.gather(d, d.alive())
}

// gather inspects the leaders and puts the history together.
func (p *player) gather(d *driver, alive []string) (*scenarios.Played, string, error) {
	in, err := d.inspect(alive, p.scaled.Keys())
	if err != nil {
		return nil, "", err
	}
	took := d.rec.Now()
	h, t := d.rec.Assemble(in.nodes, func(key string) resolve.ID { return p.policy.Panel(key).Serving })
	for _, s := range in.shown {
		h.Final(s.leader, s.key, s.Reading)
		t.Add(trace.Event{At: took, Kind: trace.Final, Where: s.leader, Key: s.key, Values: s.Values, Dots: s.Dots})
	}
	differs := ""
	if !p.plan.Loose {
		differs = p.ref.Differs(d.rec.Evidence())
	}
	// A drift guard's refusal is not told by a leader; where one is expected the
	// reference has it.
	return &scenarios.Played{History: h, Trace: t, Values: in.values, Nodes: in.nodes, Refused: p.ref.Refused,
		Took: took, Requests: int(d.requests.Load())}, differs, nil
}
