package resolve

import (
	"kvd/logical"
	"kvd/wallclock"
)

// Relation is the relation of a version that no longer survives to the one that does.
type Relation uint8

// The relations. Their numbers are stored.
const (
	// Superseded: the winner's author had, directly or through others, been
	// shown the loser. Nothing is lost.
	Superseded Relation = iota
	// Inverted: where the loser was accepted, a version that its author had been
	// shown survived it. The later write lost: DDIA figure 8-3.
	Inverted
	// Concurrent: no survivor's author had seen the loser, and what beat it was
	// not among what its own author had seen.
	Concurrent
)

var relations = [...]string{Superseded: "superseded", Inverted: "inverted", Concurrent: "concurrent"}

// String names the relation.
func (r Relation) String() string {
	if int(r) < len(relations) {
		return relations[r]
	}
	return "unknown"
}

// Lost reports whether a write in this relation is gone unseen.
func (r Relation) Lost() bool { return r != Superseded }

// Verdict is what folding one op decided about one version, under every resolver
// that came to it: those that agree share one.
type Verdict struct {
	Resolvers Mask
	Relation  Relation
	// Retracted is set when Loser had been recorded as lost and no longer is: a
	// survivor turned out to have seen it, or it survives again.
	Retracted bool
	Loser     logical.Dot
	Winner    logical.Dot // a survivor at the time of the verdict
}

// Loss is one row of the ledger: an acknowledged write that a resolver threw
// away although nobody who overwrote it had seen it.
type Loss struct {
	Resolver ID
	Relation Relation // Inverted or Concurrent
	Key      string
	Loser    logical.Dot
	Winner   logical.Dot        // a survivor when it was decided
	At       wallclock.Interval // the deciding leader's clock
}

// History is the past as folding asks for it, and it asks only where versions
// collide. All answers concern ops applied here; staged ones are included, and
// the op being folded is among them.
type History interface {
	// Op is the op with dot d. False: no longer in the log. The op is shared
	// and must not be changed.
	Op(d logical.Dot) (*Op, bool)
	// Duplicates is all dots of a request that several leaders accepted, d among
	// them, sorted: those that are applied. None: d is the only one. They are
	// shared and must not be changed, and may be writes to other keys.
	Duplicates(d logical.Dot) []logical.Dot
	// Lost is the resolvers under which the ledger holds d as lost.
	Lost(key string, d logical.Dot) Mask
}
