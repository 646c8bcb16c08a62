package source

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"kvd/wallclock"
)

// Keeper asks sources in turn, and reads a machine's clock with the error that they
// give it. Make it with [Keep], and end it with Close.
type Keeper struct {
	clock   Clock
	claim   time.Duration
	changed func(Report)
	best    atomic.Pointer[wallclock.Estimate] // nil: no source has answered yet
	stop    context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	asked  []asked
	report Report
	base   wallclock.Instant // the calendar clock less the stopwatch, in the round before
	at     wallclock.Mono
}

// asked is a source, and when it is asked again.
type asked struct {
	Source
	next time.Time // of the asking goroutine alone
	said State     // guarded
}

// State is what a source said when it was last asked.
type State struct {
	Name string
	Used bool // its answer is the one that counts
	// Ahead is how far true time was ahead of the calendar clock, where Unavailable is empty.
	Ahead       wallclock.Offset
	Reason      string // what the answer comes from
	Unavailable string // why there is none, and what to do about it
}

// Report is what a keeper knows.
type Report struct {
	// Source is the name of whose answer counts; "claim": of nobody's, since none has
	// answered yet. Age is how old that answer is; zero for a claim.
	Source string
	Age    time.Duration
	// Answers says that the source answered when it was last asked.
	Answers bool
	// Steps is how often the calendar clock was seen to be set, and Contradictions how often
	// an answer contradicted what was known.
	Steps, Contradictions int
	Sources               []State
}

// Claimed is the name of a clock whose error nobody measures.
const Claimed = "claim"

// round is how often a keeper looks whom to ask.
const round = time.Second

// stepped is what a calendar clock moves against the stopwatch when it is set; less is
// taken for slewing.
const stepped = 10 * time.Millisecond

// Keep asks all sources once, and then goes on to ask them. The first that answers counts.
// Until one has, claim is believed. changed is called after the first round, when another
// counts, when it answers no more or again, and when the clock was set; nil: nobody is told.
func Keep(ctx context.Context, clock Clock, claim time.Duration, sources []Source, changed func(Report)) *Keeper {
	k := &Keeper{clock: clock, claim: claim, changed: changed, done: make(chan struct{}), report: Report{Source: Claimed}}
	for _, s := range sources {
		k.asked = append(k.asked, asked{Source: s, said: State{Name: s.Name(), Unavailable: "not asked yet"}})
	}
	k.ask(ctx)
	ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	go k.run(ctx)
	return k
}

// Close ends the asking. What is known grows old from then on.
func (k *Keeper) Close() {
	k.stop()
	<-k.done
}

func (k *Keeper) run(ctx context.Context) {
	defer close(k.done)
	if len(k.asked) == 0 {
		return
	}
	tick := time.NewTicker(round)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.ask(ctx)
		}
	}
}

// Now reads the clocks. It allocates nothing, and may be called by anybody.
func (k *Keeper) Now() wallclock.Moment {
	m := k.clock()
	if best := k.best.Load(); best != nil {
		m.Wall, _ = best.At(m.Mono)
		return m
	}
	m.Wall = wallclock.Around(m.Wall.Midpoint(), k.claim)
	return m
}

// ask asks whose turn it is. Nothing is locked meanwhile: only one goroutine asks.
func (k *Keeper) ask(ctx context.Context) {
	chosen := -1
	for i := range k.asked {
		s := &k.asked[i]
		if now := time.Now(); !now.Before(s.next) {
			a, err := s.Sample(ctx, k.clock)
			if ctx.Err() != nil {
				return
			}
			s.next = time.Now().Add(s.Every())
			k.heard(i, a, err, chosen < 0)
		}
		if chosen < 0 && s.said.Unavailable == "" {
			chosen = i
		}
	}
	if k.choose(chosen) && k.changed != nil {
		k.changed(k.Report())
	}
}

// heard notes what a source said. An answer of the one that counts is taken.
func (k *Keeper) heard(i int, a Answer, err error, counts bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	said := State{Name: k.asked[i].Name()}
	if err != nil {
		said.Unavailable = err.Error()
		k.asked[i].said = said
		return
	}
	said.Ahead, said.Reason = a.Ahead, a.Reason
	k.asked[i].said = said
	if !counts {
		return
	}
	var before wallclock.Estimate
	if best := k.best.Load(); best != nil {
		before = *best
	}
	next, contradicted := before.Hear(a.Bound)
	if contradicted {
		k.report.Contradictions++
	}
	k.best.Store(&next)
}

// choose names whose answer counts, and sees whether the calendar clock was set. It reports
// whether anything changed.
func (k *Keeper) choose(chosen int) bool {
	m := k.clock()
	k.mu.Lock()
	defer k.mu.Unlock()
	before, first := k.report, k.base == 0
	base := m.Wall.Midpoint() - wallclock.Instant(m.Mono)
	slack := stepped + m.Mono.Sub(k.at)/1000
	if !first && base.Sub(k.base).Abs() > slack {
		k.report.Steps++
	}
	k.base, k.at = base, m.Mono
	if k.report.Answers = chosen >= 0; k.report.Answers {
		k.report.Source = k.asked[chosen].Name()
	}
	return first && len(k.asked) > 0 || before.Source != k.report.Source || before.Answers != k.report.Answers || before.Steps != k.report.Steps
}

// Report is what is known now.
func (k *Keeper) Report() Report {
	m := k.clock()
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.report
	if best := k.best.Load(); best != nil {
		at, _ := best.Heard()
		r.Age = m.Mono.Sub(at)
	}
	for i := range k.asked {
		state := k.asked[i].said
		state.Used = r.Answers && state.Name == r.Source
		r.Sources = append(r.Sources, state)
	}
	return r
}
