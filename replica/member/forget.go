package member

import (
	"encoding/json"
	"slices"

	"github.com/hashicorp/serf/serf"
)

// Forgetting is that a leader shall be waited for and listed no more, or shall be again.
// The latest of what is said of a name counts.
type Forgetting struct {
	Name   string `json:"name"`
	At     int64  `json:"at"` // nanoseconds of Unix time, by the clock of who said it first
	Lifted bool   `json:"lifted"`
}

// After reports whether f replaces g, of the same name.
func (f Forgetting) After(g Forgetting) bool {
	return f.At > g.At || f.At == g.At && f.Lifted && !g.Lifted
}

const (
	forgetEvent = "kvd-forget"
	maxHeard    = 256 // that wait to be told; of more the oldest go: they are said again
)

// Spread says it to every leader that can be reached. Who cannot be has to be told when
// it comes back.
func (m *Members) Spread(f Forgetting) error {
	payload, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return m.serf.UserEvent(forgetEvent, payload, false)
}

// Drop forgets a member of that name that a former incarnation knew, so that it is not
// tried any more.
func (m *Members) Drop(name string) {
	m.mu.Lock()
	m.known = slices.DeleteFunc(m.known, func(a knownMember) bool { return a.name == name })
	m.mu.Unlock()
	m.changed()
}

// hear takes what was spread. Serf holds a lock meanwhile, so it is told later.
func (m *Members) hear(e serf.Event) {
	u, ok := e.(serf.UserEvent)
	if !ok || u.Name != forgetEvent {
		return
	}
	var f Forgetting
	if err := json.Unmarshal(u.Payload, &f); err != nil || !nameRule.MatchString(f.Name) {
		m.log.Warn("what a leader said about another cannot be read", "event", u.Name)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heard = append(m.heard, f); len(m.heard) > maxHeard {
		m.heard = slices.Clone(m.heard[len(m.heard)-maxHeard:])
	}
}

func (m *Members) tellHeard() {
	m.mu.Lock()
	heard := m.heard
	m.heard = nil
	m.mu.Unlock()
	for _, f := range heard {
		if m.cfg.Heard != nil {
			m.cfg.Heard(f)
		}
	}
}
