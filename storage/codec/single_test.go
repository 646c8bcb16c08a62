package codec_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
)

// What is read of an object with one version without decoding it is what decoding gives;
// other objects are not taken for such.
func TestSingleIsWhatDecodingGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := codectest.Object(t)
		if len(o.Versions) > 0 && rapid.Bool().Draw(t, "one version") {
			o.Versions = o.Versions[:1]
		}
		b := codec.AppendObjectAs(nil, "", o)
		d, value, ok := codec.Single(b)
		if ok != (len(o.Versions) == 1 && !o.Duplicates) {
			t.Fatalf("%d versions, duplicates %v: %v", len(o.Versions), o.Duplicates, ok)
		}
		if ok && (d != o.Versions[0].Dot || !bytes.Equal(value, o.Versions[0].Value)) {
			t.Fatalf("%s %x, want %s %x", d, value, o.Versions[0].Dot, o.Versions[0].Value)
		}
	})
}

func BenchmarkSingle(b *testing.B) {
	enc := codec.AppendObjectAs(nil, "", codectest.TypicalObject())
	for b.Loop() {
		if _, _, ok := codec.Single(enc); !ok {
			b.Fatal("it is not single")
		}
	}
}
