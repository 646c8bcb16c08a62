package state

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"kvd/replica"
	"kvd/resolve"
)

func object(key string, bytes int) *resolve.Object {
	return &resolve.Object{Key: key, Versions: []resolve.Version{{Value: make([]byte, bytes)}}}
}

// Whatever is put and asked for, the cache is within its bound, and what it has
// is the newest.
func TestCacheIsBoundedAndNeverStale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCache(int64(rapid.IntRange(0, 20_000).Draw(t, "limit")))
		newest := map[string]*resolve.Object{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			key := fmt.Sprint("k", rapid.IntRange(0, 30).Draw(t, "key"))
			if rapid.Bool().Draw(t, "ask") {
				if e := c.find(key); e != nil && e.object != newest[key] {
					t.Fatalf("%s is an older object", key)
				}
				continue
			}
			o := object(key, rapid.IntRange(0, 2000).Draw(t, "bytes"))
			if rapid.IntRange(0, 5).Draw(t, "gone") == 0 {
				o.Versions = nil
			}
			c.put(o)
			newest[key] = o
			check(t, &c)
		}
	})
}

func check(t *rapid.T, c *cache) {
	sum := int64(0)
	for i, e := range c.ring {
		sum += e.bytes
		if e.index != i || c.entries[e.object.Key] != e || e.bytes != replica.Weigh(e.object) {
			t.Fatalf("entry %d is %+v", i, e)
		}
	}
	if sum != c.bytes || sum > c.limit || len(c.entries) != len(c.ring) {
		t.Fatalf("%d bytes of %d in %d entries and %d in the ring; counted %d", sum, c.limit, len(c.entries), len(c.ring), c.bytes)
	}
}

func TestCacheKeepsWhatIsAskedFor(t *testing.T) {
	c := newCache(100 * replica.Weigh(object("k00", 0)))
	c.put(object("hot", 0))
	for i := range 10_000 {
		if c.find("hot") == nil {
			t.Fatalf("what was always asked for is gone after %d others", i)
		}
		c.put(object(fmt.Sprint("k", i), 0))
	}
	if len(c.ring) < 90 {
		t.Errorf("only %d objects are kept", len(c.ring))
	}
}
