package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kvd/resolve"
)

// Five clients at three leaders add 2,000 elements to one set, each by reading it
// and writing it back with its own element in it. Every addition is acknowledged.
// What is missing in the end is what the ledgers say is lost: as many writes, the
// same at every leader, and every audit adds up.
func TestMissingElementsAreTheLedgers(t *testing.T) {
	each := 400
	if testing.Short() {
		each = 60
	}
	for _, serving := range []resolve.ID{resolve.LWW, resolve.Causal, resolve.Siblings} {
		t.Run(serving.String(), func(t *testing.T) {
			all := cluster(t, 3, everybody(serving), nil)
			began := time.Now()
			acknowledged, merged := addElements(t, all, 5, each)
			took := time.Since(began)
			settle(t, all)
			if acknowledged != 5*each {
				t.Fatalf("%d additions were acknowledged", acknowledged)
			}
			present := all[0].elements()
			rows := all[0].table("RESOLVER", "all")
			lost := len(all[0].table("RESOLVER", serving.String()))
			for _, n := range all {
				if got := n.elements(); got != present {
					t.Errorf("%s shows %d elements, n1 %d", n.Name(), got, present)
				}
				if got := n.table("RESOLVER", "all"); !slices.Equal(got, rows) {
					t.Errorf("%s lists %d losses, n1 %d, or others", n.Name(), len(got), len(rows))
				}
				for _, b := range n.tell("KVD.AUDIT").rows("balances") {
					if b["holds"] != int64(1) || b["accepted"] != int64(acknowledged) {
						t.Errorf("%s counts %v", n.Name(), b)
					}
					if b["resolver"] == serving.String() && b["inverted"].(int64)+b["concurrent"].(int64) != int64(lost) {
						t.Errorf("%s audits %v, its ledger lists %d", n.Name(), b, lost)
					}
				}
			}
			if lost != acknowledged-present {
				t.Errorf("%d acknowledged, %d present, and the ledgers say that %d are lost", acknowledged, present, lost)
			}
			if inTheWay := lost+merged > 0; !inTheWay || lost > 0 != serving.Loses() {
				t.Errorf("%d were lost, %d reads showed siblings: the clients were never in each other's way, or should not have been", lost, merged)
			}
			t.Logf("%s: %d acknowledged in %s (%d over siblings), %d present, %d lost (%.1f%%), %d rows under all resolvers; the ledgers of three leaders agree",
				serving, acknowledged, took.Round(time.Millisecond), merged, present, lost, 100*float64(lost)/float64(acknowledged), len(rows))
		})
	}
}

// addElements lets clients add each elements of their own at once, and gives how
// many additions were acknowledged, and how many of these merged siblings.
func addElements(t *testing.T, all []*node, clients, each int) (acknowledged, merged int) {
	var wg sync.WaitGroup
	done, over := make([]int, clients), make([]int, clients)
	for c := range clients {
		wg.Go(func() {
			n := all[c%len(all)]
			for i := range each {
				shown, err := n.addElement(clients*each, c*each+i)
				if err != nil {
					t.Errorf("client %d: %v", c, err)
					return
				}
				done[c]++
				over[c] += min(1, max(0, shown-1))
			}
		})
	}
	wg.Wait()
	for c := range clients {
		acknowledged, merged = acknowledged+done[c], merged+over[c]
	}
	return acknowledged, merged
}

// addElement reads the set, a bit for each of so many elements, and writes it back
// with one more. It gives how many values it was shown.
func (n *node) addElement(of, i int) (shown int, err error) {
	ctx := context.Background()
	r, err := n.client.Do(ctx, "KVD.GET", "set").Result()
	if err != nil {
		return 0, err
	}
	read := answer(r.(map[any]any))
	values := read["values"].([]any)
	set := union(values, (of+7)/8)
	set[i/8] |= 1 << (i % 8)
	return len(values), n.client.Do(ctx, "KVD.SET", "set", set, "TOKEN", read["token"]).Err()
}

// union is all siblings' elements.
func union(values []any, size int) []byte {
	set := make([]byte, size)
	for _, v := range values {
		for i, b := range []byte(v.(string)) {
			set[i] |= b
		}
	}
	return set
}

// elements counts what the leader shows.
func (n *node) elements() (count int) {
	n.t.Helper()
	values := n.tell("KVD.GET", "set")["values"].([]any)
	for _, b := range union(values, len(values[0].(string))) {
		for ; b != 0; b &= b - 1 {
			count++
		}
	}
	return count
}

// table is the leader's losses, all that leaders must agree about.
func (n *node) table(words ...any) (rows []string) {
	n.t.Helper()
	words = append([]any{"KVD.LOSSES", "COUNT", 1000}, words...)
	for page := words; ; {
		a := n.tell(page...)
		for _, r := range a.rows("rows") {
			rows = append(rows, fmt.Sprint(r["resolver"], r["relation"], r["key"], r["loser"], r["winner"], r["text"]))
		}
		next, more := a["next"].(string)
		if !more {
			return rows
		}
		page = append(slices.Clone(words), "AFTER", next)
	}
}
