package number_test

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"kvd/resolve/number"
)

func TestIntegerIsWhatTheLibraryTakes(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, text string) {
		want, err := strconv.ParseInt(text, 10, 64)
		got, ok := number.Integer([]byte(text))
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%q reads as %d, %v; the library says %d, %v", text, got, ok, want, err)
		}
	}
	for _, text := range []string{
		"", "-", "+", "/", ":", "1/", "1:", "-1/", "-1:", "--1", "+-1",
		"9223372036854775807", "9223372036854775808", "9223372036854775810", "9223372036854775818", "92233720368547758070",
		"-9223372036854775808", "-9223372036854775809", "-9223372036854775818", "-9223372036854775820",
	} {
		check(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.OneOf(
			rapid.StringMatching(`[+-]?[0-9]{0,21}`),
			rapid.StringMatching(`[+-]?0*92233720368547758[0-9]{2}`),
			rapid.StringMatching(`[-+ _0-9a-fxX.]{0,5}`),
			rapid.String(),
		).Draw(t, "text"))
	})
}

func TestIntegerAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { number.Integer([]byte("no number at all")) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
