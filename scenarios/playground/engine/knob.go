package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kvd/scenarios/script"
)

// Knob is one number of a script's set-up that a slider turns.
type Knob struct {
	ID     string  `json:"id"`
	Label  string  `json:"label"`
	Signed bool    `json:"signed"`
	Stops  []int64 `json:"stops"` // nanoseconds, from low to high
	At     int     `json:"at"`    // which of them it is at
}

// maxKnobs is how many sliders a page has at most.
const maxKnobs = 16

// usualDelay is what a link takes of which a script says nothing.
const usualDelay = time.Millisecond

// everyLink is the ID of the knob of all links that have no line of their own.
const everyLink = "link *"

// knobs is the clocks of the leaders, the links that the script names, and all others.
func knobs(s *script.Scenario) []Knob {
	var all []Knob
	for _, l := range s.Leaders {
		all = append(all, knob("clock "+l, "clock of "+l+" is off by", true, offset(s, l)))
	}
	all = append(all, knob(everyLink, "messages take", false, delay(s, script.Path{})))
	for _, p := range named(s) {
		all = append(all, knob("link "+p.From+">"+p.To, p.From+" → "+p.To+" takes", false, delay(s, p)))
	}
	return all[:min(len(all), maxKnobs)]
}

// knob is a knob at a value, which is one of its stops.
func knob(id, label string, signed bool, value time.Duration) Knob {
	stops := []int64{0, int64(value)}
	for unit := 100 * time.Microsecond; unit <= time.Second; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 3, 5} {
			stops = append(stops, int64(n*unit))
		}
	}
	stops = append(stops, int64(10*time.Second))
	if signed {
		for _, v := range slices.Clone(stops) {
			stops = append(stops, -v)
		}
	}
	slices.Sort(stops)
	stops = slices.Compact(stops)
	return Knob{ID: id, Label: label, Signed: signed, Stops: stops, At: slices.Index(stops, int64(value))}
}

// named is the links between two leaders that the set-up has lines for.
func named(s *script.Scenario) []script.Path {
	var all []script.Path
	for _, u := range s.Setup {
		if f, ok := u.Action.(script.LinkFault); ok && !f.Path.All() && !slices.Contains(all, f.Path) {
			all = append(all, f.Path)
		}
	}
	return all
}

// offset is how far the clock of a leader is off in the beginning.
func offset(s *script.Scenario, leader string) (d time.Duration) {
	for _, u := range s.Setup {
		if f, ok := u.Action.(script.ClockFault); ok && (f.Leader == leader || f.Leader == script.AllLeaders) {
			f.Offset.To(&d)
		}
	}
	return d
}

// delay is how long a link takes in the beginning; of the zero path, one without a line.
func delay(s *script.Scenario, p script.Path) time.Duration {
	d := usualDelay
	for _, u := range s.Setup {
		if f, ok := u.Action.(script.LinkFault); ok && (f.Path.All() || f.Path == p) {
			f.Delay.To(&d)
		}
	}
	return d
}

// set gives the number of a knob another value in the script's set-up: in the line that has
// it, or in one of its own.
func set(s *script.Scenario, id string, value int64) error {
	d := time.Duration(value)
	verb, what, _ := strings.Cut(id, " ")
	switch {
	case verb == "clock" && slices.Contains(s.Leaders, what):
		setOffset(s, what, d)
	case id == everyLink:
		setDelay(s, script.Path{}, d)
	case verb == "link" && slices.ContainsFunc(named(s), func(p script.Path) bool { return p.From+">"+p.To == what }):
		from, to, _ := strings.Cut(what, ">")
		setDelay(s, script.Path{From: from, To: to}, d)
	default:
		return fmt.Errorf("the script has no %q that could be turned", id)
	}
	return nil
}

func setOffset(s *script.Scenario, leader string, d time.Duration) {
	if i := last(s, func(a script.Action) bool { f, ok := a.(script.ClockFault); return ok && f.Leader == leader }); i >= 0 {
		f := s.Setup[i].Action.(script.ClockFault)
		f.Offset = script.Some(d)
		s.Setup[i].Action = f
	}
	if offset(s, leader) != d { // no line of its own, or one that another overrides
		s.Setup = append(s.Setup, script.Setup{Action: script.ClockFault{Leader: leader, Offset: script.Some(d)}})
	}
}

func setDelay(s *script.Scenario, p script.Path, d time.Duration) {
	if i := last(s, func(a script.Action) bool { f, ok := a.(script.LinkFault); return ok && f.Path == p }); i >= 0 {
		f := s.Setup[i].Action.(script.LinkFault)
		f.Delay = script.Some(d)
		s.Setup[i].Action = f
	}
	if delay(s, p) == d {
		return
	}
	line := script.Setup{Action: script.LinkFault{Path: p, Delay: script.Some(d)}}
	if p.All() { // before the lines of single links, which it would override
		s.Setup = slices.Insert(s.Setup, 0, line)
		return
	}
	s.Setup = append(s.Setup, line)
}

// last is the last line of the set-up that is such an action, or -1.
func last(s *script.Scenario, such func(script.Action) bool) int {
	for i := len(s.Setup) - 1; i >= 0; i-- {
		if such(s.Setup[i].Action) {
			return i
		}
	}
	return -1
}
