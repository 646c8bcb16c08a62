package storage

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/internal/logs"
	"kvd/storage/internal/rows"
)

// reads is what a [Store] and a [Snapshot] of it answer alike.
type reads struct {
	from pebble.Reader
	log  logs.Log
	upTo *logical.Frontier // what of the log is shown; nil: all
	late *behind           // objects that are not in the database yet; nil: all are
	err  error             // why nobody knows
}

// State is what the leader remembered with its last batch; false: the store is
// fresh.
func (s reads) State() (State, bool, error) {
	var state State
	var scratch [16]byte
	found, err := s.get(rows.AppendStateKey(scratch[:0]), func(b []byte) (err error) {
		state, err = rows.DecodeState(b)
		return err
	})
	return state, found, wrap(err, "read state")
}

// Incarnations is the origins of the leader's incarnations that the last PutIncarnations named,
// ascending; they are the caller's.
func (s reads) Incarnations() ([]logical.Origin, error) {
	var origins []logical.Origin
	var scratch [16]byte
	_, err := s.get(rows.AppendIncarnationsKey(scratch[:0]), func(b []byte) (err error) {
		origins, err = rows.DecodeIncarnations(b)
		return err
	})
	return origins, wrap(err, "read incarnations")
}

// Object is the key's object; one without versions if the key was never written
// or nothing of it is left. It is the caller's and shares nothing with the
// store.
func (s reads) Object(key string) (*resolve.Object, error) {
	o := &resolve.Object{Key: key}
	_, err := s.object(key, func(b []byte) (err error) {
		o, err = codec.DecodeStored(b, key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read object %.64q: %w", key, err)
	}
	return o, nil
}

// object hands the object's encoding to use, which must not keep it.
func (s reads) object(key string, use func([]byte) error) (bool, error) {
	if s.late != nil {
		if v, waits := s.late.object(key); waits && v != nil {
			return true, use(v)
		} else if waits {
			return false, nil
		}
	}
	var scratch [64]byte
	return s.get(rows.AppendObjectKey(scratch[:0], key), use)
}

// ObjectWithin is Object if it is stored in at most limit bytes; nil, and how many
// they are, if it takes more. Nothing is copied then.
func (s reads) ObjectWithin(key string, limit int64) (o *resolve.Object, size int64, err error) {
	o = &resolve.Object{Key: key}
	_, err = s.object(key, func(b []byte) (err error) {
		if size = int64(len(b)); size > limit {
			o = nil
			return nil
		}
		o, err = codec.DecodeStored(b, key)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read object %.64q: %w", key, err)
	}
	return o, size, nil
}

// Op is the op with dot d; false: not, or no longer, in the log. It is the
// caller's and shares nothing with the store.
func (s reads) Op(d logical.Dot) (*resolve.Op, bool, error) {
	var op *resolve.Op
	found, err := s.op(d, func(b []byte) (err error) {
		op, err = codec.DecodeOp(b)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("read op %s: %w", d, err)
	}
	return op, found, nil
}

// BriefOp is Op with no more than limit bytes of the value, and the size of the
// whole: for whoever reads many ops and shows a little of each.
func (s reads) BriefOp(d logical.Dot, limit int) (op *resolve.Op, size int, found bool, err error) {
	found, err = s.op(d, func(b []byte) (err error) {
		op, size, err = codec.DecodeBriefOp(b, limit)
		return err
	})
	if err != nil {
		return nil, 0, false, fmt.Errorf("read op %s: %w", d, err)
	}
	return op, size, found, nil
}

// op hands the op's encoding to use, which must not keep it.
func (s reads) op(d logical.Dot, use func([]byte) error) (bool, error) {
	if s.err != nil || s.upTo != nil && !s.upTo.Covers(d) {
		return false, s.err
	}
	return s.log.Op(d, use)
}

// Request is the dot that a client's request was given.
func (s reads) Request(client, number uint64) (logical.Dot, bool, error) {
	var scratch [32]byte
	d, found, err := s.dot(rows.AppendRequestKey(scratch[:0], client, number))
	return d, found, wrap(err, "read request")
}

// dot reads a value that is a dot.
func (s reads) dot(key []byte) (d logical.Dot, found bool, err error) {
	found, err = s.get(key, func(b []byte) (err error) {
		d, err = codec.DecodePlainDot(b)
		return err
	})
	return d, found && err == nil, err
}

// get hands the value of key to use, which must not keep it, and reports whether
// there is one.
func (s reads) get(key []byte, use func([]byte) error) (bool, error) {
	b, closer, err := s.from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = use(b)
	return true, errors.Join(err, closer.Close())
}

// wrap says what failed.
func wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
