package quorum

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"kvd/replica/lease"
)

// Verb is what is asked of the quorum.
type Verb string

// The verbs.
const (
	Lock   Verb = "lock"   // Name, ID, TTL, Wait
	Renew  Verb = "renew"  // Name, Token, TTL
	Unlock Verb = "unlock" // Name, Token; the zero Token: whoever holds it
	Get    Verb = "get"    // Name
	List   Verb = "list"   // nothing
	change Verb = "change" // Names
)

// Command is asked of the quorum. What is asked twice, because an answer was lost, does nothing the
// second time.
type Command struct {
	Verb  Verb          `json:"verb"`
	Name  lease.Name    `json:"name,omitempty"`
	ID    string        `json:"id,omitempty"`
	Token lease.Token   `json:"token,omitzero"`
	TTL   time.Duration `json:"ttl,omitempty"`
	Wait  time.Duration `json:"wait,omitempty"` // how long for who holds it
	Names []string      `json:"names,omitempty"`
}

// Holding is a lock that is held.
type Holding struct {
	lease.Lock
	Left time.Duration `json:"left"` // of its lease, at some moment after it was asked
}

// Answer is what a majority stands for.
type Answer struct {
	Code   lease.Code `json:"code"` // of Get: Done if it is held
	Lock   Holding    `json:"lock,omitzero"`
	Locks  []Holding  `json:"locks,omitempty"`  // List
	Voters []Voter    `json:"voters,omitempty"` // change
}

// reply is what a member answers to a command of another.
type reply struct {
	Answer *Answer `json:"answer,omitempty"`
	Leader string  `json:"leader,omitempty"` // who leads as far as it knows
	None   bool    `json:"none,omitempty"`   // it knows of no quorum
	Failed string  `json:"failed,omitempty"`
}

// Pause between two rounds of looking for who leads.
const lookPause = 25 * time.Millisecond

// maxWaiting is how many callers may wait for locks at one member at once.
const maxWaiting = 4096

// Do asks whoever leads the quorum, wherever that is, until the context ends: then the error
// wraps [ErrNoQuorum]. What was asked may have been done nevertheless.
func (s *Service) Do(ctx context.Context, c Command) (Answer, error) {
	until := time.Now().Add(c.Wait)
	var last error
	for hint := ""; ; {
		c.Wait = max(0, time.Until(until))
		a, next, none, err := s.round(ctx, c, hint)
		switch {
		case err == nil && a.Code == lease.Held && time.Until(until) > 0:
			continue // it was waited for a slice
		case err == nil:
			return a, nil
		case none:
			return a, ErrNone
		case errors.Is(err, errRefused):
			return a, err
		}
		hint = next
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-time.After(lookPause):
		case <-ctx.Done():
			return a, fmt.Errorf("%w in time: %w", ErrNoQuorum, last)
		}
	}
}

// errRefused is of what would be refused again.
var errRefused = errors.New("refused")

// round asks one member after another, whoever is thought to lead first. It says who leads as others
// know it, and whether all that answered know of no quorum.
func (s *Service) round(ctx context.Context, c Command, hint string) (a Answer, leader string, none bool, err error) {
	none, err = true, errors.New("nobody leads")
	tried := map[string]bool{}
	queue := s.candidates(hint)
	for len(queue) > 0 && ctx.Err() == nil {
		name := queue[0]
		queue = queue[1:]
		if tried[name] {
			continue
		}
		tried[name] = true
		r, failed := s.put(ctx, name, c)
		switch {
		case failed != nil:
			err, none = failed, none && s.Status().Epoch == 0
			continue
		case r.Answer != nil:
			return *r.Answer, name, false, nil
		case r.Failed != "":
			return a, name, false, fmt.Errorf("%w: %s", errRefused, r.Failed)
		}
		none = none && r.None
		if r.Leader != "" && !tried[r.Leader] {
			leader = r.Leader
			queue = slices.Insert(queue, 0, r.Leader)
		}
	}
	return a, leader, none && ctx.Err() == nil, err
}

func (s *Service) candidates(hint string) []string {
	var all []string
	st := s.Status()
	for _, name := range []string{hint, st.Leader} {
		if name != "" {
			all = append(all, name)
		}
	}
	for _, v := range st.Voters {
		all = append(all, v.Name)
	}
	all = append(all, s.cfg.Name)
	if len(st.Voters) == 0 {
		all = append(all, s.cfg.Members()...)
	}
	return all
}

// waitSlice is how long one member is waited for at a time: it may have died.
const waitSlice = 2 * time.Second

func (s *Service) put(ctx context.Context, name string, c Command) (reply, error) {
	c.Wait = min(c.Wait, waitSlice)
	limit := 2*s.cfg.silence() + c.Wait
	if c.Verb == change {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if name == s.cfg.Name {
		return s.here(ctx, c), nil
	}
	var r reply
	return r, s.post(ctx, name, "do", c, &r)
}

// here does a command where this member leads.
func (s *Service) here(ctx context.Context, c Command) reply {
	n := s.voting()
	if n == nil {
		return reply{None: s.Status().Epoch == 0}
	}
	if !n.leads() {
		return reply{Leader: n.leader()}
	}
	var a Answer
	var err error
	if c.Verb == change {
		a, err = s.change(ctx, n, c.Names)
	} else {
		a, err = n.do(ctx, c)
	}
	switch {
	case errors.Is(err, errAgain), ctx.Err() != nil && err != nil:
		return reply{Leader: n.leader()}
	case err != nil:
		return reply{Failed: err.Error()}
	}
	return reply{Answer: &a}
}

func (n *node) do(ctx context.Context, c Command) (Answer, error) {
	switch c.Verb {
	case Lock:
		return n.lock(ctx, c)
	case Renew:
		return n.enter(lease.Entry{Kind: lease.Renew, Name: c.Name, Token: c.Token, TTL: c.TTL})
	case Unlock:
		return n.enter(lease.Entry{Kind: lease.Release, Name: c.Name, Token: c.Token})
	case Get:
		l, left, held, _ := n.m.get(c.Name)
		a := Answer{Code: lease.NotIt, Lock: Holding{l, left}}
		if held {
			a.Code = lease.Done
		}
		return a, n.verify() // after it was read: it held as long as this member led
	case List:
		locks, left := n.m.list()
		a := Answer{Code: lease.Done}
		for i, l := range locks {
			a.Locks = append(a.Locks, Holding{l, left[i]})
		}
		return a, n.verify()
	}
	return Answer{}, fmt.Errorf("%q is nothing that a quorum does", c.Verb)
}

// applyTimeout is how long an entry may wait before raft looks at it.
const applyTimeout = time.Second

func (n *node) enter(e lease.Entry) (Answer, error) {
	r, err := n.apply(e, applyTimeout)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Code: r.Code, Lock: Holding{Lock: r.Lock}}
	if r.Code != lease.Full && (e.Kind == lease.Acquire || e.Kind == lease.Renew) {
		_, a.Lock.Left, _, _ = n.m.get(e.Name)
	}
	return a, nil
}

// lock acquires, and waits for whoever holds the lock as long as the command says.
func (n *node) lock(ctx context.Context, c Command) (Answer, error) {
	over := time.NewTimer(c.Wait)
	defer over.Stop()
	for waited := c.Wait <= 0; ; {
		l, left, held, changed := n.m.get(c.Name)
		if !held || l.ID == c.ID {
			a, err := n.enter(lease.Entry{Kind: lease.Acquire, Name: c.Name, ID: c.ID, TTL: c.TTL})
			if err != nil || a.Code != lease.Held {
				return a, err
			}
			continue // somebody else was first
		}
		if waited {
			return Answer{Code: lease.Held, Lock: Holding{l, left}}, n.verify()
		}
		if n.waiting.Add(1) > maxWaiting {
			n.waiting.Add(-1)
			return Answer{}, fmt.Errorf("%d clients wait for locks already; try again later, or without WAIT", maxWaiting)
		}
		select {
		case <-changed:
		case <-over.C:
			waited = true
		case <-ctx.Done():
			waited = true
		case <-n.quit:
			waited = true
		}
		n.waiting.Add(-1)
		if !waited && !n.leads() {
			return Answer{}, errAgain
		}
	}
}

// maxBody bounds what is read of another member.
const maxBody = 64 << 20

// post asks another leader.
func (s *Service) post(ctx context.Context, leader, what string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+leader+"/"+what, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", leader, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w: %s", errRefused, bytes.TrimSpace(text))
	}
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		return fmt.Errorf("ask %s: %w", leader, err)
	}
	return nil
}
