package show

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
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

// momentOf is the field beside a field of nanoseconds since 1970, which are beyond 2^53:
// what reads JSON numbers as floating point, such as a browser, rounds them. It holds the
// same moment as RFC 3339 has it.
func momentOf(name string, ns int64) struct {
	Name  string
	Value any
} {
	return struct {
		Name  string
		Value any
	}{name + "_time", time.Unix(0, ns).UTC().Format(time.RFC3339Nano)}
}

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

// Reply is a leader's reply as it came.
func Reply(r client.Reply) Record {
	return Record{
		Text: func(p *Printer) string { return reply{r}.lines(p.Show) },
		Raw: func() string {
			if len(r.Items) > 0 {
				return strings.Join(r.Texts(), "\n") + "\n"
			}
			return r.Text
		},
		Columns: []string{"reply"},
		Rows:    func() [][]string { return row(strings.ReplaceAll(reply{r}.lines(Printable), "\n", " ")) },
		JSON:    func() any { return reply{r} },
	}
}

// reply is a leader's reply as a value of JSON.
type reply struct{ client.Reply }

// lines is the reply for people, as redis-cli shows it: nested lists indented.
func (r reply) lines(show func(string) string) string {
	var b strings.Builder
	r.write(&b, "", show)
	return strings.TrimSuffix(b.String(), "\n")
}

func (r reply) write(b *strings.Builder, indent string, show func(string) string) {
	switch {
	case r.IsNull():
		b.WriteString("(nil)\n")
	case r.Kind == '$':
		b.WriteString(show(r.Text) + "\n")
	case r.Kind == '-':
		b.WriteString("(error) " + Printable(r.Text) + "\n")
	case r.Kind == '*' || r.Kind == '%':
		r.writeItems(b, indent, show)
	default:
		b.WriteString(r.Text + "\n")
	}
}

func (r reply) writeItems(b *strings.Builder, indent string, show func(string) string) {
	if len(r.Items) == 0 {
		b.WriteString("(empty)\n")
		return
	}
	step, label := 1, func(i int) string { return strconv.Itoa(i+1) + ") " }
	if r.Kind == '%' {
		step, label = 2, func(i int) string { return show(r.Items[i].Text) + ": " }
	}
	for i := 0; i < len(r.Items); i += step {
		head := label(i)
		if i > 0 {
			b.WriteString(indent)
		}
		b.WriteString(head)
		reply{r.Items[i+step-1]}.write(b, indent+strings.Repeat(" ", len(head)), show)
	}
}

// MarshalJSON gives texts as blobs, and maps as objects.
func (r reply) MarshalJSON() ([]byte, error) {
	switch {
	case r.IsNull():
		return []byte("null"), nil
	case r.Kind == '$':
		return cliutil.Marshal(blobOf(r.Text))
	case r.Kind == '-':
		return cliutil.Marshal(object{{"error", r.Text}})
	case r.Kind == '*':
		return cliutil.Marshal(each(r.Items, func(item client.Reply) reply { return reply{item} }))
	case r.Kind == '%':
		var fields object
		for i := 0; i < len(r.Items); i += 2 {
			fields.Add(r.Items[i].Text, reply{r.Items[i+1]})
		}
		return cliutil.Marshal(fields)
	case json.Valid([]byte(r.Text)): // a number, a truth
		return []byte(r.Text), nil
	}
	return cliutil.Marshal(r.Text)
}
