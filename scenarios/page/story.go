package page

import (
	"fmt"
	"time"
)

// Never is the time of what did not happen, or of which nobody knows when.
const Never = time.Duration(-1)

// None is the index of nothing.
const None = -1

// Story is what one page shows: one history, under each of several rules. Indexes are
// into the lists of the story or of the run; times are since Zero.
type Story struct {
	Name  string
	Title string    // one sentence; empty: there is none
	Prose string    // what happens and why; empty: there is none
	Again string    // the command that plays it again; empty: there is none
	Zero  time.Time // the calendar instant of time zero
	Lanes []Lane    // from top to bottom
	Keys  []string
	Runs  []Run
}

// Lane is one participant.
type Lane struct {
	Name   string
	Leader bool // has a clock and shows values; others are clients
	Home   int  // of a client: the lane of the leader that it begins at, or None
}

// Run is the history under one rule.
type Run struct {
	Name     string // of the rule
	Counts   Counts
	End      time.Duration
	Ops      []Op      // in the order in which they were accepted
	Messages []Message // by Sent
	Readings []Reading // by At
	Bands    []Band    // by From
	Losses   []Loss
	Clocks   []Clock
	Promises []Promise
	Notes    []string // what is not drawn, and why
}

// Counts is what the run came to, of acknowledged updates. Lost is the four classes below
// it and Unrelated together.
type Counts struct {
	Acked       int    `json:"acked"`
	Accounted   int    `json:"accounted"`
	Lost        int    `json:"lost"`
	Inverted    int    `json:"inverted"`
	Concurrent  int    `json:"concurrent"`
	Durability  int    `json:"durability"`
	Resurrected int    `json:"resurrected"`
	Overcounted int    `json:"overcounted"`
	Unrelated   int    `json:"unrelated"` // of the lost, in none of the classes: what they went over nobody observed
	Siblings    int    `json:"siblings"`  // most values any leader shows for one key in the end
	Session     string `json:"session"`   // kept, broken; empty: nobody asked
	Converged   bool   `json:"converged"`
}

// Op is one write that a leader accepted.
type Op struct {
	Label  string // of the update; a request that was accepted twice has two ops of one label
	Dot    string // the name that its leader gave it; empty: not known
	Key    int
	Client int // lane, or None
	Leader int // lane
	At     time.Duration
	Acked  time.Duration // when its client was told that it is durable; Never: it was not
	Words  string        // what its client asked for
	Value  string        // what it writes, shortened to maxValue
	Delete bool
	Over   []int // the ops that its author had been shown

	// The three stamps; Stamped says which are known.
	Stamped          Stamps
	Earliest, Latest time.Duration // what its leader's clock showed: true time was said to be between them
	HLCWall          time.Duration // as a clock showed it
	HLCCount         uint32
	Lamport          uint64
}

// Stamps says which stamps of an op are known.
type Stamps uint8

// The stamps.
const (
	Wall Stamps = 1 << iota
	Logical
)

// MessageKind is what a message is for.
type MessageKind uint8

// The kinds of messages.
const (
	Request MessageKind = iota // from a client to a leader
	Reply                      // from a leader to a client
	Ship                       // an op, from a leader to another
)

// Message is one message, or an attempt at one.
type Message struct {
	Kind     MessageKind
	From, To int // lanes
	Op       int // what it is about, or None: a read, or a write that nobody accepted
	Sent     time.Duration
	Arrives  time.Duration // Never: it is lost
	Applied  time.Duration // Ship: when To applied it; Never: To had it already, or never did
	Words    string        // Request, Reply: what is asked or answered
	Again    int           // how often it was sent again in vain
	Guessed  bool          // nobody saw it being sent: Sent is when its op was accepted
}

// Reading is a leader beginning to show something else for a key.
type Reading struct {
	At        time.Duration
	Lane, Key int
	Ops       []int  // the writes it shows, deletions among them
	Text      string // what it shows, if that is not what the Ops write; else empty
}

// Band is something wrong with some lanes for a while, or something done to them at an
// instant.
type Band struct {
	Kind     BandKind
	Lanes    []int // none: all
	From, To time.Duration
	Words    string
}

// BandKind is what sort of trouble a band is.
type BandKind string

// The kinds of bands. An Event is over at once.
const (
	Cut    BandKind = "cut"    // messages between some of the lanes are lost
	Paused BandKind = "paused" // the process stands still
	Down   BandKind = "down"   // the process does not run
	Wiped  BandKind = "wiped"  // it does not run, and its disk has been emptied or replaced
	Frozen BandKind = "frozen" // its clock stands still
	Event  BandKind = "event"
)

// Loss is an acknowledged update that is lost in the end.
type Loss struct {
	Op    int
	By    int           // the op that a leader first preferred to it, or None
	Left  int           // the op that survives in its place in the end, or None
	Class string        // inverted, concurrent, durability, resurrected, unrelated
	At    time.Duration // when some leader first preferred another; else when it was acknowledged
	Lane  int           // that leader, or None: no leader knows of it
	Why   string        // the comparison that decided; empty: nobody recorded one
	Until time.Duration // the last moment at which it could still have been avoided, or Never
	Avoid string        // what is known of that; empty: nobody looked
}

// Clock is the wall clock of one leader, straight between its points. Where a clock jumps
// there are two points at one instant.
type Clock struct {
	Lane   int
	Points []ClockPoint // by At
}

// ClockPoint is how far a clock is off, and how far it says it may be.
type ClockPoint struct {
	At     time.Duration
	Offset time.Duration // shown minus true time
	Error  time.Duration // the half-width it claims
}

// Promise is something that the run was to keep.
type Promise struct {
	Words string
	Held  bool
	Why   string // when broken
}

// Validate reports the first index of the story that points nowhere.
func (s *Story) Validate() error {
	for i := range s.Runs {
		r := &s.Runs[i]
		if err := s.validate(r); err != nil {
			return fmt.Errorf("story %s, run %s: %w", s.Name, r.Name, err)
		}
	}
	return nil
}

func (s *Story) validate(r *Run) error {
	lane := func(i int) bool { return i >= None && i < len(s.Lanes) }
	op := func(i int) bool { return i >= None && i < len(r.Ops) }
	for i, o := range r.Ops {
		if o.Key < 0 || o.Key >= len(s.Keys) || o.Leader < 0 || !lane(o.Leader) || !lane(o.Client) {
			return fmt.Errorf("op %d (%s) is of no key, leader or client of the story", i, o.Label)
		}
		for _, p := range o.Over {
			if p < 0 || !op(p) {
				return fmt.Errorf("op %d (%s) goes over op %d, and there is none", i, o.Label, p)
			}
		}
	}
	for i, m := range r.Messages {
		if m.From < 0 || m.To < 0 || !lane(m.From) || !lane(m.To) || !op(m.Op) {
			return fmt.Errorf("message %d goes from lane %d to %d about op %d", i, m.From, m.To, m.Op)
		}
	}
	for i, x := range r.Readings {
		if x.Lane < 0 || !lane(x.Lane) || x.Key < 0 || x.Key >= len(s.Keys) {
			return fmt.Errorf("reading %d is of lane %d, key %d", i, x.Lane, x.Key)
		}
		for _, o := range x.Ops {
			if o < 0 || !op(o) {
				return fmt.Errorf("reading %d shows op %d, and there is none", i, o)
			}
		}
	}
	for i, l := range r.Losses {
		if l.Op < 0 || !op(l.Op) || !op(l.By) || !op(l.Left) || !lane(l.Lane) {
			return fmt.Errorf("loss %d is of op %d to op %d at lane %d", i, l.Op, l.By, l.Lane)
		}
	}
	return nil
}
