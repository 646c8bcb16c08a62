package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/internal/rows"
)

// Ops lists origin's ops from seq from on, ascending: at most maxOps, and no
// more than have a [resolve.Op.Size] of maxBytes together; at least one if there is
// one. They are the caller's.
func (s reads) Ops(origin logical.Origin, from logical.Seq, maxOps, maxBytes int) ([]*resolve.Op, error) {
	var ops []*resolve.Op
	err := s.LogEntries(origin, from, func(seq logical.Seq, v []byte) (bool, error) {
		op, err := codec.DecodeOp(v)
		if err != nil {
			return false, fmt.Errorf("op %d: %w", seq, err)
		}
		size := op.Size()
		if len(ops) > 0 && size > maxBytes {
			return false, nil
		}
		maxBytes -= size
		ops = append(ops, op)
		return len(ops) < maxOps, nil
	})
	return ops, err
}

// Objects yields every object that has versions or duplicates, by key, until yield
// answers false. Each is the caller's.
func (s reads) Objects(yield func(*resolve.Object) bool) error {
	err := s.scanObjects(func(key, v []byte) (bool, error) {
		o, err := codec.DecodeStored(v, string(key))
		if err != nil {
			return false, fmt.Errorf("object %.64q: %w", key, err)
		}
		return yield(o), nil
	})
	return wrap(err, "read objects")
}

// Keys yields every key after the one named, in order, that has versions or
// duplicates, until yield answers false; the empty key is before all. Key and encoding
// are gone when yield returns: [codec.DecodeLent] reads what is wanted meanwhile. Who goes
// on after a key may miss what was stored since the call that began at the first one.
func (s reads) Keys(after string, yield func(key, object []byte) (bool, error)) error {
	lower := append(rows.AppendObjectKey(nil, after), 0)
	if after == "" {
		lower = []byte{rows.Objects}
		s.gather()
	}
	err := s.scan(lower, []byte{rows.Objects + 1}, func(k, v []byte) (bool, error) { return yield(k[1:], v) })
	return wrap(err, "read keys")
}

// gather puts the objects that wait into the database, for whoever is about to scan them.
func (s reads) gather() {
	if s.late != nil {
		s.late.flush()
	}
}

// Digest is equal for equal objects at different leaders and almost surely
// different for others: a hash of all objects' encodings by key. It reads the
// whole store.
func (s reads) Digest() (uint64, error) {
	h := xxhash.New()
	var size [16]byte
	err := s.scanObjects(func(key, v []byte) (bool, error) {
		binary.BigEndian.PutUint64(size[:8], uint64(len(key)))
		binary.BigEndian.PutUint64(size[8:], uint64(len(v)))
		for _, part := range [3][]byte{size[:], key, v} {
			_, _ = h.Write(part) // a hash takes everything
		}
		return true, nil
	})
	return h.Sum64(), wrap(err, "digest objects")
}

// MetadataBytes is how many objects there are and what they take, storage keys
// included, beyond the users' keys and values; before compression. It reads the
// whole store.
func (s reads) MetadataBytes() (objects int, bytes int64, err error) {
	err = s.scanObjects(func(key, v []byte) (bool, error) {
		o, err := codec.DecodeObject(v)
		if err != nil {
			return false, fmt.Errorf("object %.64q: %w", key, err)
		}
		objects++
		bytes += int64(1 + len(v)) // the letter in the storage key
		for i := range o.Versions {
			bytes -= int64(len(o.Versions[i].Value))
		}
		return true, nil
	})
	return objects, bytes, wrap(err, "measure objects")
}

// scanObjects hands every object's key and encoding to use.
func (s reads) scanObjects(use func(key, v []byte) (bool, error)) error {
	s.gather()
	return s.scan([]byte{rows.Objects}, []byte{rows.Objects + 1}, func(k, v []byte) (bool, error) { return use(k[1:], v) })
}

// scan hands the entries from lower up to but without upper to use, in order,
// until it answers false. What it is handed is gone afterwards.
func (s reads) scan(lower, upper []byte, use func(k, v []byte) (bool, error)) error {
	it, err := s.iterate(lower, upper)
	if err != nil {
		return err
	}
	return errors.Join(walk(it, use), it.Close())
}

func (s reads) iterate(lower, upper []byte) (*pebble.Iterator, error) {
	return s.from.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
}

func walk(it *pebble.Iterator, use func(k, v []byte) (bool, error)) error {
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		more, err := use(it.Key(), v)
		if err != nil || !more {
			return err
		}
	}
	return it.Error()
}
