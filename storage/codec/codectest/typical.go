package codectest

import (
	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// TypicalOp is an overwrite of a key at one of three leaders, all shadows on.
func TypicalOp() *resolve.Op {
	const a, b, c = 0x9f3a61c04be27d15, 0x1c77e0d2a9b3f846, 0x5be904417a6cd223
	op := &resolve.Op{
		Dot:     logical.Dot{Origin: a, Seq: 51234},
		Key:     "user:0000001234",
		Kind:    resolve.Put,
		Value:   make([]byte, 100),
		Parents: []logical.Dot{{Origin: b, Seq: 48000}},
		Deps: logical.FrontierOf(
			logical.Dot{Origin: a, Seq: 51233}, logical.Dot{Origin: b, Seq: 50100}, logical.Dot{Origin: c, Seq: 49876}),
		Wall:    wallclock.Around(1_763_870_000_123_456_789, 3_000_000),
		Lamport: 151_100,
	}
	op.HLC = logical.HLC{Wall: int64(op.Wall.Midpoint())}
	return op
}

// TypicalObject is what [TypicalOp] leaves of its key under all resolvers.
func TypicalObject() *resolve.Object {
	op := TypicalOp()
	return &resolve.Object{Key: op.Key, Versions: []resolve.Version{{
		Dot: op.Dot, Mask: resolve.All, Kind: op.Kind, Value: op.Value,
		Wall: op.Wall, HLC: op.HLC, Lamport: op.Lamport,
	}}}
}

// ExpiringObject is a counter with a deadline, which its own op stated, in the bytes
// of the first format when the second byte is made 1.
func ExpiringObject() *resolve.Object {
	o := TypicalObject()
	o.Versions[0].Expires = 5000
	own := resolve.Stamp{HLC: o.Versions[0].HLC, By: o.Versions[0].Dot}
	o.Versions[0].Count = resolve.Count{Total: number.Of(12), Deadlines: []resolve.Deadline{{Seq: own.By.Seq, Expires: 5000, Stamp: own}}}
	return o
}
