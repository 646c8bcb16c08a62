package codec_test

import (
	"encoding/hex"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
)

var (
	ops     = codectest.Pair[*resolve.Op]{Draw: codectest.Op, Append: codec.AppendOp, Decode: codec.DecodeOp}
	objects = codectest.Pair[*resolve.Object]{Draw: codectest.Object, Append: codec.AppendObject, Decode: codec.DecodeObject}
)

func TestOpLaws(t *testing.T)     { codectest.Laws(t, ops) }
func TestObjectLaws(t *testing.T) { codectest.Laws(t, objects) }

func FuzzDecodeOp(f *testing.F) { codectest.Fuzz(f, ops, codec.AppendOp(nil, codectest.TypicalOp())) }

// An object of the first format with deadlines in it is written in the present one.
func FuzzDecodeObject(f *testing.F) {
	f.Add(codec.AppendObject(nil, codectest.ExpiringObject()))
	codectest.Fuzz(f, objects, codec.AppendObject(nil, codectest.TypicalObject()))
}

// Golden bytes: stores on disk and leaders of other versions hold these. If this
// fails, the format has changed: give it a new number and keep reading the old.
const (
	goldenOp = "9b" + // eleven elements
		"01" + "09" + // format; a put with parents
		"af757365723a30303030303031323334" + "c4056869c3a900" + // key, value
		"c418" + "9f3a61c04be27d15" + "1c77e0d2a9b3f846" + "5be904417a6cd223" + // origins
		"cdc822" + "92cdc3b4cdc2d4" + // seq; deps of the second and third origin
		"cf187a866b7325e655" + "cd0bb8" + // earliest, width: 3,000 times 2 microseconds
		"d092" + // Lamport: 110 below the sum
		"91cd189d" // parents: 2,100 back at the second of three origins
	goldenObject = "94" + // four elements
		"01" + "af757365723a30303030303031323334" + "c3" + // format, key, duplicates
		"9c" + "71" + "7f" + // a put with total, base and voids, kept by all seven
		"cf9f3a61c04be27d15" + "cdc822" + "c4023132" + // dot, value
		"cf187a866b7325e655" + "cd0bb8" + "ce0001861a" + // wall, Lamport less seq
		"0c" + "ccea02" + "9204ff" // total; base 234 back, 2; one void 4 back, -1
)

func TestGoldenOp(t *testing.T) {
	op := codectest.TypicalOp()
	op.Value = []byte("hié\x00")
	golden(t, codec.AppendOp(nil, op), goldenOp)
}

// What format 1 does not know is not read in it: the same object would have two
// encodings, and one of them would lose the end of a counter.
func TestAnOlderFormatHoldsNothingNewer(t *testing.T) {
	version := resolve.Version{Dot: logical.Dot{Origin: 7, Seq: 3}, Mask: resolve.Counter.Mask(), Kind: resolve.Add}
	version.Count = resolve.Count{Total: number.Of(1), Deadlines: []resolve.Deadline{{Seq: 2, Expires: 9, Stamp: resolve.Stamp{By: logical.Dot{Origin: 7, Seq: 4}}}}}
	b := codec.AppendObject(nil, &resolve.Object{Key: "k", Versions: []resolve.Version{version}})
	if o, err := codec.DecodeObject(b); err != nil || len(o.Versions[0].Count.Deadlines) != 1 {
		t.Fatalf("%+v, %v", o, err)
	}
	b[1] = 1
	if o, err := codec.DecodeObject(b); err == nil {
		t.Errorf("format 1 is read as %+v", o)
	}
}

func TestGoldenObject(t *testing.T) {
	o := codectest.TypicalObject()
	o.Duplicates = true
	o.Versions[0].Value = []byte("12")
	o.Versions[0].Count = resolve.Count{Total: number.Of(12), Base: resolve.Base{Seq: 51000, Total: number.Of(2)}, Voids: []resolve.VoidDelta{{Seq: 51230, Delta: number.Of(-1)}}}
	golden(t, codec.AppendObject(nil, o), goldenObject)
}

func golden(t *testing.T, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("encoding changed:\n got %x\nwant %s", got, want)
	}
}
