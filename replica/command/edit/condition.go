package edit

import (
	"bytes"

	"kvd/replica"
	"kvd/replica/resp"
	"kvd/resolve"
)

// Condition is what a key must show.
type Condition struct {
	Value []byte
	Kind  conditionKind
}

type conditionKind uint8

const (
	AnyValue   conditionKind = iota
	IfEqual                  // IFEQ
	ifNotEqual               // IFNE
)

// holds reports whether what the key shows fits. An absent key equals nothing.
func (c Condition) holds(r resolve.Reading, pick bool) (bool, error) {
	if c.Kind == AnyValue {
		return true, nil
	}
	value, there, err := One(r, pick)
	return (there && bytes.Equal(value, c.Value)) == (c.Kind == IfEqual), err
}

// Compares reports whether argument i is the name of a condition.
func (k Words) Compares(i int) bool {
	return k.Is(i, "IFEQ") || k.Is(i, "IFNE") || k.Is(i, "IFDEQ") || k.Is(i, "IFDNE")
}

// ParseCondition reads arguments i, a condition's name, and i+1.
func (k Words) ParseCondition(i int) (c Condition, err error) {
	switch {
	case k.Is(i, "IFDEQ"), k.Is(i, "IFDNE"):
		return c, resp.Error("ERR digests are not supported; use IFEQ or IFNE, and the value")
	case i+1 == len(k.Args):
		return c, resp.ErrSyntax
	}
	if c.Kind = ifNotEqual; k.Is(i, "IFEQ") {
		c.Kind = IfEqual
	}
	c.Value = k.Bytes(i + 1)
	return c, nil
}

// RemoveIf removes what the key shows if that fits.
func RemoveIf(c Condition, pick bool) Decider {
	return func(p replica.Present) (replica.Write, error) {
		if ok, err := c.holds(p.Reading, pick); err != nil || !ok {
			return replica.Write{Verb: replica.Get}, err
		}
		return RemovePresent(p)
	}
}

// BetweenLeaders is what a comparison can promise: it and the write are one step at one leader.
// Another leader may change the key at the same moment and learns of this one
// later, so that two of them can find the same value and each write.
const BetweenLeaders = " It is one step at this leader. Another leader may write the key at the same moment: then what the key's resolver keeps stands, and both have been told that they wrote."
