package world

import (
	"fmt"
	"strings"
	"time"

	"kvd/resolve"
)

// explain says in words which comparison decided a verdict.
func explain(id resolve.ID, v resolve.Verdict, loser, winner *resolve.Op) string {
	if v.Retracted {
		return "a survivor's author had seen it after all"
	}
	if loser == nil || winner == nil {
		return v.Relation.String()
	}
	return fmt.Sprintf("%s; %s", comparison(id, loser, winner), known(v.Relation))
}

// tied is said of stamps that are equal.
const tied = "equal, so a hash of key and dot decides"

// comparison gives the two stamps.
func comparison(id resolve.ID, loser, winner *resolve.Op) string {
	text, equal := "", false
	switch id {
	case resolve.LWW:
		ahead := winner.Wall.Midpoint().Sub(loser.Wall.Midpoint())
		text, equal = fmt.Sprintf("wall clock %s against %s, ", clock(loser.Wall.Midpoint().Time()), clock(winner.Wall.Midpoint().Time())), ahead == 0
		if !equal {
			text += ahead.String() + " ahead"
		}
	case resolve.Interval:
		return fmt.Sprintf("interval ends at %s, the other begins at %s", clock(loser.Wall.Latest.Time()), clock(winner.Wall.Earliest.Time()))
	case resolve.Lamport:
		text, equal = fmt.Sprintf("lamport %d against %d", loser.Lamport, winner.Lamport), loser.Lamport == winner.Lamport
	default:
		text, equal = fmt.Sprintf("hlc %s+%d against %s+%d", clock(time.Unix(0, loser.HLC.Wall).UTC()), loser.HLC.Count,
			clock(time.Unix(0, winner.HLC.Wall).UTC()), winner.HLC.Count), loser.HLC == winner.HLC
	}
	if equal {
		text = strings.TrimSuffix(text, ", ") + ", " + tied
	}
	return text
}

// known says how the two are related.
func known(r resolve.Relation) string {
	if r == resolve.Inverted {
		return "the loser's author had been shown the winner"
	}
	return "no survivor's author had seen it"
}

func clock(t time.Time) string { return t.Format("15:04:05.000000") }
