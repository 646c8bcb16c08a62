package codec_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/resolve/number"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
	"kvd/wallclock"
)

// largestOp has all the evidence an op can have, written as wide as can be: as many
// dots as can be are of an origin that nothing else names, and all others are as far
// behind as one number says.
func largestOp(key, value int) *resolve.Op {
	dots := func(from int) []logical.Dot {
		all := make([]logical.Dot, limits.Dots)
		for i := range all {
			all[i] = logical.Dot{Origin: math.MaxUint64 - limits.Origins + 1, Seq: logical.Seq(i + 1)}
			if i < limits.Origins {
				all[i] = logical.Dot{Origin: logical.Origin(math.MaxUint64 - uint64(from+i)), Seq: 1 << 62}
			}
		}
		return all
	}
	wide := number.Int128{Hi: math.MinInt64}
	op := &resolve.Op{
		Dot: logical.Dot{Origin: 1, Seq: 1 << 62}, Key: strings.Repeat("k", key), Kind: resolve.Delete, Value: make([]byte, value),
		Parents: dots(limits.Origins), Hidden: dots(2 * limits.Origins), Deps: logical.FrontierOf(dots(0)[:limits.Origins]...),
		Delta: wide, Total: wide, Prev: 1, Expires: math.MinInt64,
		Wall: wallclock.Interval{Earliest: math.MinInt64 / 2, Latest: math.MaxInt64 / 4}, HLC: logical.HLC{Wall: math.MaxInt64, Count: math.MaxUint32},
		Client: math.MaxUint64, Request: math.MaxUint64, Lamport: 1 << 61, Inverted: math.MaxUint16 >> 9,
	}
	for range limits.Dots {
		op.Seen = append(op.Seen, wide)
	}
	return op
}

// The largest op that may be admitted is no larger, encoded, than what frames are
// made for.
func TestLargestOpFitsItsLimit(t *testing.T) {
	op := largestOp(limits.Key, limits.Value)
	if err := codec.CheckOp(op); err != nil {
		t.Fatal(err)
	}
	n := len(codec.AppendOp(nil, op))
	if n > limits.Op {
		t.Errorf("the largest op takes %d bytes, and %d are provided for", n, limits.Op)
	}
	if got, err := codec.DecodeOp(codec.AppendOp(nil, op)); err != nil || len(got.Value) != limits.Value {
		t.Errorf("read back: %v", err)
	}
	t.Logf("%d bytes of evidence, %d are provided for", n-limits.Key-limits.Value, limits.Evidence)
}

// What an op is said to take bounds what it takes encoded.
func TestSizeBoundsTheEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := codectest.Op(t)
		if n := len(codec.AppendOp(nil, op)); n > limits.OpBase+op.Size() {
			t.Fatalf("%d bytes encoded, said to be %d and %d", n, limits.OpBase, op.Size())
		}
	})
	if op := largestOp(limits.Key, limits.Value); limits.OpBase+op.Size() > limits.Op {
		t.Errorf("the largest op is said to take %d bytes, and %d are provided for", limits.OpBase+op.Size(), limits.Op)
	}
}
