package show

import (
	"unicode/utf8"

	"kvd/cmd/internal/cliutil"
)

// object is a JSON object whose fields stay in order.
type object = cliutil.Object

// Blob is a value in JSON: text where it is text.
type Blob = cliutil.Blob

func blobOf(value string) Blob { return cliutil.BlobOf(value) }

// keyName is a key in JSON: a string, or a blob if it is not text.
type keyName string

// MarshalJSON chooses.
func (k keyName) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(k)) {
		return cliutil.Marshal(string(k))
	}
	return cliutil.Marshal(blobOf(string(k)))
}

// orNull is a text, or null in JSON where there is none.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// each is what do makes of each of all; it is never nil.
func each[T, U any](all []T, do func(T) U) []U {
	out := make([]U, len(all))
	for i, v := range all {
		out[i] = do(v)
	}
	return out
}

// Printable is a text on one line that does nothing to a terminal: as it is, or
// quoted.
func Printable(text string) string { return cliutil.Printable(text) }
