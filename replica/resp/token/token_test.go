package token

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
)

func drawToken(t *rapid.T) Token {
	dot := rapid.Custom(func(t *rapid.T) logical.Dot {
		return logical.Dot{
			Origin: logical.Origin(rapid.Uint64Range(1, 9).Draw(t, "origin")) << rapid.IntRange(0, 60).Draw(t, "shift"),
			Seq:    logical.Seq(rapid.Uint64Min(1).Draw(t, "seq")),
		}
	})
	seen := replica.Token{
		Frontier: logical.FrontierOf(rapid.SliceOf(dot).Draw(t, "frontier")...),
		Lamport:  logical.Lamport(rapid.Uint64().Draw(t, "lamport")),
		HLC:      logical.HLC{Wall: rapid.Int64().Draw(t, "wall"), Count: rapid.Uint32().Draw(t, "count")},
	}
	if !rapid.Bool().Draw(t, "keyed") {
		return Token{Seen: seen}
	}
	shown := rapid.SliceOf(dot).Draw(t, "shown")
	if rapid.IntRange(0, 9).Draw(t, "crowd") == 0 {
		shown = append(shown, drawRuns(t)...)
	}
	return For(seen, rapid.String().Draw(t, "key"), shown)
}

// drawRuns is more dots than a token lists, in runs that may meet.
func drawRuns(t *rapid.T) []logical.Dot {
	var dots []logical.Dot
	for len(dots) <= maxDots {
		d := logical.Dot{Origin: logical.Origin(rapid.Uint64Range(1, 3).Draw(t, "origin")), Seq: logical.Seq(rapid.Uint64Range(1, 1<<40).Draw(t, "from"))}
		for range rapid.IntRange(1, 1500).Draw(t, "length") {
			dots = append(dots, d)
			d.Seq++
		}
	}
	return dots
}

func TestTokenComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawToken(t)
		text := want.String()
		got, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(want.Shown) == 0 { // nil and empty are one
			want.Shown, got.Shown = nil, nil
		}
		if want.Seen.Frontier.Compare(got.Seen.Frontier) != logical.Equal {
			t.Fatalf("frontier %s came back as %s", want.Seen.Frontier, got.Seen.Frontier)
		}
		want.Seen.Frontier, got.Seen.Frontier = logical.Frontier{}, logical.Frontier{}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v came back as %+v", want, got)
		}
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("%q is not URL-safe", text)
		}
	})
}

// TestMangledTokensAreRefused: one changed character is always noticed.
func TestMangledTokensAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(drawToken(t).String())
		i := rapid.IntRange(0, len(text)-1).Draw(t, "place")
		c := rapid.SampledFrom([]byte("AZaz09-_+/=\n ")).Draw(t, "char")
		if text[i] == c {
			return
		}
		text[i] = c
		if got, err := Parse(string(text)); !errors.Is(err, ErrInvalid) {
			t.Fatalf("%s was read as %+v, %v", text, got, err)
		}
	})
}

// seal gives bytes a right checksum, so that what is behind it is tested.
func seal(b []byte) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, checksum(b)))
}

func TestForgedTokensAreRefused(t *testing.T) {
	dot := func(o, s byte) string { return "\x00\x00\x00\x00\x00\x00\x00" + string(o) + string(s) }
	runs := func(o byte, runs string) string { return "\x01\x00\x00\x00\x00\x00\x00\x00" + string(o) + runs }
	clocks := "\x00" + strings.Repeat("\x00", 8) + "\x00"
	good := []string{
		"\x01\x00\x00" + clocks,
		"\x01\x00\x02" + dot(1, 1) + dot(2, 1) + clocks,
		"\x01\x01\x00" + clocks + "\x01k\x02" + dot(1, 1) + dot(1, 2),
		"\x01\x03\x00" + clocks + "\x01k" + runs(1, "\x02\x00\xff\x0f\x01\x02"),
	}
	for _, b := range good {
		if _, err := Parse(seal([]byte(b))); err != nil {
			t.Errorf("%q: %v", b, err)
		}
	}
	for name, b := range map[string]string{
		"another version":        "\x02\x00\x00" + clocks,
		"unknown flags":          "\x01\x02\x00" + clocks,
		"trailing bytes":         "\x01\x00\x00" + clocks + "x",
		"cut short":              "\x01\x00\x00" + clocks[:5],
		"no contents":            "\x01\x00",
		"a great count":          "\x01\x00\xff\xff\xff\xff\x0f" + clocks,
		"not ascending":          "\x01\x00\x02" + dot(2, 1) + dot(1, 1) + clocks,
		"an origin twice":        "\x01\x00\x02" + dot(1, 1) + dot(1, 2) + clocks,
		"a zero origin":          "\x01\x00\x01" + dot(0, 1) + clocks,
		"a zero seq":             "\x01\x00\x01" + dot(1, 0) + clocks,
		"a long varint":          "\x01\x00\x80\x00" + clocks,
		"a dot shown twice":      "\x01\x01\x00" + clocks + "\x01k\x02" + dot(1, 1) + dot(1, 1),
		"a key longer than that": "\x01\x01\x00" + clocks + "\xffk",
		"runs of a few":          "\x01\x03\x00" + clocks + "\x01k" + runs(1, "\x01\x00\x02"),
		"runs that meet":         "\x01\x03\x00" + clocks + "\x01k" + runs(1, "\x02\x00\xff\x0f\x00\x02"),
		"an empty run":           "\x01\x03\x00" + clocks + "\x01k" + runs(1, "\x02\x00\x81\x10\x01\x00"),
		"runs of no end":         "\x01\x03\x00" + clocks + "\x01k" + runs(1, "\x01\x00\xff\xff\xff\xff\x0f"),
		"runs of origin zero":    "\x01\x03\x00" + clocks + "\x01k" + runs(0, "\x02\x00\xff\x0f\x01\x02"),
		"a run past the last":    "\x01\x03\x00" + clocks + "\x01k" + runs(1, "\x02\x00\xff\x0f\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02"),
		"runs without a key":     "\x01\x02\x00" + clocks + runs(1, "\x02\x00\xff\x0f\x01\x02"),
		"a count above 32 bits":  "\x01\x00\x00\x00" + strings.Repeat("\x00", 8) + "\x80\x80\x80\x80\x10",
	} {
		if got, err := Parse(seal([]byte(b))); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: read as %+v, %v", name, got, err)
		}
	}
	if _, err := Parse("A\n" + seal([]byte(good[0]))[1:]); !errors.Is(err, ErrInvalid) {
		t.Errorf("a line end within: %v", err)
	}
	if _, err := Parse(strings.Repeat("A", maxText+1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("a very long text: %v", err)
	}
}

// FuzzToken: no text panics, and what is read has exactly that text. The second
// argument gets a right checksum first, to reach what is behind it.
func FuzzToken(f *testing.F) {
	f.Add(Token{}.String(), []byte("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	full := For(replica.Token{Frontier: logical.FrontierOf(logical.Dot{Origin: 5, Seq: 300})}, "k", []logical.Dot{{Origin: 5, Seq: 7}}).String()
	raw, err := base64.RawURLEncoding.DecodeString(full)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full, raw[:len(raw)-4])
	f.Fuzz(func(t *testing.T, text string, contents []byte) {
		for _, s := range []string{text, seal(contents)} {
			tok, err := Parse(s)
			if err == nil && tok.String() != s {
				t.Fatalf("%s was read, and is written %s", s, tok.String())
			}
			if err != nil && !errors.Is(err, ErrInvalid) {
				t.Fatalf("%v is no ErrInvalid", err)
			}
		}
	})
}
