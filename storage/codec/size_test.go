package codec_test

import (
	"testing"

	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
	"kvd/wallclock"
)

// Stores written before deadlines were stated hold every share's in its version.
func TestFirstObjectFormatIsStillRead(t *testing.T) {
	one := codectest.ExpiringObject()
	two := codectest.ExpiringObject()
	other := two.Versions[0]
	other.Dot.Origin++
	other.Expires, other.Count.Deadlines = 0, nil
	two.Versions = append(two.Versions, other)
	for name, o := range map[string]*resolve.Object{"every share ends": one, "one share never does": two} {
		b := codec.AppendObject(nil, o)
		if b[1] != 2 {
			t.Fatalf("%s: written in format %d", name, b[1])
		}
		b[1] = 1
		got, err := codec.DecodeObject(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := wallclock.Instant(5000)
		if len(o.Versions) == 2 {
			want = 0
		}
		if e, stated := got.Deadline(); !stated || e.Expires != want {
			t.Errorf("%s: it ends as %+v, %t, want at %d", name, e, stated, want)
		}
	}
}

// TestSizes holds the encodings to the goals: an op takes at most 60 bytes
// beyond key and value, an object's metadata at most 45 with all shadows.
func TestSizes(t *testing.T) {
	op, o := codectest.TypicalOp(), codectest.TypicalObject()
	n := len(codec.AppendOp(nil, op)) - len(op.Key) - len(op.Value)
	t.Logf("op: %d bytes beyond key and value", n)
	if n > 60 {
		t.Errorf("op: %d bytes beyond key and value, more than 60", n)
	}
	m := len(codec.AppendObject(nil, o)) - len(o.Key) - len(op.Value)
	t.Logf("object: %d bytes beyond key and value", m)
	if m > 45 {
		t.Errorf("object: %d bytes beyond key and value, more than 45", m)
	}
}
