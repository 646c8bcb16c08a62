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

func TestSizesHaveUnits(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1048576": 1 << 20, "64KiB": 64 << 10, "512MiB": 512 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40} {
		if got, err := Bytes(text); err != nil || got != want {
			t.Errorf("%s is %d bytes, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GiB", "-1", "-1GiB", "1.5GiB", "1MB", "1 GiB", "8388608TiB", "9223372036854775808"} {
		if got, err := Bytes(text); err == nil {
			t.Errorf("%q is %d bytes", text, got)
		}
	}
}
