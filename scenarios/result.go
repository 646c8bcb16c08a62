package scenarios

import (
	"cmp"
	"time"

	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
	"kvd/storage/losses"
)

// Result is one scenario under one resolver with one seed.
type Result struct {
	Scenario string `json:"scenario"`
	Resolver string `json:"resolver"`
	Seed     uint64 `json:"seed"`
	Live     bool   `json:"live"`
	// Attempts is how often a live run was played until its schedule held.
	Attempts int `json:"attempts,omitempty"`

	// Values lists what a read at each leader shows: several strings are
	// siblings, none is absent.
	Values map[string]map[string][]string `json:"values"`

	oracle.Stats
	Refused             int     `json:"refused"`  // requests that a leader answered with an error
	Siblings            int     `json:"siblings"` // most values any leader shows for one key
	MetadataBytesPerKey float64 `json:"metadata_bytes_per_key"`
	Converged           bool    `json:"converged"`
	Session             string  `json:"session,omitempty"` // kept, broken; empty without session clients
	// Sessions is the verdict on each client that carries a token or moves.
	Sessions    map[string]string `json:"sessions,omitempty"`
	Promises    []Promise         `json:"promises"`
	Expectation string            `json:"expectation"` // held, broken, none (no row to compare with)

	Losses  []oracle.Loss     `json:"losses"`
	Serving map[string]string `json:"serving"` // the resolver of each key

	History    *history.History `json:"-"` // all that clients were told: what it takes to check who is lost
	ScriptSeed uint64           `json:"-"` // of its own; zero: none

	Trace   *trace.Trace        `json:"-"`
	Virtual time.Duration       `json:"-"` // how long the run took in virtual time
	Ops     int                 `json:"-"` // client requests sent
	Fired   world.Fired         `json:"-"` // what the run came upon
	Clocks  []world.ClockChange `json:"-"` // of its leaders, in order; nil where they are real
	// Ledgers is what became of all that each running leader inserted; empty holdings
	// for real leaders.
	Ledgers []losses.Stats `json:"-"`

	tokenless map[string]bool // the clients of Sessions that carry no token
}

// ExpectedSeed is the seed that the script's expectations are for.
func (r *Result) ExpectedSeed() uint64 { return cmp.Or(r.ScriptSeed, ExpectedSeed) }

// Promise is one check and whether it held.
type Promise struct {
	Check string        `json:"check"` // without the verb check
	Kind  string        `json:"kind"`  // safety, liveness
	Held  bool          `json:"held"`
	At    time.Duration `json:"at,omitempty"`  // safety: the violating moment, true time
	Why   string        `json:"why,omitempty"` // when broken
}

// Resolver is a conflict resolver, for those who need no more of it than its name.
type Resolver = resolve.ID

// Resolvers lists all resolvers in the order in which they are compared. The caller
// owns the list.
func Resolvers() []Resolver { return resolve.IDs() }

// ResolverNames lists their names in the same order.
func ResolverNames() []string { return resolve.All.Names() }

// ParseResolver reads a resolver's name. The error lists all names.
func ParseResolver(name string) (Resolver, error) { return resolve.ParseID(name) }
