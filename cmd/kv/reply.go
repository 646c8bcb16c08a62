package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// reply is what a leader answered.
type reply struct {
	kind   replyKind
	text   string  // aText: bytes as they came; otherwise how it reads
	number int64   // aNumber
	items  []reply // aList; aDict: key, value, key, value, by key
}

type replyKind uint8

const (
	aNull replyKind = iota
	aText
	aNumber
	other // a double, a boolean, a big number: text is how it reads
	aList
	aDict
	aFailure // an error inside a list
)

// replyOf reads what go-redis gives.
func replyOf(value any) reply {
	switch v := value.(type) {
	case nil:
		return reply{}
	case string:
		return reply{kind: aText, text: v}
	case int64:
		return reply{kind: aNumber, number: v, text: strconv.FormatInt(v, 10)}
	case float64:
		return reply{kind: other, text: strconv.FormatFloat(v, 'g', -1, 64)}
	case bool:
		return reply{kind: other, text: strconv.FormatBool(v)}
	case *big.Int:
		return reply{kind: other, text: v.String()}
	case []any:
		return listOf(v)
	case map[any]any:
		return dictOf(v)
	case error:
		return reply{kind: aFailure, text: v.Error()}
	}
	return reply{kind: aText, text: fmt.Sprint(value)}
}

func listOf(values []any) reply {
	r := reply{kind: aList, items: make([]reply, len(values))}
	for i, v := range values {
		r.items[i] = replyOf(v)
	}
	return r
}

// dictOf sorts: go-redis does not keep the order of RESP3 maps.
func dictOf(values map[any]any) reply {
	pairs := make([][2]reply, 0, len(values))
	for k, v := range values {
		pairs = append(pairs, [2]reply{replyOf(k), replyOf(v)})
	}
	slices.SortFunc(pairs, func(a, b [2]reply) int { return cmp.Compare(a[0].text, b[0].text) })
	r := reply{kind: aDict, items: make([]reply, 0, 2*len(pairs))}
	for _, p := range pairs {
		r.items = append(r.items, p[0], p[1])
	}
	return r
}

// field is a map's value: of a RESP3 map, or of the flat list that RESP2 has
// instead. The zero reply if there is none.
func (r reply) field(name string) reply {
	for i := 0; i+1 < len(r.items); i += 2 {
		if r.items[i].text == name {
			return r.items[i+1]
		}
	}
	return reply{}
}

// texts is the texts of a list.
func (r reply) texts() []string {
	all := make([]string, len(r.items))
	for i := range r.items {
		all[i] = r.items[i].text
	}
	return all
}

// lines is the reply for people, as redis-cli shows it: nested lists indented.
func (r reply) lines(show func(string) string) string {
	var b strings.Builder
	r.write(&b, "", show)
	return strings.TrimSuffix(b.String(), "\n")
}

func (r reply) write(b *strings.Builder, indent string, show func(string) string) {
	switch r.kind {
	case aNull:
		b.WriteString("(nil)\n")
	case aText:
		b.WriteString(show(r.text) + "\n")
	case aFailure:
		b.WriteString("(error) " + printable(r.text) + "\n")
	case aList, aDict:
		r.writeItems(b, indent, show)
	default:
		b.WriteString(r.text + "\n")
	}
}

func (r reply) writeItems(b *strings.Builder, indent string, show func(string) string) {
	if len(r.items) == 0 {
		b.WriteString("(empty)\n")
		return
	}
	step, label := 1, func(i int) string { return strconv.Itoa(i+1) + ") " }
	if r.kind == aDict {
		step, label = 2, func(i int) string { return show(r.items[i].text) + ": " }
	}
	for i := 0; i < len(r.items); i += step {
		head := label(i)
		if i > 0 {
			b.WriteString(indent)
		}
		b.WriteString(head)
		r.items[i+step-1].write(b, indent+strings.Repeat(" ", len(head)), show)
	}
}

// MarshalJSON gives texts as blobs, and maps as objects.
func (r reply) MarshalJSON() ([]byte, error) {
	switch r.kind {
	case aNull:
		return []byte("null"), nil
	case aText:
		return marshal(blobOf(r.text))
	case aFailure:
		return marshal(struct {
			Error string `json:"error"`
		}{r.text})
	case aList:
		return marshal(append([]reply{}, r.items...)) // never null
	case aDict:
		return r.object()
	case other:
		if json.Valid([]byte(r.text)) {
			return []byte(r.text), nil
		}
		return marshal(r.text)
	}
	return []byte(r.text), nil
}

func (r reply) object() ([]byte, error) {
	var b bytes.Buffer
	for i := 0; i < len(r.items); i += 2 {
		name, err := marshal(r.items[i].text)
		if err != nil {
			return nil, err
		}
		value, err := marshal(r.items[i+1])
		if err != nil {
			return nil, err
		}
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.Write(append(append(name, ':'), value...))
	}
	if b.Len() == 0 {
		return []byte("{}"), nil
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
