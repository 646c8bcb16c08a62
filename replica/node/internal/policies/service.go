package policies

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/host/refold"
	"kvd/storage"
	"kvd/wallclock"
)

// Changing is why a leader takes no writes whose policy is being changed.
const Changing replica.Cause = "policy-change"

// Loop is of the leader's loop what a change needs.
type Loop interface {
	RefuseWrites(replica.Refusal)
	AllowWrites(replica.Cause)
	Status() *host.Status
	Frontier() logical.Frontier
	Now() wallclock.Instant
	Snapshot(use func(*storage.Snapshot, logical.Frontier) error) error
	Done() <-chan struct{}
}

// Config is what the service is told once.
type Config struct {
	Leader string
	Dir    string // beside the store; empty: nothing outlives the process
	*Setting

	Loop  Loop
	Fits  func(Version) error // why the leader could not tell others of it; nil: it could
	Whole func() error        // why this leader takes part in no change now; nil: it does
	// Members is the others that are not forgotten and have not left, by name.
	Members func() []replica.Leader
	Dial    func(context.Context, replica.Leader) (net.Conn, error)
	Retry   time.Duration // how long to wait before it tries again to go over to a policy that it cannot go over to
	Again   func()        // begin again, under Adopted; nil: nobody would start this leader
	Logger  *slog.Logger
}

// Service takes part in changes, and begins them. Whoever made it must call Close.
type Service struct {
	cfg     Config
	ctx     context.Context
	end     context.CancelFunc
	all     sync.WaitGroup
	meeting atomic.Bool

	mu      sync.Mutex
	closed  bool
	holder  *session // whose change this leader's writes are held back for
	adopted Version
	behind  string // what another leader serves under, and why this one does not; empty: nothing
}

// New takes part from now on.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg}
	s.ctx, s.end = context.WithCancel(context.Background())
	if cfg.Refused.Number > 0 {
		s.behind = fmt.Sprintf("this leader could not go over to the policy of %s: %s", cfg.Refused, cfg.Why)
	}
	return s
}

// Close ends whatever is under way.
func (s *Service) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.all.Wait()
}

// spawn runs f unless the service is closed.
func (s *Service) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.all.Go(f)
	}
	return !s.closed
}

// Version is what this leader serves under.
func (s *Service) Version() Version { return s.cfg.Version }

// Adopted is what the next incarnation serves under.
func (s *Service) Adopted() Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.adopted.Number > 0 {
		return s.adopted
	}
	return s.cfg.Version
}

// Behind is which policy other leaders have gone over to and this one cannot, and why; empty:
// there is none.
func (s *Service) Behind() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behind
}

func (s *Service) setBehind(text string) {
	s.mu.Lock()
	told := text == s.behind
	s.behind = text
	s.mu.Unlock()
	if !told && text != "" {
		s.cfg.Logger.Error("serves under a policy that others have left, and is not linked to them", "leader", s.cfg.Leader, "why", text)
	}
}

// session is one change as one leader takes part in it. It belongs to one goroutine.
type session struct {
	*Service
	by string // who wants it
}

// try says why this leader cannot go over to the policy. Base is what it must serve under now;
// nil: that does not matter.
func (c *session) try(ctx context.Context, v Version, base *string) error {
	switch own := c.cfg.Policy.String(); {
	case c.cfg.Again == nil:
		return errors.New("nobody would start this leader again, and a policy counts from a start on: kvd serve and kvd dev do")
	case c.Adopted() != c.cfg.Version:
		return fmt.Errorf("it is just going over to the policy of %s", c.Adopted())
	case base != nil && *base != own:
		return fmt.Errorf("it serves under another policy already: %s", own)
	case !v.After(c.cfg.Version):
		return fmt.Errorf("it serves under a later policy already: %s", c.cfg.Version)
	}
	to, err := v.Of(c.cfg.Policy)
	if err == nil {
		err = errors.Join(c.cfg.Whole(), c.cfg.Fits(v))
	}
	if err != nil {
		return err
	}
	goes := func() error {
		select {
		case <-c.cfg.Loop.Done():
			return errors.New("it stops")
		default:
			return errors.Join(ctx.Err(), c.ctx.Err())
		}
	}
	err = c.cfg.Loop.Snapshot(func(at *storage.Snapshot, _ logical.Frontier) error {
		return refold.Check(at, c.cfg.Policy, to, c.cfg.Loop.Now(), goes)
	})
	if refused, ok := errors.AsType[*refold.Refused](err); ok {
		return errors.New(refused.Why)
	}
	return err
}

// holdPoll is how often is looked whether writes are held back, or whether leaders have the same.
const holdPoll = 5 * time.Millisecond

// hold takes no writes from now on, until end or the end of the incarnation, and says what is
// applied.
func (c *session) hold(ctx context.Context) (logical.Frontier, error) {
	if err := c.take(); err != nil {
		return logical.Frontier{}, err
	}
	c.cfg.Loop.RefuseWrites(replica.Refusal{Cause: Changing, Detail: "the policy is being changed, as " + c.by + " wants it; try again in a moment"})
	tick := time.NewTicker(holdPoll)
	defer tick.Stop()
	for !refuses(c.cfg.Loop.Status()) {
		select {
		case <-tick.C:
		case <-c.cfg.Loop.Done():
			return logical.Frontier{}, errors.New("it stops")
		case <-ctx.Done():
			return logical.Frontier{}, ctx.Err()
		}
	}
	return c.cfg.Loop.Frontier(), nil
}

func refuses(s *host.Status) bool {
	for _, r := range s.Refusals {
		if r.Cause == Changing {
			return true
		}
	}
	return false
}

func (c *session) take() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.holder == c:
		return nil
	case c.closed:
		return errors.New("it stops")
	case c.holder != nil:
		return fmt.Errorf("another change is under way, which %s wants; try again", c.holder.by)
	}
	c.holder = c
	return nil
}

// adopt writes it down that the policy counts from the next incarnation on. Writes stay held
// back.
func (c *session) adopt(v Version) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holder != c {
		return errors.New("its writes were not held back for the change any more")
	}
	if c.adopted == v {
		return nil
	}
	before := c.cfg.before()
	if err := write(c.cfg.Dir, kept{Now: v, Before: before}); err != nil {
		return err
	}
	c.adopted = v
	c.cfg.Logger.Warn("goes over to another policy", "leader", c.cfg.Leader, "number", v.Number, "policy", v.Text, "before", before.Text, "by", v.By)
	return nil
}

// finish takes writes again, unless the policy was adopted: then it reports that the leader is to
// begin again, whoever is still there to hear that.
func (c *session) finish() (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if again = c.holder == c && c.adopted.Number > 0; c.holder == c && !again {
		c.holder = nil
		c.cfg.Loop.AllowWrites(Changing)
	}
	return again
}
