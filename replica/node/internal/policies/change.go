package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kvd/resolve"
)

// Order is a change that is wanted.
type Order struct {
	To      resolve.Policy // validated
	Without []string       // leaders that need not be there
	Dry     bool           // only find out whether it can be
}

// Outcome is what became of it.
type Outcome struct {
	Version Version  // that counts now, or would
	Changed bool     // false: it is what all serve under, or it was only tried
	Adopted []string // leaders that begin again under it, by name
	Away    []string // leaders that go over to it when they are met, and why only then
}

// Refused says why a change is not made: nothing was changed at any leader.
type Refused struct {
	Code string // of the answer to a client
	Why  string
}

func (r *Refused) Error() string { return r.Why + ". Nothing was changed at any leader" }

// How long leaders may take until all have the same ops while no writes are taken, and to write the
// policy down.
const (
	cutTimeout   = 10 * time.Second
	adoptTimeout = 10 * time.Second
)

// Change brings another policy to all leaders. On success the caller begins again, as
// Config.Again does, when it has answered.
func (s *Service) Change(ctx context.Context, o Order) (*Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	c := &change{Service: s, order: o, out: &Outcome{}}
	c.out.Version = Version{Number: s.cfg.Version.Number, Text: o.To.String(), By: s.cfg.Leader, At: time.Now().UTC().Truncate(time.Second)}
	if c.out.Version.Text == s.cfg.Policy.String() {
		c.out.Version = s.cfg.Version
		return c.out, nil
	}
	if err := c.meet(ctx); err != nil {
		return nil, err
	}
	defer c.end()
	if err := c.each(ctx, "try"); err != nil || o.Dry {
		return c.out, err
	}
	if err := c.cut(ctx); err != nil {
		return nil, err
	}
	if err := c.each(ctx, "try"); err != nil {
		return nil, err
	}
	return c.out, c.adopt(ctx)
}

// change is one under way, at the leader that was asked.
type change struct {
	*Service
	order Order
	own   *session
	parts []*part // by name, this leader among them
	out   *Outcome
}

// part is one that takes part: this leader, or another one.
type part struct {
	name   string
	own    *session
	remote *remote
}

func (p *part) ask(ctx context.Context, q question) (reply, error) {
	if p.remote != nil {
		return p.remote.ask(q)
	}
	a := p.own.do(ctx, &q)
	if a.Why != "" {
		return a, &refusedBy{p.name, a.Why}
	}
	return a, nil
}

// meet connects to all members, and gives the change its number.
func (c *change) meet(ctx context.Context) error {
	c.own = &session{Service: c.Service, by: c.cfg.Leader}
	c.parts = []*part{{name: c.cfg.Leader, own: c.own}}
	var away []string
	for _, leader := range c.cfg.Members() {
		name := string(leader)
		r, err := c.dial(ctx, name)
		var said reply
		if err == nil {
			said, err = r.ask(question{Do: "tell"})
		}
		if err != nil {
			if away = append(away, fmt.Sprintf("%s (%.200v)", name, err)); r != nil {
				r.close()
			}
			if !slices.Contains(c.order.Without, name) {
				c.end()
				return &Refused{"UNREACHED", fmt.Sprintf("%s cannot be asked: %v. Try again when it can be, or go WITHOUT %s: it goes over to the policy when it is met, "+
					"unless its own keys speak against that; or let it be forgotten, if it is gone for ever", name, err, name)}
			}
			continue
		}
		c.parts = append(c.parts, &part{name: name, remote: r})
		c.out.Version.Number = max(c.out.Version.Number, said.Version.Number)
	}
	c.out.Version.Number++
	c.out.Away = away
	slices.SortFunc(c.parts, func(a, b *part) int { return strings.Compare(a.name, b.name) })
	return nil
}

// each asks all at the same time. Those that have answered hear now and then that the others have
// not.
func (c *change) each(ctx context.Context, what string) error {
	base := c.cfg.Policy.String()
	errs := make([]error, len(c.parts))
	var asked, ended sync.WaitGroup
	over := make(chan struct{})
	for i, p := range c.parts {
		asked.Add(1)
		ended.Go(func() {
			_, errs[i] = p.ask(ctx, question{Do: what, To: c.out.Version, Base: &base})
			asked.Done()
			for errs[i] == nil {
				select {
				case <-over:
					return
				case <-time.After(waitEvery):
					_, errs[i] = p.ask(ctx, question{Do: "tell"})
				}
			}
		})
	}
	asked.Wait()
	close(over)
	ended.Wait()
	return refusal(c.parts, errs)
}

// refusal says who is against the change, or does not answer any more; nil: nobody.
func refusal(parts []*part, errs []error) error {
	var why []string
	code := "UNREACHED"
	for i, err := range errs {
		if _, refused := errors.AsType[*refusedBy](err); refused {
			code = "REFUSED"
			why = append(why, err.Error())
		} else if err != nil {
			why = append(why, fmt.Sprintf("%s does not answer any more: %v", parts[i].name, err))
		}
	}
	if why == nil {
		return nil
	}
	return &Refused{code, strings.Join(why, "; ")}
}

// cut lets nobody take writes, one leader after the other, and waits until all have the same.
func (c *change) cut(ctx context.Context) error {
	over := time.After(cutTimeout)
	tick := time.NewTicker(holdPoll)
	defer tick.Stop()
	for {
		var applied []uint64
		for _, p := range c.parts {
			a, err := p.ask(ctx, question{Do: "hold", To: c.out.Version})
			if err != nil {
				return refusal([]*part{p}, []error{err})
			}
			applied = append(applied, a.Applied)
		}
		if len(slices.Compact(applied)) == 1 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return &Refused{"LAGGING", fmt.Sprintf("while nobody took writes the leaders have not come to hold the same within %s; try again when none of them lags (kv status)", cutTimeout)}
		}
	}
}

// adopt has this leader write the policy down first: from then on it counts, and whoever does not
// answer goes over to it when it is met.
func (c *change) adopt(ctx context.Context) error {
	if err := c.own.adopt(c.out.Version); err != nil {
		return fmt.Errorf("%s cannot write the policy down: %w. It serves as before, and so do the others, unless it finds the policy on its disk when it is started again: "+
			"kv admin policy show tells which one counts", c.cfg.Leader, err)
	}
	c.out.Changed = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), adoptTimeout)
	defer cancel()
	errs := make([]error, len(c.parts))
	var all sync.WaitGroup
	for i, p := range c.parts {
		all.Go(func() {
			if p.remote != nil {
				p.remote.stop() // that the client hangs up matters no more
				defer context.AfterFunc(ctx, func() { _ = p.remote.conn.Close() })()
			}
			_, errs[i] = p.ask(ctx, question{Do: "adopt", To: c.out.Version})
		})
	}
	all.Wait()
	for i, p := range c.parts {
		if errs[i] != nil {
			c.out.Away = append(c.out.Away, fmt.Sprintf("%s (%.200v)", p.name, errs[i]))
		} else {
			c.out.Adopted = append(c.out.Adopted, p.name)
		}
	}
	return nil
}

// end lets those take writes again that did not adopt the policy.
func (c *change) end() {
	for _, p := range c.parts {
		if p.remote != nil {
			p.remote.close()
		}
	}
	c.own.finish()
}
