package repair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/resolve"
)

// Limits is what is chosen from outside. With the zero Limits rounds are made when somebody
// asks for one.
type Limits struct {
	Every time.Duration // from the beginning of one round to that of the next; 0: never
	Rate  int64         // bytes of objects that are read in a second at most; 0: no bound
}

// DefaultLimits is a round a day, at a rate that nobody notices.
func DefaultLimits() Limits { return Limits{Every: 24 * time.Hour, Rate: 8 << 20} }

// Validate says what cannot be.
func (l *Limits) Validate() error {
	if l.Every < 0 || l.Rate < 0 {
		return fmt.Errorf("compared every %s at %d bytes a second: neither can be below zero", l.Every, l.Rate)
	}
	return nil
}

// Config is what a service is told once.
type Config struct {
	Limits
	Name   string                 // the leader's
	Policy func() *resolve.Policy // what keys are folded under now
	Loop   *host.Loop
	Logger *slog.Logger

	// Send hands a message to a leader, and reports whether there was room and a link.
	Send func(to replica.Leader, body []byte) bool
	// Peers is the leaders that can be asked now.
	Peers func() []replica.Leader
}

// Service compares and answers. Its methods may be called from any goroutine.
type Service struct {
	cfg   Config
	round chan struct{} // who has put something in makes a round
	last  atomic.Uint64 // id given
	stats stats
	// agreeing is set while what is found comes from a change of the policy.
	agreeing atomic.Bool

	mu      sync.Mutex
	closed  bool
	waiting map[uint64]waiting
	serving map[replica.Leader]chan *message
	all     sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

// waiting is who waits for an answer.
type waiting struct {
	from   replica.Leader
	answer chan *message
}

// maxQuestions is how many questions of one leader wait; it asks one at a time.
const maxQuestions = 4

// New is a service that answers. Whoever made it calls Run, and Close.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, round: make(chan struct{}, 1), waiting: map[uint64]waiting{}, serving: map[replica.Leader]chan *message{}}
	s.last.Store(rand.Uint64())
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends all rounds and answers, and waits for them. The loop runs on until it returned.
func (s *Service) Close() {
	s.cancel()
	s.mu.Lock()
	s.closed = true
	for from, questions := range s.serving {
		close(questions)
		delete(s.serving, from)
	}
	s.mu.Unlock()
	s.all.Wait()
}

// Hear takes a message of another leader. It does not wait; what cannot be read, or comes
// from whoever does not wait for his answers, is dropped.
func (s *Service) Hear(from replica.Leader, body []byte) {
	m, err := decode(body)
	if err != nil {
		s.cfg.Logger.Warn("what another leader said of repair cannot be read", "leader", s.cfg.Name, "peer", string(from), "why", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.kind >= tellSymbols {
		if w, ok := s.waiting[m.id]; ok && w.from == from {
			delete(s.waiting, m.id)
			w.answer <- m
		}
		return
	}
	if s.closed {
		return
	}
	questions := s.serving[from]
	if questions == nil {
		questions = make(chan *message, maxQuestions)
		s.serving[from] = questions
		s.all.Go(func() { s.serve(s.ctx, from, questions) })
	}
	select {
	case questions <- m:
	default:
	}
}

// ask sends a question and waits for its answer, which must be of that kind.
func (r *run) ask(ctx context.Context, m *message, want kind) (*message, error) {
	m.id = r.last.Add(1)
	w := waiting{r.report.Peer, make(chan *message, 1)}
	r.mu.Lock()
	r.waiting[m.id] = w
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, m.id)
		r.mu.Unlock()
	}()
	if !r.cfg.Send(w.from, m.encode()) {
		return nil, errors.New("there is no link to it, or it runs a version that does not compare")
	}
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	select {
	case a := <-w.answer:
		switch a.kind {
		case want:
			return a, nil
		case tellRefused:
			return nil, errors.New(a.why)
		}
		return nil, errors.New("it answered something else than it was asked")
	case <-ctx.Done():
		return nil, fmt.Errorf("it does not answer: %w", ctx.Err())
	case <-r.ctx.Done():
		return nil, host.ErrStopped
	}
}

// Run makes rounds until Close.
func (s *Service) Run() {
	if s.cfg.Every == 0 {
		return
	}
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		for _, p := range s.cfg.Peers() {
			r, err := s.Round(s.ctx, p, Options{Rate: s.cfg.Rate})
			s.tell(p, r, err)
		}
		s.stats.rounds.Add(1)
	}
}

// tell says how a round of the background went.
func (s *Service) tell(p replica.Leader, r *Report, err error) {
	switch {
	case s.ctx.Err() != nil:
	case err != nil:
		s.cfg.Logger.Warn("not everything was compared with another leader", "leader", s.cfg.Name, "peer", string(p), "why", err.Error(), "next", "it is tried again in the next round")
	case len(r.Found) > 0:
		s.cfg.Logger.Warn("another leader held different things", "leader", s.cfg.Name, "peer", string(p), "keys", r.Keys,
			"mended", r.Found[Mended], "theirs", r.Found[Theirs], "undecided", r.Found[Undecided])
	default:
		s.cfg.Logger.Info("another leader holds the same", "leader", s.cfg.Name, "peer", string(p), "keys", r.Keys, "explained", r.Explained)
	}
}

// stats is counted since the process began.
type stats struct {
	rounds, keys, explained, mended, theirs, undecided, wrong atomic.Uint64
}

func (s *stats) count(o Outcome) {
	map[Outcome]*atomic.Uint64{Mended: &s.mended, Theirs: &s.theirs, Undecided: &s.undecided, Wrong: &s.wrong}[o].Add(1)
}

// Status is the counts as a leader shows them. A service that is nil has compared nothing.
func (s *Service) Status() console.RepairStatus {
	if s == nil {
		return console.RepairStatus{}
	}
	n := &s.stats
	return console.RepairStatus{Rounds: n.rounds.Load(), Keys: n.keys.Load(), Explained: n.explained.Load(),
		Mended: n.mended.Load(), Theirs: n.theirs.Load(), Undecided: n.undecided.Load()}
}
