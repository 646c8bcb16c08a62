package repair

import (
	"crypto/sha256"
	"encoding/binary"
	"sort"
	"strings"

	"kvd/logical"
	"kvd/replica/stable"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/riblt"
)

// What one range has at most. The other leader's may be larger by as much again.
const (
	rangeKeys     = 1 << 16
	rangeKeyBytes = 4 << 20
	rangeRead     = 64 << 20 // bytes of objects, about
	mostSymbols   = 1 << 16
)

// seed makes items differ from range to range, so that nobody can choose keys whose items
// are equal, or confuse a decoder.
type seed struct {
	hash  uint64
	check riblt.Key
}

// item is what a key and its object, as it is stored, are compared by.
func (s seed) item(key string, object []byte) uint64 {
	h := sha256.New()
	var head [16]byte
	binary.BigEndian.PutUint64(head[:8], s.hash)
	binary.BigEndian.PutUint64(head[8:], uint64(len(key)))
	_, _ = h.Write(head[:])
	_, _ = h.Write([]byte(key))
	_, _ = h.Write(object)
	var sum [sha256.Size]byte
	return binary.BigEndian.Uint64(h.Sum(sum[:0]))
}

// table is what a leader holds of a range at one cut: an item for each key.
type table struct {
	span     span
	frontier logical.Frontier // of the cut
	items    []uint64
	ends     []uint32 // of the keys, in bytes
	bytes    []byte   // the keys, one after the other
	read     int64    // bytes that were read
}

func (t *table) key(i int) string {
	from := uint32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return string(t.bytes[from:t.ends[i]])
}

// scan reads the span, but for keys of which nothing is left but deletions, or as much of it from its beginning as is factor times what a range
// may have. The table's span says how far it came.
func scan(snap *storage.Snapshot, applied logical.Frontier, s span, factor int) (*table, error) {
	t := &table{span: s, frontier: applied}
	after := s.after
	if after == "" {
		after = before(s.prefix)
	}
	last := ""
	err := snap.Keys(after, func(key, object []byte) (bool, error) {
		k := string(key)
		switch {
		case k < s.prefix:
			return true, nil
		case !strings.HasPrefix(k, s.prefix), !s.open && k > s.to:
			return false, nil
		case len(t.items) >= factor*rangeKeys || len(t.bytes) >= factor*rangeKeyBytes || t.read >= int64(factor)*rangeRead:
			t.span.to, t.span.open = last, false
			return false, nil
		}
		last = k
		t.read += int64(len(k) + len(object))
		o, err := codec.DecodeLent(object, k)
		if err != nil || stable.OnlyDeletions(o) {
			return true, err
		}
		t.items = append(t.items, s.seed.item(k, object))
		t.bytes = append(t.bytes, k...)
		t.ends = append(t.ends, uint32(len(t.bytes)))
		return true, nil
	})
	return t, err
}

// before is below every key that has the prefix, and above most that have not.
func before(prefix string) string {
	if prefix == "" {
		return ""
	}
	n := len(prefix) - 1
	if prefix[n] == 0 {
		return prefix[:n]
	}
	return prefix[:n] + string([]byte{prefix[n] - 1, 0xff, 0xff, 0xff, 0xff})
}

// find is the index of the first key that is not below the one given.
func (t *table) find(key string) int {
	return sort.Search(len(t.items), func(i int) bool { return t.key(i) >= key })
}

// cut drops the keys after to: the other leader's range ends there.
func (t *table) cut(to string) {
	n := t.find(to)
	if n < len(t.items) && t.key(n) == to {
		n++
	}
	t.items, t.ends = t.items[:n], t.ends[:n]
	t.span.to, t.span.open = to, false
}

// byItem is the keys of some of the table's items.
func (t *table) byItem(items []uint64) map[uint64]string {
	found := map[uint64]string{}
	for _, it := range items {
		found[it] = ""
	}
	for i, it := range t.items {
		if _, wanted := found[it]; wanted {
			found[it] = t.key(i)
		}
	}
	return found
}

// itemOf is the key's item; false: the table has none.
func (t *table) itemOf(key string) (uint64, bool) {
	if i := t.find(key); i < len(t.items) && t.key(i) == key {
		return t.items[i], true
	}
	return 0, false
}

// holds reports whether the key's object is still as it was at the cut; nil: there is none.
func (t *table) holds(key string, object []byte) bool {
	was, there := t.itemOf(key)
	if len(object) == 0 {
		return !there
	}
	return there && was == t.span.seed.item(key, object)
}
