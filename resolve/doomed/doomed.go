// Package doomed is what becomes of a write that would lose where it is accepted: a stamp
// that the leader knows already beats it.
package doomed

import (
	"fmt"
	"slices"
	"strings"
)

// Fate is what the leader does with it.
type Fate uint8

// The fates. The zero Fate is what most stores do.
const (
	Accept Fate = iota // it is acknowledged, and lost: the ledger records it
	Refuse             // an error is answered, and nothing is stored
	Lift               // its stamp is raised just above what beats it; the op keeps what the clock showed
)

var names = [...]string{Accept: "accept", Refuse: "refuse", Lift: "lift"}

// Names lists all fates.
func Names() []string { return slices.Clone(names[:]) }

// String names the fate.
func (f Fate) String() string { return names[f] }

// Parse reads a name.
func Parse(name string) (Fate, error) {
	if i := slices.Index(names[:], name); i >= 0 {
		return Fate(i), nil
	}
	return Accept, fmt.Errorf("%.64q is nothing that can become of a doomed write; choose one of %s", name, strings.Join(names[:], ", "))
}
