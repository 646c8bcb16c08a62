// Package fields writes the named fields of a reply. RESP2 has neither maps with types
// nor booleans: a field is a name and a value, a flag is 1 or 0, and what is not there is
// null.
package fields

import (
	"strconv"

	"kvd/logical"
	"kvd/replica/resp"
)

// Text writes a text.
func Text(w *resp.Writer, name, value string) {
	w.Text(name)
	w.Text(value)
}

// Number writes a number.
func Number(w *resp.Writer, name string, n int64) {
	w.Text(name)
	w.Int(n)
}

// Flag writes 1 or 0: RESP2 has nothing else for yes and no.
func Flag(w *resp.Writer, name string, on bool) {
	n := int64(0)
	if on {
		n = 1
	}
	Number(w, name, n)
}

// TextOrNull writes null for an empty text.
func TextOrNull(w *resp.Writer, name, value string) {
	if w.Text(name); value == "" {
		w.Null()
	} else {
		w.Text(value)
	}
}

// DotOrNull writes null for the zero dot.
func DotOrNull(w *resp.Writer, name string, d logical.Dot) {
	if d.IsZero() {
		TextOrNull(w, name, "")
		return
	}
	Text(w, name, d.String())
}

// List writes a field that has many values.
func List[T any](w *resp.Writer, name string, all []T, one func(T)) {
	w.Text(name)
	w.Array(len(all))
	for _, x := range all {
		one(x)
	}
}

// ClientName is the client as REQUEST named it; empty: it did not.
func ClientName(client uint64) string {
	if client == 0 {
		return ""
	}
	return strconv.FormatUint(client, 10)
}
