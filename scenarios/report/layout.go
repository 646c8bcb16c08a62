package report

import (
	"slices"

	"kvd/scenarios/script"
)

// Columns of a picture.
const (
	timeColumns    = 14 // of the true time
	minNoteColumns = 40 // of the words, at least
	minPitch       = 6
	maxPitch       = 12
)

// layOut decides which participants are drawn, and in which order: leaders as the script
// lists them, each client beside the leader it begins at. Where columns are too few for
// all, those that take no part are left out first, then the last ones.
func layOut(s *script.Scenario, drawn []entry, columns int) (p participants, left []string) {
	space := columns - timeColumns - minNoteColumns
	all := order(s)
	if len(all) > space/minPitch {
		all = slices.DeleteFunc(all, func(n string) bool { return !takesPart(n, drawn) })
	}
	if n := max(2, space/minPitch); len(all) > n {
		left, all = slices.Clone(all[n:]), all[:n]
	}
	pitch := maxPitch
	if len(all) > 1 {
		pitch = min(maxPitch, max(minPitch, space/len(all)))
	}
	return participants{names: all, pitch: pitch}, left
}

// order puts the first leader's clients before it and all others behind theirs.
func order(s *script.Scenario) []string {
	var all []string
	for i, n := range s.Leaders {
		if i > 0 {
			all = append(all, n)
		}
		for _, c := range s.Clients {
			if c.At == n {
				all = append(all, c.Name)
			}
		}
		if i == 0 {
			all = append(all, n)
		}
	}
	return all
}

func takesPart(name string, drawn []entry) bool {
	return slices.ContainsFunc(drawn, func(b entry) bool { return b.from == name || b.to == name })
}
