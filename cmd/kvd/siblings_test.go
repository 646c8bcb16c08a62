package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kvd/replica/replicatest"

	"github.com/redis/go-redis/v9"
)

// reading is what KVD.GET says of a key: how many values, and the token.
func (n *served) reading(key string) (values int, token string) {
	n.t.Helper()
	switch r := n.try("KVD.GET", key).(type) {
	case map[any]any:
		return len(r["values"].([]any)), r["token"].(string)
	case []any:
		return len(r[1].([]any)), r[3].(string)
	default:
		n.t.Fatalf("KVD.GET is answered %T", r)
	}
	return 0, ""
}

// pile writes a key again and again over what one old token was shown: nothing.
func (n *served) pile(key string, times int) {
	n.t.Helper()
	_, old := n.reading(key)
	p := n.Pipeline()
	for i := range times {
		p.Do(context.Background(), "KVD.SET", key, fmt.Sprintf("%s%d", n.name, i), "TOKEN", old)
	}
	if _, err := p.Exec(context.Background()); err != nil {
		n.t.Fatalf("%s: %v", n.name, err)
	}
}

// Two leaders that cannot meet each let in as many versions of a key as they may,
// so that together they hold more than either would have. They agree on all of them
// when they meet, and one command of any client settles each key.
func TestAKeyWithThousandsOfSiblingsIsSettledByOneCommand(t *testing.T) {
	t.Parallel()
	const each, fewer = 2100, 500
	gossip := free(t)
	more := []string{"--resolver", "siblings", "--unsafe-faults", "--max-siblings", fmt.Sprint(each)}
	n1 := serves(t, "n1", t.TempDir(), gossip, more...)
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0", append(more, "--join", gossip)...)
	n1.try("SET", "met", "1")
	n2.shows("met", "1")
	n1.try("KVD.FAULT", "LINK", "n2", "cut=on")
	n2.try("KVD.FAULT", "LINK", "n1", "cut=on")
	keys := map[string]int{"set": fewer, "deleted": fewer, "resolved": each}
	for _, n := range []*served{n1, n2} {
		for key, times := range keys {
			n.pile(key, times)
		}
		_, old := n.reading("absent")
		n.refuses("ERR the token is of another key", "KVD.SET", "set", "one more", "TOKEN", old)
	}
	n1.try("KVD.FAULT", "CLEAR")
	n2.try("KVD.FAULT", "CLEAR")
	for _, n := range []*served{n1, n2} {
		for key, times := range keys {
			replicatest.Eventually(t, n.name+" has both sides' versions of "+key, func() bool {
				values, _ := n.reading(key)
				return values == 2*times
			})
		}
	}
	_, token := n2.reading("resolved")
	n1.try("SET", "set", "one")
	n1.try("DEL", "deleted")
	n1.try("KVD.RESOLVE", "resolved", "one", "TOKEN", token)
	for _, n := range []*served{n1, n2} {
		n.shows("set", "one")
		n.shows("resolved", "one")
		replicatest.Eventually(t, n.name+" shows no deleted", func() bool {
			values, _ := n.reading("deleted")
			return values == 0
		})
	}
}

// As many versions as there may be are let in, and a write that was shown none of
// them is told how to go on, which then works.
func TestWriteThatWouldAddOneSiblingTooManyIsRefused(t *testing.T) {
	t.Parallel()
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--resolver", "causal", "--policy", "cart:=siblings")
	_, old := n.reading("cart:1")
	n.pile("cart:1", 100)
	err := n.Do(context.Background(), "KVD.SET", "cart:1", "more", "TOKEN", old).Err()
	if err == nil || !strings.HasPrefix(err.Error(), "SIBLINGS ") || !strings.Contains(err.Error(), "KVD.GET") {
		t.Fatalf("one more is answered %v", err)
	}
	values, token := n.reading("cart:1")
	if values != 100 {
		t.Fatalf("%d values", values)
	}
	n.try("KVD.SET", "cart:1", "all", "TOKEN", token)
	n.shows("cart:1", "all")
	if err := n.Do(context.Background(), "KVD.SET", "plain", "1").Err(); err != nil && err != redis.Nil {
		t.Fatal(err)
	}
}
