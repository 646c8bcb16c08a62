package show

import (
	"bytes"
	"strconv"

	"kvd/replica/client"
)

// Entry is a key and its value.
type Entry struct {
	Key   string
	Value string
	There bool
	Bare  bool // as text, the value alone
}

func (e Entry) Text(p *Printer) string {
	if e.Bare {
		return p.Show(e.Value)
	}
	if !e.There {
		return p.Show(e.Key) + "  (absent)"
	}
	return p.Show(e.Key) + "  " + p.Show(e.Value)
}

func (e Entry) Columns() []string { return []string{"key", "value"} }

func (e Entry) Cells() []string {
	if !e.There {
		return []string{Printable(e.Key), "(absent)"}
	}
	return []string{Printable(e.Key), Printable(e.Value)}
}

func (e Entry) Raw() string { return e.Value }

// MarshalJSON gives null for a value that is not there.
func (e Entry) MarshalJSON() ([]byte, error) {
	if !e.There {
		return marshal(struct {
			Key   keyName `json:"key"`
			Value *string `json:"value"`
		}{keyName(e.Key), nil})
	}
	return marshal(struct {
		Key keyName `json:"key"`
		Blob
	}{keyName(e.Key), blobOf(e.Value)})
}

// Facts is what a small command comes to: named facts, in order.
type Facts struct {
	Say  string // as text
	Bare string // raw
	All  []Fact
}

// Fact is one of them.
type Fact struct{ name, reads, json string }

// NumberFact is a fact that is a number.
func NumberFact(name string, n int64) Fact {
	text := strconv.FormatInt(n, 10)
	return Fact{name, text, text}
}

// WordFact is a fact that is a text.
func WordFact(name, value string) Fact {
	return jsonFact(name, Printable(value), value)
}

// KeyFact is the fact that says which key was meant.
func KeyFact(name string) Fact {
	return jsonFact("key", Printable(name), keyName(name))
}

// TruthFact is a fact that is true or false.
func TruthFact(name string, is bool) Fact {
	text := strconv.FormatBool(is)
	return Fact{name, text, text}
}

// NullFact is a fact that there is no value of.
func NullFact(name, reads string) Fact { return Fact{name, reads, "null"} }

// Find is how a fact reads; empty: there is none.
func (f Facts) Find(name string) string {
	for _, one := range f.All {
		if one.name == name {
			return one.reads
		}
	}
	return ""
}

// jsonFact is a fact that reads and marshals as it is told.
func jsonFact[T any](name, reads string, value T) Fact {
	text, err := marshal(value)
	if err != nil {
		panic(err) // nothing that comes here can fail to marshal
	}
	return Fact{name, reads, string(text)}
}

// ReplyFact is a value of a leader's.
func ReplyFact(name string, r client.Reply) Fact { return jsonFact(name, Printable(r.Text), Reply{r}) }

// ListFact is a fact that is several texts; in JSON it is never null.
func ListFact(name string, words []string) Fact {
	return jsonFact(name, joined(words), append([]string{}, words...))
}

func (f Facts) Text(*Printer) string { return f.Say }
func (f Facts) Raw() string          { return f.Bare }

func (f Facts) Columns() []string {
	var names []string
	for _, one := range f.All {
		names = append(names, one.name)
	}
	return names
}

func (f Facts) Cells() []string {
	var cells []string
	for _, one := range f.All {
		cells = append(cells, one.reads)
	}
	return cells
}

// MarshalJSON keeps the order.
func (f Facts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range f.All {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.WriteString(strconv.Quote(one.name) + ":" + one.json)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
