package blackbox

import (
	"fmt"
	"time"

	"kvd/resolve/replay"
	"kvd/wallclock"
)

// Report is what a history comes to.
type Report struct {
	Ops, Reads     int
	Clients, Nodes int
	Keys           int
	Took           time.Duration // from the first start to the last end
	Kinds          []KindReport  // of the kinds that occur
	ByNode         []NodeReport
	Losses         []Loss // the first of them, by line
	Skipped        []Skipped
	NotJudged      int // keys, and not only those listed
	Clocks         Clocks
	Problems       []Problem // what cannot be true, the first of them
	Impossible     int       // how many
	Passes         int
}

// KindReport is the keys of one kind. Of the acknowledged updates of all: Acked = Present
// + Superseded + Lost + Divided + Unknown.
type KindReport struct {
	Kind       Kind
	Keys       int
	Unread     int // keys without a final reading
	Acked      int
	Present    int // shown at the end
	Superseded int // in the past of what is shown
	Lost       int
	Divided    int // some final readings have it
	Unknown    int

	// Of the lost.
	Inverted, Concurrent, Unrelated int
	Unnamed                         int   // counted, without knowing which
	Presumed                        int   // named, on the presumption that a node goes on from its own number
	Missing                         int64 // of counters: acknowledged less present, as an amount

	Indeterminate int // updates without a reply
	Shown         int // of those: seen to have been done, where values can tell
	ShownLost     int // and gone again
	Failed        int // updates that were refused
	Overcounted   int // increments that nobody is known to have asked for

	Outcomes []replay.Outcome // by resolver
}

// NodeReport is one node's updates.
type NodeReport struct {
	Node        string
	Acked, Lost int // as named
	Survivors   int // updates that survive where others are lost
}

// Skipped is a key that is not judged.
type Skipped struct{ Key, Why string }

// Problem is what cannot be true in a history whose times are of one clock.
type Problem struct {
	Line int
	Why  string
}

// Lost is all acknowledged updates that are certainly gone.
func (r *Report) Lost() int {
	n := 0
	for i := range r.Kinds {
		n += r.Kinds[i].Lost
	}
	return n
}

// Caveat is printed with every report.
const Caveat = "What other resolvers would have lost is the recorded history judged by other rules, not what would have happened: clients would have been shown other values and might have written something else."

// Took is how long that is.
func took(from, to wallclock.Instant) time.Duration { return time.Duration(max(0, to-from)) }

func textSame(node string, a need) string {
	return fmt.Sprintf("at %s the update of line %d survives that of line %d, which was begun %s later at the same node", node, a.over, a.line, time.Duration(a.ahead))
}

func textBoth(x, y string, a, b need) string {
	return fmt.Sprintf("line %d at %s beats line %d at %s, begun %s later, and line %d at %s beats line %d at %s, begun %s later: no offsets of the two clocks do both",
		a.over, y, a.line, x, time.Duration(a.ahead), b.over, x, b.line, y, time.Duration(b.ahead))
}
