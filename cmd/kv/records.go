package main

import (
	"bytes"
	"strconv"
	"strings"
)

// entry is a key and its value.
type entry struct {
	key   string
	value string
	there bool
	bare  bool // as text, the value alone
}

func (e entry) text(p *printer) string {
	if e.bare {
		return p.show(e.value)
	}
	if !e.there {
		return p.show(e.key) + "  (absent)"
	}
	return p.show(e.key) + "  " + p.show(e.value)
}

func (e entry) columns() []string { return []string{"key", "value"} }

func (e entry) cells() []string {
	if !e.there {
		return []string{printable(e.key), "(absent)"}
	}
	return []string{printable(e.key), printable(e.value)}
}

func (e entry) raw() string { return e.value }

// MarshalJSON gives null for a value that is not there.
func (e entry) MarshalJSON() ([]byte, error) {
	if !e.there {
		return marshal(struct {
			Key   keyName `json:"key"`
			Value *string `json:"value"`
		}{keyName(e.key), nil})
	}
	return marshal(struct {
		Key keyName `json:"key"`
		blob
	}{keyName(e.key), blobOf(e.value)})
}

// facts is what a small command comes to: named facts, in order.
type facts struct {
	say  string // as text
	bare string // raw
	all  []fact
}

// fact is one of them.
type fact struct{ name, reads, json string }

func numberFact(name string, n int64) fact {
	text := strconv.FormatInt(n, 10)
	return fact{name, text, text}
}

func wordFact(name, value string) fact {
	return jsonFact(name, printable(value), value)
}

// keyFact is the fact that says which key was meant.
func keyFact(name string) fact {
	return jsonFact("key", printable(name), keyName(name))
}

func truthFact(name string, is bool) fact {
	text := strconv.FormatBool(is)
	return fact{name, text, text}
}

// find is how a fact reads; empty: there is none.
func (f facts) find(name string) string {
	for _, one := range f.all {
		if one.name == name {
			return one.reads
		}
	}
	return ""
}

// jsonFact is a fact that reads and marshals as it is told.
func jsonFact[T any](name, reads string, value T) fact {
	text, err := marshal(value)
	if err != nil {
		panic(err) // nothing that comes here can fail to marshal
	}
	return fact{name, reads, string(text)}
}

// replyFact is a value of a leader's.
func replyFact(name string, r reply) fact { return jsonFact(name, printable(r.text), r) }

func listFact(name string, words []string) fact {
	return jsonFact(name, joined(words), append([]string{}, words...))
}

func (f facts) text(*printer) string { return f.say }
func (f facts) raw() string          { return f.bare }

func (f facts) columns() []string {
	var names []string
	for _, one := range f.all {
		names = append(names, one.name)
	}
	return names
}

func (f facts) cells() []string {
	var cells []string
	for _, one := range f.all {
		cells = append(cells, one.reads)
	}
	return cells
}

// MarshalJSON keeps the order.
func (f facts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range f.all {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.WriteString(strconv.Quote(one.name) + ":" + one.json)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// joined is texts on one line.
func joined(texts []string) string {
	shown := make([]string, len(texts))
	for i, t := range texts {
		shown[i] = printable(t)
	}
	return strings.Join(shown, " | ")
}
