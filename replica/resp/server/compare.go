package server

import (
	"bytes"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/resolve"
)

// What a comparison can promise: it and the write are one step at one leader.
// Another leader may change the key at the same moment and learns of this one
// later, so that two of them can find the same value and each write.
const betweenLeaders = " It is one step at this leader. Another leader may write the key at the same moment: then what the key's resolver keeps stands, and both have been told that they wrote."

// compareCommands write a key only if it shows a certain value.
func compareCommands() []command {
	only := keySpec{1, 1, 1}
	return []command{
		{name: "delex", arity: -2, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "8.4.0", plan: planDelEx, summary: "Removes a key if it shows (IFEQ), or does not show (IFNE), a value." + betweenLeaders},
		{name: "delifeq", arity: 3, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "9.0.0", plan: planDelIfEq, summary: "Removes a key if it shows a value: how a lock is released." + betweenLeaders},
	}
}

// condition is what a key must show.
type condition struct {
	value []byte
	kind  conditionKind
}

type conditionKind uint8

const (
	anyValue   conditionKind = iota
	ifEqual                  // IFEQ
	ifNotEqual               // IFNE
)

// holds reports whether what the key shows fits. An absent key equals nothing.
func (c condition) holds(r resolve.Reading, pick bool) (bool, error) {
	if c.kind == anyValue {
		return true, nil
	}
	value, there, err := one(r, pick)
	return (there && bytes.Equal(value, c.value)) == (c.kind == ifEqual), err
}

// compares reports whether argument i is the name of a condition.
func (k *call) compares(i int) bool {
	return k.is(i, "IFEQ") || k.is(i, "IFNE") || k.is(i, "IFDEQ") || k.is(i, "IFDNE")
}

// condition reads arguments i, a condition's name, and i+1.
func (k *call) condition(i int) (c condition, err error) {
	switch {
	case k.is(i, "IFDEQ"), k.is(i, "IFDNE"):
		return c, resp.Error("ERR digests are not supported; use IFEQ or IFNE, and the value")
	case i+1 == len(k.args):
		return c, resp.ErrSyntax
	}
	if c.kind = ifNotEqual; k.is(i, "IFEQ") {
		c.kind = ifEqual
	}
	c.value = k.bytes(i + 1)
	return c, nil
}

func planDelEx(k *call) (render, error) {
	switch len(k.args) {
	case 2:
		return planDel(k)
	case 4:
	default:
		return nil, resp.WrongArity("delex")
	}
	if !k.compares(2) {
		return nil, resp.Error("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
	}
	c, err := k.condition(2)
	if err != nil {
		return nil, err
	}
	return showCount, k.decide(k.args[1], removeIf(c, k.picks(k.args[1])))
}

func planDelIfEq(k *call) (render, error) {
	c := condition{kind: ifEqual, value: k.bytes(2)}
	return showCount, k.decide(k.args[1], removeIf(c, k.picks(k.args[1])))
}

// removeIf removes what the key shows if that fits.
func removeIf(c condition, pick bool) decider {
	return func(p replica.Present) (replica.Write, error) {
		if ok, err := c.holds(p.Reading, pick); err != nil || !ok {
			return replica.Write{Verb: replica.Get}, err
		}
		return removePresent(p)
	}
}
