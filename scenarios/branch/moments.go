package branch

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/oracle"
	"kvd/scenarios/trace"
)

// moments is when something happens in a run, and what concerns which update.
type moments struct {
	at      []time.Duration          // ascending, the first is zero
	events  map[string][]trace.Event // by update
	faults  []trace.Event
	beatens map[string]string // by update: what a leader first preferred to it
	lost    []string          // updates in the order in which leaders first preferred others
}

// read reads the moments of a result's trace, until the last update was accepted or applied:
// what is mended later changes nothing.
func read(r *scenarios.Result) moments {
	m := moments{at: []time.Duration{0}, events: map[string][]trace.Event{}, beatens: map[string]string{}}
	concerned := map[string]bool{}
	for i := range r.Losses {
		concerned[r.Losses[i].Label], concerned[r.Losses[i].By] = true, true
	}
	for e := range r.Trace.All() {
		if e.Kind == trace.Lost && concerned[e.Label] {
			concerned[e.Other] = true
		}
	}
	for e := range r.Trace.All() {
		m.event(e, concerned)
	}
	return m
}

func (m *moments) event(e trace.Event, concerned map[string]bool) {
	if e.Kind == trace.Final || e.Kind == trace.Waiting {
		return
	}
	if e.At != m.at[len(m.at)-1] {
		m.at = append(m.at, e.At)
	}
	switch _, met := m.beatens[e.Label]; {
	case e.Kind == trace.Fault:
		m.faults = append(m.faults, brief(e))
	case e.Kind == trace.Lost && !met:
		m.beatens[e.Label] = e.Other
		m.lost = append(m.lost, e.Label)
	case concerned[e.Label]:
		m.events[e.Label] = append(m.events[e.Label], brief(e))
	}
}

// brief is what is told of an event.
func brief(e trace.Event) trace.Event {
	return trace.Event{At: e.At, Kind: e.Kind, Where: e.Where, Peer: e.Peer, Label: e.Label, Key: e.Key, Text: e.Text}
}

// about is the events of an update and of what beat it, and the faults.
func (m *moments) about(l *oracle.Loss) []trace.Event {
	all := slices.Concat(m.events[l.Label], m.events[l.By], m.faults)
	if by := m.beatens[l.Label]; by != l.By {
		all = append(all, m.events[by]...)
	}
	return all
}

// concerning is the moments of what concerns a loss, and those behind each, ascending: the
// last moment is mostly one after which nothing can be changed any more.
func (m *moments) concerning(l *oracle.Loss) []int {
	var all []int
	for _, e := range m.about(l) {
		i, _ := slices.BinarySearch(m.at, e.At)
		all = append(all, i)
		if i+1 < len(m.at) {
			all = append(all, i+1)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// between is the middle one of the steps between two moments, of all moments if there are no
// steps, or -1.
func between(steps []int, low, high int) int {
	if steps == nil {
		return (low + high) / 2
	}
	from, to := sort.SearchInts(steps, low+1), sort.SearchInts(steps, high)
	if from == to {
		return -1
	}
	return steps[(from+to)/2]
}

// words is what happens at a moment, of what concerns the loss if anything does.
func (m *moments) words(moment int, l *oracle.Loss) string {
	best, rank := "", 0
	for _, e := range m.about(l) {
		if text, n := told(e); e.At == m.at[moment] && n > rank {
			best, rank = text, n
		}
	}
	return best
}

// told is an event in words, and how much it says: what changes what can be kept says most.
func told(e trace.Event) (string, int) {
	switch e.Kind {
	case trace.Accepted:
		return fmt.Sprintf("%s accepts %s", e.Where, e.Label), 6
	case trace.Fault:
		return fmt.Sprintf("%q happens", e.Text), 5
	case trace.Shown:
		return fmt.Sprintf("%s is shown %s by %s", e.Where, e.Key, e.Peer), 4
	case trace.Shipped, trace.Missed:
		return fmt.Sprintf("%s sends %s to %s", e.Where, e.Label, e.Peer), 3
	case trace.Sent:
		return fmt.Sprintf("%s asks %s: %s", e.Where, e.Peer, e.Text), 2
	case trace.Applied:
		return fmt.Sprintf("%s applies %s", e.Where, e.Label), 2
	case trace.Acked:
		return fmt.Sprintf("%s is told that %s is durable", e.Where, e.Label), 1
	}
	return "", 0
}

// order is the losses as leaders came to them, those that no leader came to last.
func (x *search) order() []int {
	turn := map[string]int{}
	for i, label := range x.moments.lost {
		turn[label] = i
	}
	all := make([]int, len(x.result.Losses))
	for i := range all {
		all[i] = i
	}
	place := func(i int) int {
		if n, ok := turn[x.result.Losses[i].Label]; ok {
			return n
		}
		return len(turn)
	}
	slices.SortStableFunc(all, func(i, j int) int { return place(i) - place(j) })
	return all
}
