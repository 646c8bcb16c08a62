package show

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"kvd/cmd/internal/cliutil"
)

// marshal is JSON on one line, with < and > as they are.
func marshal[T any](v T) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// Blob is a value in JSON: text where it is text.
type Blob = cliutil.Blob

func blobOf(value string) Blob { return cliutil.BlobOf(value) }

func blobsOf(values []string) []Blob {
	all := make([]Blob, len(values))
	for i, v := range values {
		all[i] = blobOf(v)
	}
	return all
}

// keyName is a key in JSON: a string, or a blob if it is not text.
type keyName string

// MarshalJSON chooses.
func (k keyName) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(k)) {
		return marshal(string(k))
	}
	return marshal(blobOf(string(k)))
}

// Printable is a text on one line that does nothing to a terminal: as it is, or
// quoted.
func Printable(text string) string { return cliutil.Printable(text) }
