// Package pending is encoded objects that wait to be put into the database, in the order in
// which they came.
//
// Where all objects fit into memory nobody asks for one of them, so an index is made only
// once somebody does. What the package is not: safe for several goroutines.
package pending

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
)

// Object is an object as the database has it; a nil Value: there is none any more.
type Object struct {
	Key   string
	Value []byte
}

// objectBytes is what an object takes beside its key and value.
const objectBytes = 40

// List is objects of which the last one of a key counts. The zero List is empty.
type List struct {
	objects []Object
	bytes   int64
	index   map[string]int // of the first ones; nil: none was asked for
	indexed int
}

// Next is an empty list for about as much; it has an index if l was asked for an object. Its
// memory is that of spare, which was reset, if there is one.
func (l *List) Next(spare *List) *List {
	next := spare
	if next == nil {
		next = &List{objects: make([]Object, 0, len(l.objects))}
	}
	switch {
	case l.index == nil:
		next.index = nil
	case next.index == nil:
		next.index = make(map[string]int, len(l.index))
	}
	return next
}

// Reset empties the list and keeps its memory, unless that is for many more objects than it
// had. Nobody may be asking it.
func (l *List) Reset() {
	n := len(l.objects)
	clear(l.objects)
	clear(l.index)
	l.objects, l.bytes, l.indexed = l.objects[:0], 0, 0
	if cap(l.objects) > 4*max(n, minObjects) {
		l.objects, l.index = nil, nil
	}
}

// minObjects is for how many objects memory is always kept.
const minObjects = 1 << 10

// Append takes objects over.
func (l *List) Append(objects []Object) {
	l.objects = append(l.objects, objects...)
	for _, o := range objects {
		l.bytes += int64(len(o.Key) + len(o.Value) + objectBytes)
	}
	if l.index != nil {
		l.catchUp()
	}
}

// catchUp takes what came since into the index.
func (l *List) catchUp() {
	for ; l.indexed < len(l.objects); l.indexed++ {
		l.index[l.objects[l.indexed].Key] = l.indexed
	}
}

// Len is how many there are, those of one key counted each, and Bytes what they take.
func (l *List) Len() int     { return len(l.objects) }
func (l *List) Bytes() int64 { return l.bytes }

// Object is the key's value, if it is in the list. A nil list is empty.
func (l *List) Object(key string) (value []byte, found bool) {
	if l == nil {
		return nil, false
	}
	if l.index == nil {
		l.index = make(map[string]int, len(l.objects))
	}
	l.catchUp()
	i, found := l.index[key]
	if !found {
		return nil, false
	}
	return l.objects[i].Value, true
}

// place is an object in order.
type place struct {
	digits uint64 // the key's bytes behind what all keys begin with, as many as fit
	index  int32
}

// order is the objects by key, and of one key as they came. Most are told apart by their
// digits, without looking for their keys in memory.
func (l *List) order() []place {
	order, skip := make([]place, len(l.objects)), l.commonPrefix()
	var differ uint64
	for i := range order {
		var digits [8]byte
		copy(digits[:], l.objects[i].Key[skip:])
		order[i] = place{binary.BigEndian.Uint64(digits[:]), int32(i)}
		differ |= order[i].digits ^ order[0].digits
	}
	order = byDigits(order, differ)
	for begin, end := 0, 0; begin < len(order); begin = end {
		for end = begin + 1; end < len(order) && order[end].digits == order[begin].digits; end++ {
		}
		if end > begin+1 {
			slices.SortStableFunc(order[begin:end], func(a, b place) int { return cmp.Compare(l.objects[a.index].Key, l.objects[b.index].Key) })
		}
	}
	return order
}

// byDigits sorts by the digits, byte by byte from the last on of those in which they
// differ, and keeps the order of equal ones: radix sort (Knuth, TAOCP 5.2.5).
func byDigits(order []place, differ uint64) []place {
	other := make([]place, len(order))
	for shift := 0; shift < 64; shift += 8 {
		if byte(differ>>shift) == 0 {
			continue
		}
		var begin [256]int32
		for i := range order {
			begin[byte(order[i].digits>>shift)]++
		}
		at := int32(0)
		for b, n := range begin {
			begin[b], at = at, at+n
		}
		for _, p := range order {
			b := byte(p.digits >> shift)
			other[begin[b]] = p
			begin[b]++
		}
		order, other = other, order
	}
	return order
}

// commonPrefix is how many bytes all keys begin with.
func (l *List) commonPrefix() int {
	if len(l.objects) == 0 {
		return 0
	}
	common := l.objects[0].Key
	for i := range l.objects {
		key := l.objects[i].Key
		for !strings.HasPrefix(key, common) {
			common = common[:len(common)-1]
		}
	}
	return len(common)
}

// rowBytes is what an object takes in a batch of the database beside its key and value, at most.
const rowBytes = 16

// Sorted is the last object of each key, by key, and how many bytes a batch takes for them.
// The list must stay as it is while they are gone through.
func (l *List) Sorted() (last iter.Seq[Object], bytes int) {
	order := l.order()
	kept := order[:0]
	for i, at := range order {
		o := &l.objects[at.index]
		if i+1 == len(order) || at.digits != order[i+1].digits || l.objects[order[i+1].index].Key != o.Key {
			kept = append(kept, at)
			bytes += len(o.Key) + len(o.Value) + rowBytes
		}
	}
	return func(yield func(Object) bool) {
		for _, at := range kept {
			if !yield(l.objects[at.index]) {
				return
			}
		}
	}, bytes
}
