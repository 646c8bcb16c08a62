package show

import (
	"strconv"
	"unicode/utf8"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
)

// Record is one thing to print. What a format has of it is made when it is printed so.
type Record struct {
	Text    func(p *Printer) string // for people; no line end after the last line
	Raw     func() string           // values alone, byte for byte
	Columns []string
	Rows    func() [][]string // of a table, one cell below each column
	JSON    func() any
}

// row is a record that is one row of a table.
func row(cells ...string) [][]string { return [][]string{cells} }

// only is a record for JSON alone.
func only(fields object) Record { return Record{JSON: func() any { return fields }} }

// Fact is one of the named facts that a small command comes to.
type Fact struct {
	name, reads string
	json        any
}

// Facts is facts in order: as text what say has, raw what bare has.
func Facts(say, bare string, all ...Fact) Record {
	return Record{
		Text:    func(*Printer) string { return say },
		Raw:     func() string { return bare },
		Columns: each(all, func(f Fact) string { return f.name }),
		Rows:    func() [][]string { return row(each(all, func(f Fact) string { return f.reads })...) },
		JSON: func() any {
			var fields object
			for _, f := range all {
				fields.Add(f.name, f.json)
			}
			return fields
		},
	}
}

// NumberFact is a fact that is a number.
func NumberFact(name string, n int64) Fact { return Fact{name, strconv.FormatInt(n, 10), n} }

// WordFact is a fact that is a text.
func WordFact(name, value string) Fact { return Fact{name, Printable(value), value} }

// KeyFact is the fact that says which key was meant.
func KeyFact(name string) Fact { return Fact{"key", Printable(name), keyName(name)} }

// TruthFact is a fact that is true or false.
func TruthFact(name string, is bool) Fact { return Fact{name, strconv.FormatBool(is), is} }

// NullFact is a fact that there is no value of.
func NullFact(name, reads string) Fact { return Fact{name, reads, nil} }

// ReplyFact is a value of a leader's.
func ReplyFact(name string, r client.Reply) Fact { return Fact{name, Printable(r.Text), reply{r}} }

// ListFact is a fact that is several texts; in JSON it is never null.
func ListFact(name string, words []string) Fact {
	return Fact{name, joined(words), append([]string{}, words...)}
}

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
