// Package trace is what happened in one run, in order of true time: typed facts
// that explanations, pictures and hashes are rendered from. It knows nothing of how
// they came about.
package trace

import (
	"bytes"
	"fmt"
	"iter"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/vmihailenco/msgpack/v5"

	"kvd/logical"
	"kvd/wallclock"
)

// Kind is what sort of thing happened.
type Kind uint8

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
	Retracted                 // at a leader (Where), Label turned out to be seen after all
	Moved                     // a client (Where) turns to another leader (Peer)
	Waiting                   // after settling, a client (Where) still waits for Peer's answer about Label; Text says what waits behind it
	Final                     // after settling, Where shows Values for Key
	Started                   // a leader (Where) runs again, and shows After of Key
	Granted                   // about a lock or a client that stands still: what Where does, or where that is empty what happened, in Text
)

var kindNames = [...]string{"", "fault", "sent", "accepted", "acked", "failed", "shown", "shipped", "missed", "applied", "lost", "retracted", "moved", "waiting", "final", "started", "granted"}

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
	Dot    logical.Dot        // Accepted, Acked, Applied, Lost
	Dots   []logical.Dot      // Shown, Acked, Final: the writes behind Values, deletions among them; Accepted: what the op went over
	Clock  wallclock.Interval // what Where's wall clock showed; Accepted: the op's stamp
	Text   string             // free words for people

	Arrives time.Duration   // Shipped: true time at which the first copy arrives; zero: not known
	HLC     logical.HLC     // Accepted: the op's stamp
	Lamport logical.Lamport // Accepted: the op's stamp
	After   []logical.Dot   // Accepted, Applied, Started: the writes behind what Where shows of Key right after
	Total   string          // with After, of a counter: the number shown, which no single write holds

	Again int           `msgpack:"-"` // Shipped, Missed: how often it was sent again in vain; see Repeat
	Until time.Duration `msgpack:"-"` // with Again: true time of the last time
}

// Trace is the events of one run in order, encoded: a long run has millions of them, and
// most of their texts come again and again. The zero Trace is empty.
type Trace struct {
	n     int
	data  bytes.Buffer
	enc   *msgpack.Encoder // writes to data and numbers texts; nil: nothing was added yet
	again map[int]repeat   // by index
}

// repeat is that an event happened again.
type repeat struct {
	times int
	until time.Duration
}

// Of is a trace of these events.
func Of(events ...Event) *Trace {
	t := new(Trace)
	for _, e := range events {
		t.Add(e)
	}
	return t
}

// Len is how many events there are.
func (t *Trace) Len() int { return t.n }

// Add appends an event and returns its index. It keeps no slice of it.
func (t *Trace) Add(e Event) int {
	if t.enc == nil {
		t.enc = msgpack.NewEncoder(&t.data)
		t.enc.UseArrayEncodedStructs(true)
		t.enc.UseCompactInts(true)
		t.enc.UseInternedStrings(true)
	}
	if err := t.enc.Encode(&e); err != nil {
		panic(err) // neither memory nor an event's fields refuse
	}
	if e.Again > 0 {
		t.repeated(t.n, repeat{e.Again, e.Until})
	}
	t.n++
	return t.n - 1
}

// Repeat notes that the event of an index happened again at true time
// at, and changed nothing: a message that is sent over and over is one event.
func (t *Trace) Repeat(index int, at time.Duration) {
	t.repeated(index, repeat{t.again[index].times + 1, at})
}

func (t *Trace) repeated(index int, r repeat) {
	if t.again == nil {
		t.again = map[int]repeat{}
	}
	t.again[index] = r
}

// All yields the events in order. The slices of each are the caller's.
func (t *Trace) All() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		dec := msgpack.NewDecoder(bytes.NewReader(t.data.Bytes()))
		dec.UseInternedStrings(true)
		for i := range t.n {
			var e Event
			if err := dec.Decode(&e); err != nil {
				panic(err) // a trace never leaves memory
			}
			if r, ok := t.again[i]; ok {
				e.Again, e.Until = r.times, r.until
			}
			if !yield(e) {
				return
			}
		}
	}
}

// Hash is equal for equal traces: the whole of every event goes into it.
func (t *Trace) Hash() uint64 {
	h := xxhash.New()
	for e := range t.All() {
		fmt.Fprintf(h, "%d|%d|%q|%q|%q|%q|%q|%q|%s|%s|%d|%d|%q|%d|%d|%d|%d|%d|%d|%s|%q\n", e.At, e.Kind, e.Where, e.Peer, e.Label, e.Other,
			e.Key, e.Values, e.Dot, e.Dots, e.Clock.Earliest, e.Clock.Latest, e.Text, e.Again, e.Until,
			e.Arrives, e.HLC.Wall, e.HLC.Count, e.Lamport, e.After, e.Total)
	}
	return h.Sum64()
}
