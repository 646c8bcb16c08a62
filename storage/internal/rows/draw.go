package rows

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// Draw moves the iterator to a drawn key; false: there is none.
func Draw(it *pebble.Iterator, draw func(n int) int) bool {
	begin := []byte{Objects}
	for {
		if !it.SeekLT(successor(begin)) {
			return false
		}
		last := bytes.Clone(it.Key())
		if !it.SeekGE(begin) {
			return false
		}
		if bytes.Equal(it.Key(), last) {
			return true
		}
		n := commonPrefix(it.Key(), last)
		begin = append(begin[:0], last[:n]...)
		next, ends := branch(it, begin, draw)
		if ends {
			return it.SeekGE(begin)
		}
		begin = append(begin, next)
	}
}

// branch draws one of the bytes that follow begin; or ends, which says that the key
// begin itself was drawn. The iterator stands at the first key that begins so.
func branch(it *pebble.Iterator, begin []byte, draw func(n int) int) (next byte, ends bool) {
	probe := append(bytes.Clone(begin), 0)
	n := 0
	if len(it.Key()) == len(begin) {
		ends, n = true, 1
		it.SeekGE(probe)
	}
	for it.Valid() && bytes.HasPrefix(it.Key(), begin) {
		c := it.Key()[len(begin)]
		if n++; draw(n) == 0 { // each of n is kept with the same chance
			next, ends = c, false
		}
		if c == 0xff {
			break
		}
		probe[len(begin)] = c + 1
		it.SeekGE(probe)
	}
	return next, ends
}

// successor is the first key behind all that begin so.
func successor(begin []byte) []byte {
	end := bytes.Clone(begin)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// commonPrefix is how many bytes two keys begin with in common.
func commonPrefix(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
