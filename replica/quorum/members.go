package quorum

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// MaxVoters is how many voters a quorum may have: more only make it slower.
const MaxVoters = 7

// attempt is a request of whoever makes a quorum.
type attempt struct {
	Number uint64  `json:"number"`
	Epoch  uint64  `json:"epoch"`
	Voters []Voter `json:"voters"`
	Index  uint64  `json:"index,omitempty"`
	Join   bool    `json:"join,omitempty"` // there is a quorum already, of these voters
	Anew   bool    `json:"anew,omitempty"` // whatever quorum there was is lost for ever
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /do", handle(func(ctx context.Context, c Command) (reply, error) { return s.here(ctx, c), nil }))
	mux.HandleFunc("POST /view", handle(func(context.Context, attempt) (memo, error) { return s.view() }))
	mux.HandleFunc("POST /promise", handle(func(_ context.Context, a attempt) (memo, error) { return s.promise(a) }))
	mux.HandleFunc("POST /accept", handle(func(_ context.Context, a attempt) (memo, error) { return s.accept(a) }))
	mux.HandleFunc("POST /told", handle(func(_ context.Context, a attempt) (memo, error) { return s.told(a) }))
	return mux
}

func handle[In, Out any](do func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = json.Unmarshal(text, &in)
		}
		var out Out
		if err == nil {
			out, err = do(r.Context(), in)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		_ = json.NewEncoder(w).Encode(out) // who asked is gone otherwise
	}
}

// ask has another member, or this one, do the same.
func (s *Service) ask(ctx context.Context, name, what string, a attempt) (m memo, err error) {
	if name != s.cfg.Name {
		return m, s.post(ctx, name, what, a, &m)
	}
	switch what {
	case "view":
		return s.view()
	case "promise":
		return s.promise(a)
	case "accept":
		return s.accept(a)
	}
	return s.told(a)
}

// view is what this member knows. Where it knows nothing it makes nothing.
func (s *Service) view() (memo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memo, nil
}

// promise takes part in no attempt with a smaller number from now on, and says under which
// incarnation this member would vote.
func (s *Service) promise(a attempt) (memo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return memo{}, err
	}
	if a.Join {
		return s.memo, nil
	}
	if a.Number < s.memo.Promised {
		return s.memo, fmt.Errorf("%s takes part in another attempt to make a quorum; try again", s.cfg.Name)
	}
	if a.Anew && s.memo.Epoch > 0 { // what it voted for belongs to the quorum that is lost
		if err := s.renew(); err != nil {
			return s.memo, err
		}
	}
	m := s.memo
	m.Promised = a.Number
	return m, s.setMemo(m)
}

// accept takes the voters that an attempt chose, and votes if it is one of them.
func (s *Service) accept(a attempt) (memo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return memo{}, err
	}
	m := s.memo
	self := slices.Contains(a.Voters, Voter{s.cfg.Name, m.Incarnation})
	switch {
	case m.Epoch == a.Epoch && m.Votes && s.node != nil:
		return m, nil
	case !a.Join && len(m.Voters) > 0 && !slices.Equal(m.Voters, a.Voters) && !(a.Anew && a.Epoch > m.Epoch):
		return m, fmt.Errorf("%s knows of a quorum already: %s", s.cfg.Name, names(m.Voters))
	case !a.Join && a.Number != m.Promised:
		return m, fmt.Errorf("%s takes part in another attempt to make a quorum; try again", s.cfg.Name)
	case a.Join && a.Epoch < m.Epoch:
		return m, fmt.Errorf("%s knows of a newer quorum", s.cfg.Name)
	}
	m.Epoch, m.Voters, m.Votes, m.Index = a.Epoch, a.Voters, self, a.Index
	if err := s.setMemo(m); err != nil || !self {
		return m, err
	}
	return m, s.vote(!a.Join)
}

// told learns who votes by now. Whoever does not any more stops.
func (s *Service) told(a attempt) (memo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return memo{}, err
	}
	m := s.memo
	if a.Epoch < m.Epoch || a.Epoch == m.Epoch && a.Index < m.Index {
		return m, nil
	}
	m.Epoch, m.Index, m.Voters = a.Epoch, a.Index, a.Voters
	if err := s.setMemo(m); err != nil {
		return m, err
	}
	if m.Votes && !slices.Contains(a.Voters, Voter{s.cfg.Name, m.Incarnation}) {
		return m, s.renew()
	}
	return m, nil
}

func names(voters []Voter) string {
	text := ""
	for i, v := range voters {
		if i > 0 {
			text += " "
		}
		text += v.Name
	}
	return text
}

// Set makes these leaders the voters: the first time, and whenever others are to vote. It may
// be called again after it failed. Anew makes another quorum, of a greater epoch, in the place of one
// whose majority is lost for ever: whoever held a lock does not any more.
func (s *Service) Set(ctx context.Context, voters []string, anew bool) ([]Voter, error) {
	voters = slices.Sorted(slices.Values(voters))
	members := s.cfg.Members()
	if err := checkVoters(voters, members); err != nil {
		return nil, err
	}
	seen, silent := map[string]memo{}, error(nil)
	for _, name := range members {
		m, err := s.ask(ctx, name, "view", attempt{})
		if err != nil {
			silent = errors.Join(silent, err)
			continue
		}
		seen[name] = m
	}
	known := memo{}
	for _, m := range seen {
		if len(m.Voters) > 0 && (m.Epoch > known.Epoch || m.Epoch == known.Epoch && m.Index >= known.Index) {
			known = m
		}
	}
	if known.Epoch > 0 && !anew {
		return s.replace(ctx, known, seen, voters)
	}
	if silent != nil {
		return nil, fmt.Errorf("every leader of the cluster must be there when its quorum is named for the first time, and forgotten before if it is gone for ever: %w", silent)
	}
	return s.found(ctx, members, seen, voters, anew)
}

func checkVoters(voters, members []string) error {
	switch {
	case len(voters) == 0 || len(voters) > MaxVoters:
		return fmt.Errorf("%d voters are named; name 1 to %d, best 3 or 5", len(voters), MaxVoters)
	case len(slices.Compact(slices.Clone(voters))) < len(voters):
		return errors.New("a leader is named twice; name each voter once")
	}
	for _, name := range voters {
		if !slices.Contains(members, name) {
			return fmt.Errorf("%.64q is no leader of the cluster as this leader knows it", name)
		}
	}
	return nil
}

// found makes the first quorum.
func (s *Service) found(ctx context.Context, members []string, seen map[string]memo, voters []string, anew bool) ([]Voter, error) {
	a := attempt{Number: 1 + rand.Uint64N(1<<40), Epoch: 1, Anew: anew}
	for _, m := range seen {
		a.Number, a.Epoch = max(a.Number, m.Promised+rand.Uint64N(1<<40)), max(a.Epoch, m.Epoch+1)
	}
	for _, name := range members {
		m, err := s.ask(ctx, name, "promise", a)
		switch {
		case err != nil:
			return nil, err
		case len(m.Voters) > 0 && !anew:
			return nil, fmt.Errorf("%s has just heard of a quorum: %s; try again", name, names(m.Voters))
		}
		a.Epoch = max(a.Epoch, m.Epoch+1)
		if slices.Contains(voters, name) {
			a.Voters = append(a.Voters, Voter{name, m.Incarnation})
		}
	}
	a.Voters = sorted(a.Voters)
	var failed error
	for _, name := range members {
		if _, err := s.ask(ctx, name, "accept", a); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	if failed != nil {
		return nil, fmt.Errorf("the quorum is not complete; name the same voters again: %w", failed)
	}
	return a.Voters, nil
}

// replace completes a quorum that was made, and then changes its voters, at whoever leads it.
func (s *Service) replace(ctx context.Context, known memo, seen map[string]memo, voters []string) ([]Voter, error) {
	for name, m := range seen {
		if len(m.Voters) == 0 {
			_, err := s.ask(ctx, name, "accept", attempt{Epoch: known.Epoch, Voters: known.Voters, Index: known.Index, Join: true})
			if err != nil {
				return nil, err
			}
		}
	}
	a, err := s.Do(ctx, Command{Verb: change, Names: voters})
	return a.Voters, err
}

// change lets these leaders vote and no others: a step at a time, the new ones first.
func (s *Service) change(ctx context.Context, n *node, want []string) (Answer, error) {
	have, index, err := n.voters()
	if err != nil {
		return Answer{}, errAgain
	}
	s.mu.Lock()
	epoch := s.memo.Epoch
	s.mu.Unlock()
	var keep []Voter
	for _, name := range want {
		v, err := s.invite(ctx, name, have, attempt{Epoch: epoch, Voters: have, Index: index})
		if err != nil {
			return Answer{}, err
		}
		keep = append(keep, v)
		if slices.Contains(have, v) {
			continue
		}
		f := n.raft.AddVoter(raft.ServerID(v.String()), raft.ServerAddress(v.String()), 0, changeTimeout)
		if err := f.Error(); err != nil {
			return Answer{}, fmt.Errorf("let %s vote: %w", name, err)
		}
	}
	for _, v := range have {
		if !slices.Contains(keep, v) {
			if err := n.raft.RemoveServer(raft.ServerID(v.String()), 0, changeTimeout).Error(); err != nil {
				return Answer{}, fmt.Errorf("let %s vote no more: %w", v.Name, err)
			}
		}
	}
	now, index, err := n.voters()
	if err != nil {
		return Answer{}, errAgain
	}
	for _, name := range s.cfg.Members() { // who does not hear it asks
		_, _ = s.ask(ctx, name, "told", attempt{Epoch: epoch, Voters: now, Index: index})
	}
	return Answer{Voters: now}, nil
}

// changeTimeout is how long a change of voters may wait before raft looks at it.
const changeTimeout = 5 * time.Second

// invite is under which incarnation a leader votes, or is about to. One that votes already and does
// not answer goes on as it is.
func (s *Service) invite(ctx context.Context, name string, have []Voter, a attempt) (Voter, error) {
	at := slices.IndexFunc(have, func(v Voter) bool { return v.Name == name })
	a.Join = true
	m, err := s.ask(ctx, name, "promise", a)
	switch {
	case err != nil && at >= 0:
		return have[at], nil
	case err != nil:
		return Voter{}, err
	}
	v := Voter{name, m.Incarnation}
	if slices.Contains(have, v) {
		return v, nil
	}
	a.Voters = sorted(append(slices.Clone(a.Voters), v))
	_, err = s.ask(ctx, name, "accept", a)
	return v, err
}
