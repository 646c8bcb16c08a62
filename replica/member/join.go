package member

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// join tries the seeds: at first again and again until one answered, later now and
// then those that are still no members. Two halves of a cluster that started apart
// would otherwise never hear of each other.
func (m *Members) join(ctx context.Context) {
	wait := m.pace.retryMin
	for {
		if seeds := m.unjoined(); len(seeds) > 0 {
			m.report(seeds, m.attempt(seeds))
		}
		m.askedAll()
		if wait = min(2*wait, m.pace.retryMax); m.View().Joined {
			wait = m.pace.retryMax
		}
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-ctx.Done():
			return
		}
	}
}

func (m *Members) askedAll() {
	m.mu.Lock()
	again := m.tried
	m.tried = true
	m.mu.Unlock()
	if !again {
		m.changed()
	}
}

// unjoined is the seeds, and the members known from former incarnations, that are no
// members now, without ourselves. Members that failed are serf's to reach again.
func (m *Members) unjoined() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	seeds := slices.Clone(m.cfg.Join)
	for _, a := range m.known {
		seeds = append(seeds, a.gossip)
	}
	slices.Sort(seeds)
	return slices.DeleteFunc(slices.Compact(seeds), func(seed string) bool {
		return seed == m.guard.self || slices.ContainsFunc(m.view.Members, func(k Member) bool { return k.Gossip == seed })
	})
}

// attempt tries each of the seeds once; nil if one answered and let us in.
func (m *Members) attempt(seeds []string) error {
	var errs []error
	for _, seed := range seeds {
		errs = append(errs, m.ask(seed))
	}
	if slices.Contains(errs, nil) {
		return nil
	}
	return errors.Join(errs...)
}

// ask tries one seed. Serf says that we joined only afterwards, and with a later
// stamp than that of a leave in between, which would be taken for older: so
// leaving waits for this, and nothing is asked once it has begun.
func (m *Members) ask(seed string) error {
	m.joining.Lock()
	defer m.joining.Unlock()
	_, err := m.serf.Join([]string{seed}, true)
	if err == nil {
		return nil
	}
	// Memberlist keeps only the text of what the guard said.
	if r := m.guard.newest(); r != nil && strings.Contains(err.Error(), r.Error()) {
		return fmt.Errorf("member: join %s: %w", seed, r)
	}
	said := strings.Join(strings.Fields(err.Error()), " ") // it comes as a list of lines
	advice := "it is tried again until one answers"
	if strings.Contains(said, "crypt") {
		advice = "give every leader the same gossip key"
	}
	return fmt.Errorf("member: join %s: %s; %s", seed, said, advice)
}

// report logs what is new about joining and lets the view say it.
func (m *Members) report(seeds []string, err error) {
	m.mu.Lock()
	was := text(m.trouble)
	if m.trouble = err; m.joined {
		m.trouble = nil
	}
	m.mu.Unlock()
	switch {
	case err == nil && was != "":
		m.log.Info("joined at last", "seeds", seeds)
	case err == nil:
	case text(err) != was && !m.View().Joined:
		m.log.Warn("cannot join yet", "why", err)
	default:
		m.log.Debug("cannot join yet", "why", err)
	}
	m.changed()
}
