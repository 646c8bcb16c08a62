package host

import (
	"fmt"

	"kvd/replica"
	"kvd/replica/host/internal/state"
	"kvd/storage/codec"
)

// Scan gives the next n keys after cursor, in key order, that match and show a value
// now; a nil match takes all. An empty cursor is the begin, an empty next the end.
// Keys that are there throughout a whole scan are given exactly once. It gives fewer
// than n, though more may follow, once it has read maxScanVisited stored keys,
// those of deletions among them, or at maxScanRead bytes, or found maxScanBytes of
// keys. It does not end behind the empty key, which would be the begin again, so that
// it may give one more than n.
func (l *Loop) Scan(cursor string, n int, match func(key string) bool) (keys []string, next string, err error) {
	if n < 1 {
		return nil, "", fmt.Errorf("scan of %d keys: %w; read one at least", n, replica.ErrBadRequest)
	}
	snap, err := l.snapshot()
	if err != nil {
		return nil, "", err
	}
	defer snap.Release()
	past, visited, bytes, read, more := snap.History(), 0, 0, 0, false
	err = snap.Keys(cursor, func(key, object []byte) (bool, error) {
		if more = next != "" && (len(keys) >= n || visited >= max(n, maxScanVisited) || bytes > maxScanBytes || read > maxScanRead); more {
			return false, nil
		}
		visited++
		next = string(key)
		if match != nil && !match(next) {
			return true, nil
		}
		read += len(object)
		o, err := codec.DecodeLent(object, next)
		if err == nil && len(l.pump.committed.Shows(o, past, l.cfg.Clock).Values) > 0 {
			keys, bytes = append(keys, next), bytes+len(next)
		}
		return true, err
	})
	if err == nil {
		err = past.Err()
	}
	if !more {
		next = ""
	}
	return keys, next, err
}

// What one Scan finds, visits and reads at most: about bytes of keys, stored keys,
// and bytes of what is stored of those that match.
const (
	maxScanBytes   = 1 << 20
	maxScanVisited = 8192
	maxScanRead    = 16 << 20
)

// Find is the first stored key that fits, in key order, whether it shows a value or
// not; false: none does. It walks over all keys.
func (l *Loop) Find(fits func(key string) bool) (found string, ok bool, err error) {
	snap, err := l.snapshot()
	if err != nil {
		return "", false, err
	}
	defer snap.Release()
	err = snap.Keys("", func(key, _ []byte) (bool, error) {
		if k := string(key); fits(k) {
			found, ok = k, true
		}
		return !ok, nil
	})
	return found, ok, err
}

// Size is about how many keys show a value: those that hold one under their
// serving resolver and have not expired, which is known to a millisecond, or less
// exactly where there are very many deadlines. The first call counts them all, once;
// from then on every commit keeps the number.
func (l *Loop) Size() (int64, error) {
	keys, _, _, err := l.population()
	return keys, err
}

// Expiring is how many of those have a deadline.
func (l *Loop) Expiring() (int64, error) {
	_, expiring, _, err := l.population()
	return expiring, err
}

// Deletions counts what is kept because something was deleted or added twice.
type Deletions = state.Deletions

// Deletions is what is kept so now. It counts as Size does.
func (l *Loop) Deletions() (Deletions, error) {
	_, _, d, err := l.population()
	return d, err
}

func (l *Loop) population() (keys, expiring int64, deletions Deletions, err error) {
	keys, expiring, deletions, ok, err := l.pump.committed.Population(l.cfg.Clock, l.tick)
	if !ok {
		err = l.ended()
	}
	return keys, expiring, deletions, err
}

// snapshot is the store as it is durable, to be released. When there is none at hand
// it waits for the loop to make one.
func (l *Loop) snapshot() (*state.Snapshot, error) {
	snap := l.pump.committed.Snapshot(l.tick)
	if snap == nil {
		return nil, l.ended()
	}
	return snap, nil
}

// tick makes a commit follow.
func (l *Loop) tick() { l.push(item{in: replica.Tick{}}) }
