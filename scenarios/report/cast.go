package report

import (
	"slices"

	"kvd/scenarios/script"
)

// Room that a picture needs and keeps.
const (
	timeColumns = 14 // of the true time
	noteColumns = 40 // of the words, at least
	minPitch    = 6
	maxPitch    = 12
)

// cast decides which lanes are drawn, in which order: leaders as the script
// lists them, each client beside the leader it begins at. When there is no
// room, those that take no part go first, then the last ones.
func cast(s *script.Scenario, drawn []beat, columns int) (l lanes, left []string) {
	room := columns - timeColumns - noteColumns
	all := order(s)
	if len(all) > room/minPitch {
		all = slices.DeleteFunc(all, func(n string) bool { return !takesPart(n, drawn) })
	}
	if most := max(2, room/minPitch); len(all) > most {
		left, all = slices.Clone(all[most:]), all[:most]
	}
	pitch := maxPitch
	if len(all) > 1 {
		pitch = min(maxPitch, max(minPitch, room/len(all)))
	}
	return lanes{names: all, pitch: pitch}, left
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

func takesPart(name string, drawn []beat) bool {
	return slices.ContainsFunc(drawn, func(b beat) bool { return b.from == name || b.to == name })
}
