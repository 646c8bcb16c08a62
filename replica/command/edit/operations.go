package edit

import (
	"math"

	"kvd/replica"
	"kvd/replica/resp"
)

// Reply says what of an operation is answered.
type Reply uint8

const (
	OK     Reply = iota // OK, whatever it came to
	Wrote               // OK if it wrote, else nothing
	Count               // 1 if it wrote, else 0
	Was                 // what the key showed before
	Length              // how long the value is that it shows now
	Number              // the number that it shows now
)

// Operation is a command that makes something of one key, be it a client's or a script's.
type Operation struct {
	Arity int // arguments with the name; -n: at least n
	Reply Reply
	Parse func(Words) (Decider, error)
}

// Operations is the operations by name.
var Operations = map[string]Operation{
	"del":       {-2, Count, always(RemovePresent)},
	"unlink":    {-2, Count, always(RemovePresent)},
	"getdel":    {2, Was, func(k Words) (Decider, error) { return TakeAway(k.pick()), nil }},
	"getset":    {3, Was, func(k Words) (Decider, error) { return Setting{Get: true}.Decide(k.Bytes(2), k.pick()), nil }},
	"setnx":     {3, Count, func(k Words) (Decider, error) { return Setting{Absent: true}.Decide(k.Bytes(2), k.pick()), nil }},
	"setex":     {4, OK, parseSetEX("EX")},
	"psetex":    {4, OK, parseSetEX("PX")},
	"append":    {3, Length, func(k Words) (Decider, error) { return AppendTo(k.Bytes(2), k.Limit, k.pick()), nil }},
	"incr":      {2, Number, always(Add(1))},
	"decr":      {2, Number, always(Add(-1))},
	"incrby":    {3, Number, parseAdd(1)},
	"decrby":    {3, Number, parseAdd(-1)},
	"expire":    {-3, Count, parseExpire("EX")},
	"pexpire":   {-3, Count, parseExpire("PX")},
	"expireat":  {-3, Count, parseExpire("EXAT")},
	"pexpireat": {-3, Count, parseExpire("PXAT")},
	"persist":   {2, Count, func(k Words) (Decider, error) { return Persist(k.pick()), nil }},
}

// always hands out a Decider that was made once: INCR of a hot key allocates none.
func always(d Decider) func(Words) (Decider, error) {
	return func(Words) (Decider, error) { return d, nil }
}

// ErrDecrement is the answer to a number that has no opposite.
const ErrDecrement = resp.Error("ERR decrement would overflow")

func parseAdd(sign int64) func(Words) (Decider, error) {
	return func(k Words) (Decider, error) {
		n, err := k.Int(2)
		if err == nil && sign < 0 && n == math.MinInt64 {
			err = ErrDecrement
		}
		return Add(sign * n), err
	}
}

func parseSetEX(unit string) func(Words) (Decider, error) {
	return func(k Words) (Decider, error) {
		ttl, err := k.ttl(unit, 2, false)
		return Setting{TTL: ttl}.Decide(k.Bytes(3), k.pick()), err
	}
}

func parseExpire(unit string) func(Words) (Decider, error) {
	return func(k Words) (Decider, error) {
		o, err := k.ParseExpire()
		if err != nil {
			return nil, err
		}
		ttl, err := k.ttl(unit, 2, true)
		return o.Decide(ttl, k.pick()), err
	}
}

// WithOne is d where the key has a value that a plain command works on, or none.
func WithOne(pick bool, d func(p replica.Present, value []byte, there bool) (replica.Write, error)) Decider {
	return func(p replica.Present) (replica.Write, error) {
		value, there, err := One(p.Reading, pick)
		if err != nil {
			return replica.Write{}, err
		}
		return d(p, value, there)
	}
}
