package script

import (
	"cmp"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"time"
)

// Scenario is one script. It owns everything it points to.
type Scenario struct {
	Prose    string // the txtar head: empty, or whole lines
	Name     string
	Title    string // one sentence, empty when the script has none
	Model    Model
	Leaders  []string
	Policies []Policy
	Shadows  []string // resolvers that watch every key, or ShadowAll alone
	Settings Settings // of every leader
	Seed     uint64   // of all chance; zero: unstated
	Setup    []Setup  // done in this order before true time zero
	Clients  []Client
	Events   []Event       // in the order written, which is not the order of time
	Settle   time.Duration // faults are frozen; the rest must converge within it
	Checks   []Check
	Expect   Table
	Notes    map[string]Notes // by verb: those of lines that are there once; "": those below the last line
}

// Notes are the comment lines ("# ...") and blank lines ("") directly above a
// line of the script.
type Notes []string

// Timing says what the network and the clocks may do.
type Timing string

// The timing models, from the kindest to the harshest. Partially synchronous
// and asynchronous histories admit the same faults here; the difference is
// whether the cluster may rely on them ending.
const (
	Synchronous          Timing = "synchronous"
	PartiallySynchronous Timing = "partially-synchronous"
	Asynchronous         Timing = "asynchronous"
)

// Nodes says how leaders may fail.
type Nodes string

// The node models, from the kindest to the harshest.
const (
	CrashStop     Nodes = "crash-stop"
	CrashRecovery Nodes = "crash-recovery"
	Byzantine     Nodes = "byzantine"
)

// Model is the system model the history belongs to.
type Model struct {
	Timing Timing
	Nodes  Nodes
}

// DefaultModel is what a script without a model line means.
func DefaultModel() Model { return Model{Asynchronous, CrashRecovery} }

func (m Model) String() string { return fmt.Sprintf("timing=%s nodes=%s", m.Timing, m.Nodes) }

// Policy says which resolver serves the keys that begin with Prefix.
type Policy struct {
	Notes      Notes
	Prefix     string
	Resolver   string // or UnderTest
	Pick       bool   // a plain read of several values shows one
	CommitWait bool   // of interval: a write is acknowledged when its stamp is surely past
	Doomed     string // what becomes of a write that would lose where it is accepted; "": unstated, as accept
}

// UnderTest, as a Policy's Resolver, is the resolver that the scenario is played under. Options
// that it has no use for do nothing then.
const UnderTest = "*"

// ShadowAll, as the only one of a Scenario's Shadows, is every resolver.
const ShadowAll = "all"

// Settings are those of every leader; unstated ones are the leaders' own defaults.
type Settings struct {
	GateOps, WindowOps, BatchOps, Waiting, MaxSiblings Opt[int]
	History                                            Opt[int] // bytes of log that stay when every leader has them
	Pinned                                             Opt[int] // the same at most when one lacks them, which then gets the state of another
	MaxDrift, TokenWait, QuarantineBeyond              Opt[time.Duration]
	Quarantine                                         Quarantine // of a leader whose clock most others contradict
}

// Quarantine is the keys that a leader takes no writes of while its clock is in quarantine.
type Quarantine string

// The quarantines. Unstated it warns.
const (
	QuarantineWarn   Quarantine = "warn"   // none
	QuarantineStamps Quarantine = "stamps" // those of lww, hlc and interval
	QuarantineAll    Quarantine = "all"
)

// ComparesClocks reports whether something follows from what leaders tell each other of
// their clocks.
func (s Settings) ComparesClocks() bool {
	return s.Quarantine != "" && s.Quarantine != QuarantineWarn
}

// Simulated reports whether a setting is stated that exists in the simulation only.
func (s Settings) Simulated() bool {
	if s.Quarantine == QuarantineWarn {
		s.Quarantine = ""
	}
	return s != Settings{}
}

// Client is someone who reads and writes, beginning at leader At.
type Client struct {
	Notes   Notes
	Name    string
	At      string
	Session bool          // carries its token from leader to leader
	Timeout time.Duration // default for its operations; zero: waits for ever
	Retry   string        // default for its operations: a leader, RetrySame, RetryNext or ""
}

// What a Retry may be beside a leader.
const (
	RetrySame = "same" // the same request goes to the same leader again
	RetryNext = "next" // it goes to one leader after another, as the leaders line names them
)

// Again is the leader that a request goes to after at, by the operation's retry or
// else by its client's; "": to none.
func (s *Scenario) Again(operation, client, at string) string {
	switch to := cmp.Or(operation, client); to {
	case RetrySame:
		return at
	case RetryNext:
		return s.Leaders[(slices.Index(s.Leaders, at)+1)%len(s.Leaders)]
	default:
		return to
	}
}

// Keys lists every key that the script names, sorted.
func (s *Scenario) Keys() []string {
	var keys []string
	for a := range s.Actions() {
		if op, ok := a.(ClientOp); ok && op.Key != "" {
			keys = append(keys, op.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// KeyOf is the key of the operation with the label; "": there is none.
func (s *Scenario) KeyOf(label string) string {
	for a := range s.Actions() {
		if op, ok := a.(ClientOp); ok && op.Label == label && label != "" {
			return op.Key
		}
	}
	return ""
}

// Actions yields what is done, before true time zero and after.
func (s *Scenario) Actions() iter.Seq[Action] {
	return func(yield func(Action) bool) {
		for i := range s.Setup {
			if !yield(s.Setup[i].Action) {
				return
			}
		}
		for i := range s.Events {
			if !yield(s.Events[i].Action) {
				return
			}
		}
	}
}

// Setup is an action without a trigger: it is done before true time zero.
type Setup struct {
	Notes  Notes
	Action Action
}

// Event is an action and what triggers it.
type Event struct {
	Notes   Notes
	Trigger Trigger
	Action  Action
}

// Times is how often the event happens.
func (e Event) Times() int {
	if every, ok := e.Trigger.(Every); ok {
		return every.Times
	}
	return 1
}

// Timed is the true time at which the event happens first and last, if its trigger says
// one.
func (e Event) Timed() (first, last time.Duration, ok bool) {
	switch t := e.Trigger.(type) {
	case At:
		return t.Time, t.Time, true
	case Every:
		return t.From, t.From + time.Duration(t.Times-1)*t.Period, true
	}
	return 0, 0, false
}

// String is the event's canonical line without padding and notes.
func (e Event) String() string { return e.Trigger.String() + " " + e.Action.String() }

// Table is the expect file: Columns, then Rows of as many cells each. A row of
// the single cell "..." means rows left out.
type Table struct {
	Columns []string
	Rows    [][]string
}

// Clone returns a copy that shares no memory with s that either may change.
// Empty slices become nil, so that equal scenarios are deeply equal.
func (s *Scenario) Clone() *Scenario {
	c := *s
	c.Leaders, c.Shadows = clone(s.Leaders), clone(s.Shadows)
	c.Policies = cloneEach(s.Policies, func(p *Policy) { p.Notes = clone(p.Notes) })
	c.Setup = cloneEach(s.Setup, func(u *Setup) { u.Notes, u.Action = clone(u.Notes), cloneAction(u.Action) })
	c.Clients = cloneEach(s.Clients, func(l *Client) { l.Notes = clone(l.Notes) })
	c.Events = cloneEach(s.Events, func(e *Event) { e.Notes, e.Action = clone(e.Notes), cloneAction(e.Action) })
	c.Checks = cloneEach(s.Checks, func(k *Check) { k.Notes, k.For = clone(k.Notes), clone(k.For) })
	c.Expect = Table{clone(s.Expect.Columns), cloneEach(s.Expect.Rows, func(r *[]string) { *r = clone(*r) })}
	c.Notes = map[string]Notes{}
	for verb, notes := range s.Notes {
		if len(notes) > 0 {
			c.Notes[verb] = clone(notes)
		}
	}
	return &c
}

// Validate says what Parse would say of the printed scenario: references,
// model, bounds and spelling. Positions in the error are those in Print's
// text.
func (s *Scenario) Validate() error {
	if i := s.hole(); i != "" {
		return fmt.Errorf("scenario %q is incomplete: %s", s.Name, i)
	}
	file := s.Name + " as printed"
	again, err := Parse(file, s.Print())
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(again, s.Clone()) {
		return fmt.Errorf("%s: a name, note or number does not survive printing: use what Parse could have returned", file)
	}
	return nil
}

// hole names the first line whose action or trigger is missing.
func (s *Scenario) hole() string {
	for i, u := range s.Setup {
		if u.Action == nil {
			return fmt.Sprintf("set-up line %d has no action", i)
		}
	}
	for i, e := range s.Events {
		if e.Trigger == nil || e.Action == nil {
			return fmt.Sprintf("event %d needs a trigger and an action", i)
		}
	}
	return ""
}

// clone copies s; nothing becomes nil.
func clone[S ~[]T, T any](s S) S { return append(S(nil), s...) }

// cloneEach copies s and lets deepen replace what each element points to.
func cloneEach[T any](s []T, deepen func(*T)) []T {
	c := clone(s)
	for i := range c {
		deepen(&c[i])
	}
	return c
}
