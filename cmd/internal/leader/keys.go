package leader

import (
	"kvd/logical"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/storage"
)

// keys is the leader's keys in order, read beside the loop.
type keys struct{ *Leader }

var _ resp.Keys = keys{}

// Scan looks at the next n keys after cursor, and gives those that show
// something now and match.
func (k keys) Scan(cursor string, n int, match func(string) bool) (found []string, next string, err error) {
	seen, now := 0, k.clock.Now().Wall.Midpoint()
	err = k.store.Keys(cursor, func(key, object []byte) (bool, error) {
		if seen == n {
			return false, nil
		}
		seen++
		next = string(key)
		if match != nil && !match(next) {
			return true, nil
		}
		o, err := storage.DecodeStored(object, next)
		if err != nil {
			return false, err
		}
		if r, _ := k.cfg.Policy.Panel(next).ReadAt(o, history{k.Leader}, now); len(r.Values) > 0 {
			found = append(found, next)
		}
		return true, nil
	})
	if seen < n {
		next = ""
	}
	return found, next, err
}

// Size counts the keys; those that were deleted and are still remembered among
// them.
func (k keys) Size() (n int64, err error) {
	err = k.store.Keys("", func(_, _ []byte) (bool, error) {
		n++
		return true, nil
	})
	return n, err
}

// history is the past as reading siblings asks for it.
type history struct{ *Leader }

var _ resolve.History = history{}

// Op is the op with dot d.
func (h history) Op(d logical.Dot) (*resolve.Op, bool) {
	op, found, err := h.store.Op(d)
	h.fail(err)
	return op, found
}

// Twin is the other dot of d's request.
func (h history) Twin(d logical.Dot) (logical.Dot, bool) {
	t, found, err := h.store.Twin(d)
	h.fail(err)
	return t, found
}

// Lost reports whether the ledger holds d.
func (h history) Lost(r resolve.ID, key string, d logical.Dot) bool {
	lost, err := h.store.Lost(r, key, d)
	h.fail(err)
	return lost
}
