package world

import (
	"fmt"
	"time"

	"kvd/resolve"
)

// explain says in words which comparison decided a verdict.
func explain(v resolve.Verdict, loser, winner *resolve.Op) string {
	if v.Withdrawn {
		return "a survivor's author had seen it after all"
	}
	if loser == nil || winner == nil {
		return v.Relation.String()
	}
	return fmt.Sprintf("%s; %s", comparison(v.Resolver, loser, winner), known(v.Relation))
}

// comparison puts the two stamps beside each other.
func comparison(id resolve.ID, loser, winner *resolve.Op) string {
	switch id {
	case resolve.LWW:
		return fmt.Sprintf("wall clock %s against %s, %s ahead", clock(loser.Wall.Midpoint().Time()), clock(winner.Wall.Midpoint().Time()),
			winner.Wall.Midpoint().Sub(loser.Wall.Midpoint()))
	case resolve.Interval:
		return fmt.Sprintf("interval ends at %s, the other begins at %s", clock(loser.Wall.Latest.Time()), clock(winner.Wall.Earliest.Time()))
	case resolve.Lamport:
		return fmt.Sprintf("lamport %d against %d", loser.Lamport, winner.Lamport)
	}
	return fmt.Sprintf("hlc %s+%d against %s+%d", clock(time.Unix(0, loser.HLC.Wall).UTC()), loser.HLC.Count,
		clock(time.Unix(0, winner.HLC.Wall).UTC()), winner.HLC.Count)
}

// known says how the two stood to each other.
func known(r resolve.Relation) string {
	if r == resolve.Inverted {
		return "the loser's author had been shown the winner"
	}
	return "no survivor's author had seen it"
}

func clock(t time.Time) string { return t.Format("15:04:05.000000") }
