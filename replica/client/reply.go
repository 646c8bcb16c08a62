package client

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"kvd/replica/client/conn"
)

// Reply is what a leader answered. Text is how it reads, of numbers and truths as well; the
// items of a map are by key.
type Reply = conn.Reply

// ReplyOf reads what go-redis gives.
func ReplyOf(value any) Reply {
	switch v := value.(type) {
	case nil:
		return Reply{Kind: '_', Null: true}
	case string:
		return Reply{Kind: '$', Text: v}
	case int64:
		return Reply{Kind: ':', Int: v, Text: strconv.FormatInt(v, 10)}
	case float64:
		return Reply{Kind: ',', Text: strconv.FormatFloat(v, 'g', -1, 64)}
	case bool:
		return Reply{Kind: '#', Text: strconv.FormatBool(v)}
	case *big.Int:
		return Reply{Kind: '(', Text: v.String()}
	case []any:
		r := Reply{Kind: '*', Items: make([]Reply, len(v))}
		for i, item := range v {
			r.Items[i] = ReplyOf(item)
		}
		return r
	case map[any]any:
		return dictOf(v)
	case error:
		return Reply{Kind: '-', Text: v.Error()}
	}
	return Reply{Kind: '$', Text: fmt.Sprint(value)}
}

// dictOf sorts: go-redis does not keep the order of RESP3 maps.
func dictOf(values map[any]any) Reply {
	pairs := make([][2]Reply, 0, len(values))
	for k, v := range values {
		pairs = append(pairs, [2]Reply{ReplyOf(k), ReplyOf(v)})
	}
	slices.SortFunc(pairs, func(a, b [2]Reply) int { return cmp.Compare(a[0].Text, b[0].Text) })
	r := Reply{Kind: '%', Items: make([]Reply, 0, 2*len(pairs))}
	for _, p := range pairs {
		r.Items = append(r.Items, p[0], p[1])
	}
	return r
}
