package cache

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is put, dropped and asked for, what the cache has is the newest, it holds
// itself together, and unless it says that something is lost everything is there.
func TestCacheIsBoundedAndNeverStale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := int64(rapid.SampledFrom([]int{0, 300, 3000, 20_000, 200_000, 1 << 20, 5 << 20}).Draw(t, "limit"))
		c := newCache(limit, rapid.SampledFrom([]int{256, 1024, 8192, 64 << 10}).Draw(t, "segment"))
		defer c.Close()
		newest := map[string][]byte{}
		keys := rapid.SampledFrom([]int{3, 30, 1000}).Draw(t, "keys")
		largest := rapid.SampledFrom([]int{10, 100, 3000}).Draw(t, "bytes")
		for i := range rapid.IntRange(1, 1000).Draw(t, "steps") {
			key := fmt.Sprint("k", rapid.IntRange(0, keys).Draw(t, "key"))
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				c.Drop(key)
				delete(newest, key)
			case 1, 2, 3:
				found(t, c, key, newest)
			default:
				value := bytes.Repeat([]byte{byte(i)}, rapid.IntRange(0, largest).Draw(t, "length"))
				c.Put(key, value, byte(len(value)))
				newest[key] = value
			}
			check(t, c)
		}
		there := 0
		for key := range newest {
			if found(t, c, key, newest) {
				there++
			}
		}
		if there != c.Len() || !c.Lost() && there != len(newest) {
			t.Fatalf("%d of %d are found, %d are counted; lost: %v", there, len(newest), c.Len(), c.Lost())
		}
	})
}

func found(t *rapid.T, c *Cache, key string, newest map[string][]byte) bool {
	e, ok := c.Get(key)
	want, put := newest[key]
	if ok && (!put || !bytes.Equal(e.Value, want) || e.Mark != byte(len(want))) {
		t.Fatalf("%s is %x with %d, put: %v %x", key, e.Value, e.Mark, put, want)
	}
	return ok
}

// check counts everything anew.
func check(t *rapid.T, c *Cache) {
	sum, entries := int64(0), 0
	live := map[uint32]int{}
	for i := range c.tables {
		n := 0
		sum += int64(8 * len(c.tables[i].slots))
		for _, s := range c.tables[i].slots {
			if s == 0 {
				continue
			}
			n++
			if !c.segments[c.number(s.ref())].single {
				live[c.number(s.ref())] += headOf(c.entry(s.ref())).capacity
			}
		}
		if n != c.tables[i].n {
			t.Fatalf("%d slots are taken, %d counted", n, c.tables[i].n)
		}
		entries += n
	}
	for n, s := range c.segments {
		if s.mem == nil {
			continue
		}
		sum += int64(len(s.mem) + segmentBytes)
		if s.live != live[uint32(n)] || s.end > len(s.mem) {
			t.Fatalf("segment %d has %d bytes in use and ends at %d; counted %d", n, s.live, s.end, live[uint32(n)])
		}
	}
	if sum != c.Bytes() || sum > c.limit || entries != c.Len() {
		t.Fatalf("%d bytes of %d in %d entries; counted %d and %d", sum, c.limit, entries, c.Bytes(), c.Len())
	}
}

func TestWhatIsAskedForStays(t *testing.T) {
	for _, size := range []int{10, 3000} {
		c := New(1 << 20)
		value := make([]byte, size)
		c.Put("hot", value, 0)
		n := 4 << 20 / size
		for i := range n {
			if _, ok := c.Get("hot"); !ok {
				t.Fatalf("what was always asked for is gone after %d others of %d bytes", i, size)
			}
			c.Put(fmt.Sprint("k", i), value, 0)
		}
		if c.Bytes() < 1<<20*9/10 || !c.Lost() {
			t.Errorf("%d bytes are kept; lost: %v", c.Bytes(), c.Lost())
		}
		c.Close()
	}
}

// Sizes that change leave no holes: what fits as a whole is there as a whole.
func TestOverwritingLosesNothing(t *testing.T) {
	c := New(1 << 20)
	defer c.Close()
	for round := range 200 {
		for i := range 2000 {
			c.Put(fmt.Sprint("k", i), make([]byte, 10+(i*7+round*31)%190), 0)
		}
	}
	if c.Lost() || c.Len() != 2000 {
		t.Errorf("%d keys are left of 2000, in %d bytes", c.Len(), c.Bytes())
	}
}

// A value of its own memory is valid whatever becomes of the key.
func TestLargeValuesLast(t *testing.T) {
	c := New(1 << 20)
	c.Put("k", bytes.Repeat([]byte("old"), 20_000), 0)
	old, _ := c.Get("k")
	c.Put("k", bytes.Repeat([]byte("new"), 20_000), 0)
	now, _ := c.Get("k")
	c.Close()
	if !old.Lasting || !now.Lasting || !bytes.Equal(old.Value, bytes.Repeat([]byte("old"), 20_000)) || !bytes.Equal(now.Value[:3], []byte("new")) {
		t.Errorf("the old value is %.10q, lasting: %v; the new one %.10q", old.Value, old.Lasting, now.Value)
	}
	if _, ok := c.Get("k"); ok {
		t.Error("a closed cache has a key")
	}
	if c.Put("k", nil, 0); c.Len() != 0 {
		t.Error("a closed cache takes a key")
	}
}

// Readers share a lock, writers exclude them: that is all that a cache asks for.
func TestReadersBesideEachOther(t *testing.T) {
	c := New(300_000)
	defer c.Close()
	var mu sync.RWMutex
	var readers sync.WaitGroup
	for r := range 4 {
		readers.Go(func() {
			for i := range 20_000 {
				key := fmt.Sprint("k", (i*7+r)%3000)
				mu.RLock()
				e, ok := c.Get(key)
				if ok && !bytes.HasPrefix(e.Value, []byte(key+" ")) {
					t.Errorf("%s is %.30q", key, e.Value)
				}
				mu.RUnlock()
			}
		})
	}
	for i := range 20_000 {
		key := fmt.Sprint("k", i%4000)
		value := fmt.Appendf(nil, "%s %0*d", key, i%300, i)
		mu.Lock()
		c.Put(key, value, 0)
		mu.Unlock()
	}
	readers.Wait()
}

func TestReadingAllocatesNothing(t *testing.T) {
	c := New(16 << 20)
	defer c.Close()
	value, keys := make([]byte, 100), []string{"key", "none"}
	c.Put("key", value, 0)
	if n := testing.AllocsPerRun(100, func() {
		c.Get("key")
		c.Put("key", value, 0)
		c.Touch(keys)
	}); n != 0 {
		t.Errorf("getting, touching and overwriting a value takes %v allocations", n)
	}
}

func BenchmarkGet(b *testing.B) {
	c, keys := filled(b, 1_000_000)
	i := 0
	for b.Loop() {
		i++
		if _, ok := c.Get(keys[(i*7919+13)%len(keys)]); !ok {
			b.Fatal("a key is gone")
		}
	}
	b.ReportMetric(float64(c.Bytes())/float64(len(keys)), "B/key")
}

// BenchmarkTouchAndGet is what a pipeline of requests takes a key.
func BenchmarkTouchAndGet(b *testing.B) {
	c, keys := filled(b, 1_000_000)
	i, next := 0, make([]string, TouchTogether)
	for b.Loop() {
		if i%len(next) == 0 {
			for k := range next {
				next[k] = keys[((i+k)*7919+13)%len(keys)]
			}
			c.Touch(next)
		}
		if _, ok := c.Get(next[i%len(next)]); !ok {
			b.Fatal("a key is gone")
		}
		i++
	}
}

func BenchmarkOverwrite(b *testing.B) {
	c, keys := filled(b, 1_000_000)
	value, i := make([]byte, 140), 0
	for b.Loop() {
		i = (i*7919 + 13) % len(keys)
		c.Put(keys[i], value, 0)
	}
}

// BenchmarkEvict puts keys that were not there, where something goes for each.
func BenchmarkEvict(b *testing.B) {
	c, _ := filled(b, 1_500_000)
	value, i := make([]byte, 140), 0
	for b.Loop() {
		i++
		c.Put(fmt.Sprint("other:", i), value, 0)
	}
}

func filled(b *testing.B, n int) (*Cache, []string) {
	c := New(256 << 20)
	b.Cleanup(c.Close)
	keys, value := make([]string, n), make([]byte, 140)
	for i := range keys {
		keys[i] = fmt.Sprintf("key:%012d", i)
		c.Put(keys[i], value, 0)
	}
	return c, keys
}

// Readers may ask for the same key at the same time; the race detector sees that each of
// them reads the slot that another one marks as used.
func TestReadersTogether(t *testing.T) {
	c := New(1 << 20)
	defer c.Close()
	for round := range 200 {
		c.Put("x", []byte{byte(round)}, 0)
		c.Drop("x") // so that it is not used yet
		c.Put("x", []byte{byte(round)}, 0)
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				if e, ok := c.Get("x"); !ok || e.Value[0] != byte(round) {
					t.Errorf("round %d: %v, %v", round, e, ok)
				}
			})
		}
		readers.Wait()
	}
}
