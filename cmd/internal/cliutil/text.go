package cliutil

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
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

// IsTerminal reports whether w is a character device: a terminal, or something
// that nobody reads.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// isTTY reports whether w is a terminal, also one that does not know its width, as a
// serial line is.
func isTTY(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width is how many columns the terminal w has, or 0 if w is none or does not say.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// Colour reports whether text on w may be coloured: on terminals, unless
// NO_COLOR is set (no-color.org) or the terminal is a dumb one.
func Colour(w io.Writer) bool {
	return IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Progress is one line that is written over and over. The zero Progress is
// silent.
type Progress struct{ w io.Writer }

// NewProgress speaks on w if that is a terminal.
func NewProgress(w io.Writer) Progress {
	if !IsTerminal(w) {
		return Progress{}
	}
	return Progress{w}
}

// Say replaces the line.
func (p Progress) Say(line string) {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K"+line)
	}
}

// Clear takes the line away.
func (p Progress) Clear() { p.Say("") }
