package member

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/hashicorp/serf/serf"
)

// Forgetting is that a leader shall be waited for and listed no more, or shall be again.
// The latest of what is said of a name counts.
type Forgetting struct {
	Name   string `json:"name"`
	At     int64  `json:"at"` // nanoseconds of Unix time, by the clock of who said it first
	Lifted bool   `json:"lifted"`
	By     string `json:"by,omitempty"` // the leader that was asked; empty: a former version of it
}

// After reports whether f replaces g, of the same name.
func (f Forgetting) After(g Forgetting) bool {
	byLift := map[bool]int{true: 1}
	return cmp.Or(cmp.Compare(f.At, g.At), byLift[f.Lifted]-byLift[g.Lifted], cmp.Compare(f.By, g.By)) > 0
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

// Begun tells all leaders that the data of this one is from after the forgetting of that
// moment (see [Config.Begun]).
func (m *Members) Begun(at int64) error {
	tags := maps.Clone(m.guard.tags)
	tags[tagBegun] = begun(at)
	return m.serf.SetTags(tags)
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
