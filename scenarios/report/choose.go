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

// choose takes the beats worth drawing. Of a message that is dropped again and
// again it draws the first. A long trace is drawn around its first loss: the
// lives of the two updates that met, and the faults about them. An update that
// is lost for good goes before one that only seemed to be. The sentence says
// what was left out; empty: nothing but repetitions.
func choose(all []beat, lost map[string]bool) (drawn []beat, left string) {
	total := len(all)
	if all = once(all); len(all) <= wholeBeats {
		return all, ""
	}
	i := firstLoss(all, lost)
	if i < 0 {
		return all[:wholeBeats], fmt.Sprintf("Drawn: the first %d of %s; the story tells the rest.", wholeBeats, count(total, "event"))
	}
	drawn = around(all, i)
	return drawn, fmt.Sprintf("Drawn: %s and %s, the first to be lost, in %s of %s; the story tells the rest, with -v all of it.",
		all[i].other, all[i].label, thousands(len(drawn)), count(total, "event"))
}

// once leaves out what the network drops again on the same way.
func once(all []beat) []beat {
	dropped := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(all), func(b beat) bool {
		way := route(b.from, b.to, b.label)
		again := b.kind == trace.Missed && dropped[way]
		dropped[way] = dropped[way] || b.kind == trace.Missed
		return again
	})
}

// firstLoss is the index of the first loss that lasts, or of the first one if
// none does, or -1.
func firstLoss(all []beat, lost map[string]bool) int {
	i := slices.IndexFunc(all, func(b beat) bool { return b.kind == trace.Lost && lost[b.label] })
	if i < 0 {
		i = slices.IndexFunc(all, func(b beat) bool { return b.kind == trace.Lost })
	}
	return i
}

// around is what concerns the loss all[i] and its winner.
func around(all []beat, i int) []beat {
	labels := []string{all[i].label, all[i].other}
	keep := map[int]bool{i: true}
	for j := range all {
		if len(keep) < focusBeats && all[j].concerns(labels) {
			keep[j] = true
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
