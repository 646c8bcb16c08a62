package logical

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDotsReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Dot{Origin(rapid.Uint64Min(1).Draw(t, "origin")), Seq(rapid.Uint64Min(1).Draw(t, "seq"))}
		if got, err := ParseDot(d.String()); err != nil || got != d {
			t.Fatalf("%s reads back as %v, %v", d, got, err)
		}
	})
}

func TestParseDotRefuses(t *testing.T) {
	for _, s := range []string{
		"", "-", "1-1", "0000000000000000-1", "00c0ffee00c0ffee-0", "00c0ffee00c0ffee-01", "00c0ffee00c0ffee-1 ",
		"00C0FFEE00C0FFEE-1", "00c0ffee00c0ffee--1", "00c0ffee00c0ffee-18446744073709551616", "0x00c0ffee00c0ffee-1",
	} {
		d, err := ParseDot(s)
		if err == nil || d != (Dot{}) {
			t.Errorf("%q reads as %v", s, d)
			continue
		}
		if !strings.Contains(err.Error(), "expected") {
			t.Errorf("%q: error %q does not say what was expected", s, err)
		}
	}
}

func FuzzParseDot(f *testing.F) {
	f.Add("00c0ffee00c0ffee-17")
	f.Add("ffffffffffffffff-18446744073709551615")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDot(s); err == nil && (d.String() != s || d.Origin == 0 || d.Seq == 0) {
			t.Errorf("%q reads as %v, which is written %q", s, d, d.String())
		}
	})
}

func TestDotOrderIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := dot(t), dot(t), dot(t)
		if a.Compare(b) != -b.Compare(a) || (a.Compare(b) == 0) != (a == b) {
			t.Fatalf("%v and %v compare as %d and %d", a, b, a.Compare(b), b.Compare(a))
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("%v, %v, %v do not line up", a, b, c)
		}
	})
}
