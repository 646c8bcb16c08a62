package codec_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
)

// What the hot encodings are made of is written as msgpack/v5 writes it.
func TestPrimitivesAreThoseOfMsgpack(t *testing.T) {
	lengths := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(1<<16-2, 1<<16+2), rapid.IntRange(0, math.MaxInt32))
	rapid.Check(t, func(t *rapid.T) {
		var want bytes.Buffer
		enc := msgpack.NewEncoder(&want)
		same := func(what string, got []byte, err error) {
			if err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Fatalf("%s: %x, msgpack/v5 writes %x, %v", what, got, want.Bytes(), err)
			}
			want.Reset()
		}
		u, i, n := codectest.Number(t, "uint"), codectest.Signed(t, "int"), lengths.Draw(t, "length")
		same("uint", codec.AppendUint(nil, u), enc.EncodeUint(u))
		same("int", codec.AppendInt(nil, i), enc.EncodeInt(i))
		same("array", codec.AppendArray(nil, n), enc.EncodeArrayLen(n))
		same("bin", codec.AppendBinHeader(nil, n), enc.EncodeBytesLen(n))
		v := codectest.Value(t)
		same("bytes", codec.AppendBytes(nil, v), enc.EncodeBytes(v))
		text := rapid.StringN(0, 300, -1).Draw(t, "text")
		same("text", codec.AppendKey(nil, text), enc.EncodeString(text))
	})
}

// record is everything that a record can be made of.
type record struct {
	n        uint64
	i        int64
	text     string
	raw, key string
	none     bool
	dot      logical.Dot
	frontier logical.Frontier
}

func drawRecord(t *rapid.T) record {
	return record{
		n: codectest.Number(t, "n"), i: codectest.Signed(t, "i"),
		text: rapid.StringN(0, 300, -1).Draw(t, "text"), raw: string(codectest.Value(t)), key: codectest.Key(t),
		none: rapid.Bool().Draw(t, "none"), dot: codectest.Dot(t), frontier: logical.FrontierOf(codectest.Dots(t, 5)...),
	}
}

func appendRecord(dst []byte, r record) []byte {
	e := codec.Encode(dst).Array(9).Uint(1).Uint(r.n).Int(r.i).Text(r.text).Bytes(r.raw).Key(r.key)
	if r.none {
		e.Nil()
	} else {
		e.Uint(7)
	}
	return e.Array(2).Dot(r.dot).Frontier(r.frontier).Done()
}

func decodeRecord(b []byte) (r record, err error) {
	d := codec.NewDecoder("record", b)
	d.Tuple(9)
	d.Format(1)
	r = record{n: d.Uint(), i: d.Int(), text: d.Text(2000), raw: d.Bytes(2000), key: d.Key(2000)}
	if r.none = d.Nil(); !r.none {
		d.Require(d.Uint() == 7, "no seven")
	}
	d.Tuple(2)
	r.dot, r.frontier = d.Dot(), d.Frontier()
	return r, d.End()
}

var records = codectest.Pair[record]{
	Draw:   drawRecord,
	Append: appendRecord, Decode: decodeRecord,
}

func TestRecordLaws(t *testing.T) { codectest.Laws(t, records) }

func FuzzRecord(f *testing.F) {
	codectest.Fuzz(f, records, appendRecord(nil, record{n: 300, i: -300, text: "text", raw: "\xff", key: "key", dot: logical.Dot{Origin: 1, Seq: 2}}))
}

// Both readers agree on every number: what one refuses, or reads otherwise, the other
// does.
func FuzzBothReaders(f *testing.F) {
	for _, seed := range [][]byte{{0}, {0xcc, 200}, {0xcd, 0, 1}, {0xd0, 0xdf}, {0xd0, 0x10}, {0xcf, 0xff, 0, 0, 0, 0, 0, 0, 0}, {0xc0}, {0xe0}, {0xd3, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, d := codec.NewReader("it", b), codec.NewDecoder("it", b)
		if n, m := r.Uint(), d.Uint(); n != m && r.End() == nil || (r.End() == nil) != (d.End() == nil) {
			t.Fatalf("%x: unsigned, %d, %v and %d, %v", b, n, r.End(), m, d.End())
		}
		r, d = codec.NewReader("it", b), codec.NewDecoder("it", b)
		if n, m := r.Int(), d.Int(); n != m && r.End() == nil || (r.End() == nil) != (d.End() == nil) {
			t.Fatalf("%x: signed, %d, %v and %d, %v", b, n, r.End(), m, d.End())
		}
		r, d = codec.NewReader("it", b), codec.NewDecoder("it", b)
		if n, m := r.Array("them", 100, 1), d.Array(100); n != m && !r.Failed() || r.Failed() != d.Failed() {
			t.Fatalf("%x: an array of %d and of %d", b, n, m)
		}
	})
}
