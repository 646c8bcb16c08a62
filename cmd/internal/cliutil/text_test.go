package cliutil

import "testing"

func TestBytesAreTextWhereTheyCan(t *testing.T) {
	if b := BlobOf("é\x00"); b != (Blob{"é\x00", "utf8"}) {
		t.Errorf("text is %+v", b)
	}
	if b := BlobOf("\xff"); b != (Blob{"/w==", "base64"}) {
		t.Errorf("bytes are %+v", b)
	}
}

func TestNothingPrintedMovesATerminal(t *testing.T) {
	for text, want := range map[string]string{"é x": "é x", "a\x1b[2J": `"a\x1b[2J"`, "\xff": `"\xff"`, "": ""} {
		if got := Printable(text); got != want {
			t.Errorf("%q is printed as %s, want %s", text, got, want)
		}
	}
}
