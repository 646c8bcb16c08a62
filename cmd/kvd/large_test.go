package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kvd/replica/replicatest"
	"kvd/resolve/limits"
)

// noise is bytes that no compression makes smaller.
func noise(seed uint64, n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), 1}).Read(b)
	return string(b)
}

// showsAll waits until the key shows the value, which is too long to be told.
func (n *served) showsAll(key, value string) {
	n.t.Helper()
	replicatest.Eventually(n.t, fmt.Sprintf("%s shows %d bytes of %.20q", n.name, len(value), key), func() bool {
		got, err := n.StrLen(context.Background(), key).Result()
		return err == nil && int(got) == len(value)
	})
	if got, err := n.Get(context.Background(), key).Result(); err != nil || got != value {
		n.t.Errorf("%s: %.20q shows %d bytes that are not those written, %v", n.name, key, len(got), err)
	}
}

// refuses does a command that must be answered an error, on a connection that goes
// on afterwards.
func (n *served) refuses(says string, args ...any) {
	n.t.Helper()
	conn := n.Conn()
	defer conn.Close()
	if err := conn.Do(context.Background(), args...).Err(); err == nil || !strings.Contains(err.Error(), says) {
		n.t.Errorf("%s: %.40v is answered %v, not %q", n.name, args, err, says)
	}
	if err := conn.Ping(context.Background()).Err(); err != nil {
		n.t.Errorf("%s: after %q the connection is gone: %v", n.name, says, err)
	}
}

// What the door admits reaches every leader, up to the last byte, and so does
// whatever is written after it; what it does not admit is answered with the limit.
func TestTheLargestValueReachesEverybody(t *testing.T) {
	t.Parallel()
	gossip := free(t)
	all := []*served{serves(t, "n1", t.TempDir(), gossip)}
	for _, name := range []string{"n2", "n3"} {
		all = append(all, serves(t, name, t.TempDir(), "127.0.0.1:0", "--join", gossip))
	}
	n1 := all[0]
	six, largest, long := noise(1, 6<<20), noise(2, limits.Value), noise(3, limits.Key)
	n1.try("SET", "six", six)
	n1.try("SET", "after", "1")
	n1.try("KVD.SET", long, largest[:limits.Value-1])
	n1.try("APPEND", long, largest[limits.Value-1:])
	all[2].try("MSET", "one", six, "two", six)
	all[2].try("SET", "last", "1")
	for _, n := range all {
		n.showsAll("six", six)
		n.shows("after", "1")
		n.showsAll(long, largest)
		n.showsAll("one", six)
		n.showsAll("two", six)
		n.shows("last", "1")
	}
	bulk := fmt.Sprintf("is longer than %d", limits.Value)
	n1.refuses(bulk, "SET", "more", largest+"x")
	n1.refuses(bulk, "KVD.SET", "more", largest+"x")
	n1.refuses(fmt.Sprintf("maximum allowed size (%d bytes)", limits.Value), "APPEND", long, "x")
	n1.refuses(fmt.Sprintf("the key is longer than %d bytes", limits.Key), "SET", long+"x", "1")
	n1.refuses(fmt.Sprintf("longer than %d bytes", limits.Request), "MSET", "more", largest, "and", largest)
	n1.try("SET", "more", "none")
	for _, n := range all {
		n.shows("more", "none")
	}
}
