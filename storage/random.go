package storage

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// RandomKey draws a stored key: from the keys' common begin on it takes one of the
// next bytes that occur, each as likely, until one key is left. So every key can come
// up, those among many that begin alike less often than others. Draw is a number
// below n. The object's encoding is the caller's; nil: nothing is stored.
func (s reads) RandomKey(draw func(n int) int) (key string, object []byte, err error) {
	it, err := s.iterate([]byte{inObjects}, []byte{inObjects + 1})
	if err != nil {
		return "", nil, wrap(err, "draw a key")
	}
	if descend(it, draw) {
		var v []byte
		v, err = it.ValueAndErr()
		key, object = string(it.Key()[1:]), bytes.Clone(v)
	}
	if err == nil {
		err = it.Error()
	}
	if closed := it.Close(); err == nil {
		err = closed
	}
	return key, object, wrap(err, "draw a key")
}

// descend moves the iterator to a drawn key; false: there is none.
func descend(it *pebble.Iterator, draw func(n int) int) bool {
	begin := []byte{inObjects}
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
