package repair

import (
	"slices"
	"time"

	"kvd/replica"
)

// How long is waited between two attempts to agree with leaders that did not, at first and at
// most.
const (
	agreeAfter = 200 * time.Millisecond
	agreeEvery = time.Minute
)

// Agree makes rounds with the leaders named until this one holds the same as each of them,
// or Close. It follows a change of the policy: leaders whose logs reach back to different
// points may have come to different objects, and what is found is no damage. A leader that
// cannot be asked, or still serves under another policy, is asked later.
func (s *Service) Agree(others func() []replica.Leader) {
	s.agreeing.Store(true)
	defer s.agreeing.Store(false)
	same := map[replica.Leader]bool{}
	for wait := agreeAfter; ; wait = min(2*wait, agreeEvery) {
		next := time.NewTimer(wait)
		select {
		case <-s.ctx.Done():
			next.Stop()
			return
		case <-next.C:
		}
		reachable := s.cfg.Peers()
		all := others()
		for _, p := range all {
			if same[p] || !slices.Contains(reachable, p) {
				continue
			}
			r, err := s.Round(s.ctx, p, Options{Rate: s.cfg.Rate})
			if err != nil {
				s.tell(p, r, err)
				continue
			}
			if r.Found[Mended] > 0 { // the others lack it perhaps
				clear(same)
				wait = agreeAfter
			}
			if same[p] = len(r.Found) == 0; same[p] {
				s.tell(p, r, nil)
			}
		}
		if !slices.ContainsFunc(all, func(p replica.Leader) bool { return !same[p] }) {
			s.cfg.Logger.Info("holds the same as all others under its policy", "leader", s.cfg.Name, "others", len(all))
			return
		}
	}
}
