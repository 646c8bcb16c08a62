package replica

import (
	"fmt"

	"kvd/replica/internal/budget"
	"kvd/resolve"
)

// Budget bounds what the replies to the requests of one call hold (Request.Budget).
type Budget = budget.Budget

// Scratch is memory for what the replies to one call show (Budget.Scratch).
type Scratch = budget.Scratch

// Bytes is what values take together.
func Bytes(values [][]byte) int64 {
	var n int64
	for _, v := range values {
		n += int64(len(v))
	}
	return n
}

// present is in place of the values of a key that is only asked whether it has any.
var present [1][]byte

// Brief makes of what a Get shows what its author asked for.
func (q *Request) Brief(r resolve.Reading) resolve.Reading {
	if !q.Whether {
		return r
	}
	return resolve.Reading{Values: present[:min(1, len(r.Values))]}
}

// overBudget answers a request whose reply would hold more than its budget.
func (t *turn) overBudget(q *Request) { t.refuse(q, q.overBudget()) }

func (q *Request) overBudget() error { return fmt.Errorf("%s %.64q: %w", q.Verb, q.Key, ErrBudget) }
