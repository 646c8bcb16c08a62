package report

import (
	"fmt"
	"slices"
	"time"

	"kvd/scenarios/trace"
)

// Bounds on what one picture draws.
const (
	wholeBeats   = 40 // traces up to this long are drawn whole
	focusBeats   = 30
	faultsBefore = 4
	faultsAfter  = 2
)

// choose takes the beats worth drawing. A long trace is drawn around its first
// loss: the lives of the two updates that met, and the faults about them. The
// sentence says what was left out; empty: nothing.
func choose(all []beat) (drawn []beat, left string) {
	if len(all) <= wholeBeats {
		return all, ""
	}
	i := slices.IndexFunc(all, func(b beat) bool { return b.kind == trace.Lost })
	if i < 0 {
		return all[:wholeBeats], fmt.Sprintf("Drawn: the first %d of %s. No update is lost in this run.", wholeBeats, count(len(all), "event"))
	}
	drawn = around(all, i)
	return drawn, fmt.Sprintf("Drawn: %s and %s, the first to be lost, in %s of %s; -v tells the rest as a story.",
		all[i].other, all[i].label, thousands(len(drawn)), count(len(all), "event"))
}

// around is what concerns the loss all[i] and its winner. Of a message that is
// dropped again and again it keeps the first.
func around(all []beat, i int) []beat {
	labels := []string{all[i].label, all[i].other}
	keep, dropped := map[int]bool{i: true}, map[string]bool{}
	for j := range all {
		b := &all[j]
		if len(keep) >= focusBeats || !b.concerns(labels) || b.kind == trace.Missed && dropped[route(b.from, b.to, b.label)] {
			continue
		}
		keep[j] = true
		if b.kind == trace.Missed {
			dropped[route(b.from, b.to, b.label)] = true
		}
	}
	nearFaults(all, i, keep)
	var drawn []beat
	for j := range all {
		if keep[j] {
			drawn = append(drawn, all[j])
		}
	}
	return drawn
}

// nearFaults keeps the faults closest to the loss.
func nearFaults(all []beat, i int, keep map[int]bool) {
	for j, n := i-1, 0; j >= 0 && n < faultsBefore; j-- {
		if all[j].kind == trace.Fault {
			keep[j] = true
			n++
		}
	}
	for j, n := i+1, 0; j < len(all) && n < faultsAfter; j++ {
		if all[j].kind == trace.Fault {
			keep[j] = true
			n++
		}
	}
}

// idle is how long nothing must happen for the picture to name the gap: much
// longer than is usual between the beats drawn.
func idle(drawn []beat) time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(drawn); i++ {
		if d := drawn[i].at - drawn[i-1].at; d > 0 {
			gaps = append(gaps, d)
		}
	}
	if len(gaps) == 0 {
		return time.Second
	}
	slices.Sort(gaps)
	return max(time.Millisecond, 10*gaps[len(gaps)/2])
}
