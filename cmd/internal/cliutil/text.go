package cliutil

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
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
func BlobOf(text string) Blob {
	if utf8.ValidString(text) {
		return Blob{text, "utf8"}
	}
	return Blob{base64.StdEncoding.EncodeToString([]byte(text)), "base64"}
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

// Marshal is JSON on one line, with < and > as they are.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// Object is a JSON object whose fields stay in order.
type Object []struct {
	Name  string
	Value any
}

// Add adds a field.
func (o *Object) Add(name string, value any) { *o = append(*o, Object{{name, value}}...) }

// MarshalJSON is an object also without fields.
func (o Object) MarshalJSON() ([]byte, error) {
	text := []byte("{")
	for i, f := range o {
		name, err := Marshal(f.Name)
		if err != nil {
			return nil, err
		}
		value, err := Marshal(f.Value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, name...), ':'), value...)
	}
	return append(text, '}'), nil
}
