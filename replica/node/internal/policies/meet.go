package policies

import (
	"fmt"
	"time"

	"kvd/replica"
)

// How often and how soon a leader is asked again that does not answer about its policy. It may just
// be beginning again. The links ask again later.
const (
	meetTries = 10
	meetRest  = 200 * time.Millisecond
)

// Meet finds out which of two policies counts, when links with another leader are refused
// because they differ. It does not block.
func (s *Service) Meet(other replica.Leader) {
	if !s.meeting.CompareAndSwap(false, true) {
		return // it is met again
	}
	over := func() { s.meeting.Store(false) }
	if !s.spawn(func() { defer over(); s.meet(string(other)) }) {
		over()
	}
}

// meet ends when it is found out, or the other does not answer. As long as this leader should go
// over and cannot, it tries again.
func (s *Service) meet(other string) {
	for tries := 0; tries < meetTries; {
		rest := meetRest
		theirs, err := s.hear(other)
		switch {
		case err != nil:
			tries++
		case s.follow(other, theirs):
			return
		default:
			tries, rest = 0, s.cfg.Retry
		}
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(rest):
		}
	}
}

// hear asks a leader which policy it serves under.
func (s *Service) hear(other string) (Version, error) {
	r, err := s.dial(s.ctx, other)
	if err != nil {
		return Version{}, err
	}
	defer r.close()
	a, err := r.ask(question{Do: "tell"})
	return a.Version, err
}

// follow goes over to another leader's policy, if that counts more. It reports whether nothing is left
// to be done.
func (s *Service) follow(other string, theirs Version) bool {
	if !theirs.After(s.Adopted()) {
		return true
	}
	if theirs.Number == s.cfg.Refused.Number && theirs.Text == s.cfg.Refused.Text {
		return true // the start has found that out
	}
	c := &session{Service: s, by: other}
	defer func() {
		if c.finish() {
			s.cfg.Again()
		}
	}()
	err := c.try(s.ctx, theirs, nil)
	if err == nil {
		_, err = c.hold(s.ctx)
	}
	if err == nil {
		err = c.try(s.ctx, theirs, nil)
	}
	if err == nil {
		err = c.adopt(theirs)
	}
	switch {
	case err == nil:
		return true
	case s.ctx.Err() == nil:
		s.setBehind(fmt.Sprintf("%s serves under the policy of %s, which was set since, and this leader cannot go over to it: %v. "+
			"It is tried again by itself", other, theirs, err))
	}
	return false
}
