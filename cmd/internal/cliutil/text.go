package cliutil

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Blob is bytes in JSON: text where they are text.
type Blob struct {
	Value string `json:"value"`
	Enc   string `json:"enc"` // utf8 or base64
}

// BlobOf chooses the encoding.
func BlobOf(bytes string) Blob {
	if utf8.ValidString(bytes) {
		return Blob{bytes, "utf8"}
	}
	return Blob{base64.StdEncoding.EncodeToString([]byte(bytes)), "base64"}
}

// Printable is a text on one line that does nothing to a terminal: as it is, or
// quoted.
func Printable(text string) string {
	odd := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if strings.IndexFunc(text, odd) >= 0 {
		return strconv.Quote(text)
	}
	return text
}
