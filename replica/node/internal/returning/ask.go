package returning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica/member"
	"kvd/replica/node/internal/identity"
)

// askWithin is how long the others have to answer.
const askWithin = 5 * time.Second

// statements is what the others said of themselves, and of us.
type statements struct {
	self    string
	all     []*identity.Statement // of those that count
	unasked []string              // members that are not there, by name
}

// ask asks everybody whom gossip calls alive and who is not forgotten here. The error says
// who did not answer.
func (r *Return) ask() (*statements, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	out := &statements{self: r.cfg.Name}
	var mu sync.Mutex
	var asking sync.WaitGroup
	var failed error
	for _, m := range r.cfg.Members().Members {
		switch {
		case m.Name == r.cfg.Name || r.cfg.Forgotten(m.Name):
			continue
		case m.Status != member.Alive:
			out.unasked = append(out.unasked, m.Name)
			continue
		}
		asking.Go(func() {
			s, err := r.cfg.Fetch(ctx, m.HTTPAddr)
			if err == nil && s.Name != m.Name {
				err = fmt.Errorf("%s answers there", s.Name)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s, which is alive, does not say at %s what it has: %w", m.Name, m.HTTPAddr, err))
				return
			}
			out.all = append(out.all, s)
		})
	}
	asking.Wait()
	out.leaveOut()
	return out, failed
}

// leaveOut drops those that were forgotten themselves: their data is put aside, too.
func (s *statements) leaveOut() {
	out := map[string]bool{}
	for _, one := range s.all {
		for _, g := range one.Forgotten {
			out[g.Name] = out[g.Name] || !g.Lifted
		}
	}
	s.all = slices.DeleteFunc(s.all, func(one *identity.Statement) bool { return out[one.Name] })
	slices.SortFunc(s.all, func(a, b *identity.Statement) int { return strings.Compare(a.Name, b.Name) })
}

// word is the latest that was said of us.
func (s *statements) word() (last *identity.Forgetting, said bool) {
	for _, one := range s.all {
		for i := range one.Forgotten {
			if g := &one.Forgotten[i]; g.Name == s.self && (last == nil || g.At.After(last.At)) {
				last = g
			}
		}
	}
	return last, last != nil
}

// have is what any of them has applied.
func (s *statements) have() (f logical.Frontier) {
	for _, one := range s.all {
		for _, p := range one.Frontier {
			if d, err := logical.ParseDot(fmt.Sprintf("%s-%d", p.Origin, p.Seq)); err == nil && !f.Covers(d) {
				f.Advance(d)
			}
		}
	}
	return f
}

func (s *statements) names() (all []string) {
	for _, one := range s.all {
		all = append(all, one.Name)
	}
	return all
}
