// Package trace is what happened in one run, in order of true time: typed facts
// that stories, pictures and hashes are rendered from. It knows nothing of how
// they came about.
package trace

import (
	"fmt"
	"hash/fnv"
	"io"
	"time"

	"kvd/logical"
	"kvd/wallclock"
)

// Kind is what sort of thing happened.
type Kind uint8

// The kinds.
const (
	Fault     Kind = 1 + iota // Text says which
	Sent                      // a client (Where) sends a request to a leader (Peer)
	Accepted                  // a leader (Where) made Label an op
	Acked                     // a client (Where) was told that Label is durable at Peer
	Failed                    // a client (Where) was told no, or gave up; Text says why
	Shown                     // a client (Where) was shown Values of Key by Peer
	Shipped                   // a leader (Where) sent Label to Peer
	Missed                    // the network dropped Label on its way from Where to Peer
	Applied                   // a leader (Where) applied Label, which came from Peer
	Lost                      // at a leader (Where), Label lost to Other; Text says how
	Withdrawn                 // at a leader (Where), Label turned out to be seen after all
	Moved                     // a client (Where) turns to another leader (Peer)
	Waiting                   // after settling, a client (Where) still waits for Peer's answer about Label; Text says what waits behind it
	Final                     // after settling, Where shows Values for Key
)

var kindNames = [...]string{"", "fault", "sent", "accepted", "acked", "failed", "shown", "shipped", "missed", "applied", "lost", "withdrawn", "moved", "waiting", "final"}

// String names the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Event is one fact. Fields that do not apply are zero.
type Event struct {
	At     time.Duration // true time since the scenario's zero
	Kind   Kind
	Where  string             // leader or client
	Peer   string             // the other end
	Label  string             // the update, by its label in the script or a made-up one
	Other  string             // Lost: the label of what beat it
	Key    string             // what it is about
	Values []string           // Shown, Final: what was shown; Accepted: what the op writes
	Dot    logical.Dot        // Accepted, Applied, Lost
	Clock  wallclock.Interval // what Where's wall clock showed; Accepted: the op's stamp
	Text   string             // free words for people
}

// Trace is the events of one run in order.
type Trace struct {
	Events []Event
}

// Add appends an event.
func (t *Trace) Add(e Event) { t.Events = append(t.Events, e) }

// Hash is equal for equal traces: the whole of every event goes into it.
func (t *Trace) Hash() uint64 {
	h := fnv.New64a()
	for i := range t.Events {
		t.Events[i].write(h)
	}
	return h.Sum64()
}

func (e *Event) write(w io.Writer) {
	fmt.Fprintf(w, "%d|%d|%q|%q|%q|%q|%q|%q|%s|%d|%d|%q\n", e.At, e.Kind, e.Where, e.Peer, e.Label, e.Other,
		e.Key, e.Values, e.Dot, e.Clock.Earliest, e.Clock.Latest, e.Text)
}
