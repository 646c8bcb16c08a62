package main

import (
	"io"
	"strings"
	"testing"
)

func TestALineIsTyped(t *testing.T) {
	for typed, want := range map[string]struct {
		text string
		err  error
	}{
		"secret\n": {"secret", nil}, "se\x7fcrex\bt\r": {"scret", nil}, "nä\x7fo\n": {"no", nil}, "wrong\x15right\n": {"right", nil}, "\x7f\x7fa\n": {"a", nil},
		"\n": {"", nil}, "\x04": {"", io.EOF}, "a\x04b\n": {"ab", nil}, "": {"", io.EOF}, "a\x03": {"", errTypedInterrupt}, "cut": {"", io.EOF},
		strings.Repeat("x", maxPassword+9): {strings.Repeat("x", maxPassword+1), nil},
	} {
		text, err := typedLine(strings.NewReader(typed))
		if string(text) != want.text || err != want.err && !(err == nil && want.err == nil) {
			t.Errorf("%.20q: %.20q, %v", typed, text, err)
		}
	}
}
