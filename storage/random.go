package storage

import (
	"bytes"

	"kvd/storage/internal/rows"
)

// RandomKey draws a stored key: from the keys' common begin on it takes one of the
// next bytes that occur, each as likely, until one key is left. So every key can come
// up, those among many that begin alike less often than others. Draw is a number
// below n. The object's encoding is the caller's; nil: nothing is stored.
func (s reads) RandomKey(draw func(n int) int) (key string, object []byte, err error) {
	s.gather()
	it, err := s.iterate([]byte{rows.Objects}, []byte{rows.Objects + 1})
	if err != nil {
		return "", nil, wrap(err, "draw a key")
	}
	if rows.Draw(it, draw) {
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
