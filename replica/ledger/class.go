package ledger

import (
	"kvd/resolve"
	"kvd/resolve/replay"
)

// Class is what kind of intent a write was, or was lost.
type Class uint8

// The classes.
const (
	AnyWrite  Class = iota // a value that somebody set, or a write of which nothing is left
	Increment              // an addition, or what looks like one: a write of a number a little off the one that was read
	Deletion               // a deletion; when it is lost, what it deleted is shown again
)

// String names the class.
func (c Class) String() string {
	switch c {
	case Increment:
		return "increment"
	case Deletion:
		return "deletion"
	}
	return "write"
}

// Class is the kind of intent that was lost.
func (d *LossRecord) Class() Class { return classOf(d.Was.Kind, d.Was.Delta, len(d.Was.Parents)) }

// classOf is that of a write with so many parents. Of a write that the log no longer
// holds they are not known, and a number is then a number.
func classOf(k resolve.Kind, delta int64, parents int) Class {
	switch {
	case k == resolve.Delete:
		return Deletion
	case replay.Increment(k, delta, parents > 0):
		return Increment
	}
	return AnyWrite
}
