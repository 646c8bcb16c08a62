package blackbox

import (
	"fmt"
	"iter"

	"kvd/wallclock"
)

// Verb is what a client asked for.
type Verb uint8

// The verbs.
const (
	Get    Verb = 1 + iota // read the key
	Set                    // write Value over whatever is there
	Update                 // write Value over Shown, read before (read-modify-write)
	Del                    // remove the key
	Incr                   // let the server add Delta
	Add                    // add the element Value to a set: over Shown, or by the server
)

var verbs = [...]string{Get: "get", Set: "set", Update: "update", Del: "del", Incr: "incr", Add: "add"}

// String names the verb.
func (v Verb) String() string {
	if int(v) < len(verbs) {
		return verbs[v]
	}
	return ""
}

// Verbs names all verbs.
func Verbs() []string { return verbs[Get:] }

// ParseVerb reads a verb's name; false: there is none of that name.
func ParseVerb(name string) (Verb, bool) {
	for v := Get; int(v) < len(verbs); v++ {
		if verbs[v] == name {
			return v, true
		}
	}
	return 0, false
}

// Outcome is what became of an op, as far as its client knows.
type Outcome uint8

// The outcomes.
const (
	Acked         Outcome = iota // the reply said yes
	Indeterminate                // no reply: it may have been done, then or later
	Failed                       // it certainly did nothing
)

// Reading is what a key showed.
type Reading struct {
	Known bool
	// Values is one value of a register, its siblings, or the elements of a set; none:
	// the key was absent.
	Values []string
}

// Op is one operation of a client. Its receiver owns it.
type Op struct {
	Line    int // of the file, for messages
	Client  string
	Node    string // empty: not known
	Key     string
	Verb    Verb
	Value   string  // Set, Update, Add
	Delta   int64   // Incr
	Shown   Reading // Update, Add: what the author's value was made of
	Read    Reading // Get: what it showed; Incr: the number afterwards
	Start   wallclock.Instant
	End     wallclock.Instant // of an indeterminate op it means nothing
	Stamp   wallclock.Instant // what the node's clock said; zero: not known
	Outcome Outcome
	Final   bool // Get: the last of its node
}

// Validate says what the op lacks to be one.
func (o *Op) Validate() error {
	switch {
	case o.Verb.String() == "":
		return fmt.Errorf("the op has no verb")
	case o.Verb == Get && o.Outcome == Acked && !o.Read.Known:
		return fmt.Errorf("a get that was answered says what it showed")
	case o.Verb == Update && !o.Shown.Known:
		return fmt.Errorf("an update says what its author had been shown; a write over whatever is there is a set")
	case o.Verb == Incr && o.Delta == 0:
		return fmt.Errorf("an incr of zero changes nothing")
	case o.Outcome != Indeterminate && o.End < o.Start:
		return fmt.Errorf("the op ends before it begins; both are read on one clock")
	}
	return nil
}

// Source is a history that can be gone through repeatedly.
type Source interface {
	All() iter.Seq[*Op]
	// Err is why the last time ended early; nil: it did not.
	Err() error
}
