package client

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
)

// Reply is what a leader answered.
type Reply struct {
	Kind   Kind
	Text   string  // Text: bytes as they came; otherwise how it reads
	Number int64   // Number
	Items  []Reply // List; Dict: key, value, key, value, by key
}

// Kind is what a reply is.
type Kind uint8

const (
	Null Kind = iota
	Text
	Number
	Other // a double, a boolean, a big number: text is how it reads
	List
	Dict
	Failure // an error inside a list
)

// ReplyOf reads what go-redis gives.
func ReplyOf(value any) Reply {
	switch v := value.(type) {
	case nil:
		return Reply{}
	case string:
		return Reply{Kind: Text, Text: v}
	case int64:
		return Reply{Kind: Number, Number: v, Text: strconv.FormatInt(v, 10)}
	case float64:
		return Reply{Kind: Other, Text: strconv.FormatFloat(v, 'g', -1, 64)}
	case bool:
		return Reply{Kind: Other, Text: strconv.FormatBool(v)}
	case *big.Int:
		return Reply{Kind: Other, Text: v.String()}
	case []any:
		return listOf(v)
	case map[any]any:
		return dictOf(v)
	case error:
		return Reply{Kind: Failure, Text: v.Error()}
	}
	return Reply{Kind: Text, Text: fmt.Sprint(value)}
}

func listOf(values []any) Reply {
	r := Reply{Kind: List, Items: make([]Reply, len(values))}
	for i, v := range values {
		r.Items[i] = ReplyOf(v)
	}
	return r
}

// dictOf sorts: go-redis does not keep the order of RESP3 maps.
func dictOf(values map[any]any) Reply {
	pairs := make([][2]Reply, 0, len(values))
	for k, v := range values {
		pairs = append(pairs, [2]Reply{ReplyOf(k), ReplyOf(v)})
	}
	slices.SortFunc(pairs, func(a, b [2]Reply) int { return cmp.Compare(a[0].Text, b[0].Text) })
	r := Reply{Kind: Dict, Items: make([]Reply, 0, 2*len(pairs))}
	for _, p := range pairs {
		r.Items = append(r.Items, p[0], p[1])
	}
	return r
}

// Field is a map's value: of a RESP3 map, or of the flat list that RESP2 has
// instead. The zero reply if there is none.
func (r Reply) Field(name string) Reply {
	for i := 0; i+1 < len(r.Items); i += 2 {
		if r.Items[i].Text == name {
			return r.Items[i+1]
		}
	}
	return Reply{}
}

// Texts is the texts of a list.
func (r Reply) Texts() []string {
	all := make([]string, len(r.Items))
	for i := range r.Items {
		all[i] = r.Items[i].Text
	}
	return all
}

// Truth is the reply as a boolean, which RESP2 has as 0 and 1.
func (r Reply) Truth() bool {
	return r.Kind == Number && r.Number != 0 || r.Kind == Other && r.Text == "true"
}
