package host

import "kvd/storage/codec"

// randomTries is how often a key is drawn that shows nothing before the keys are
// walked through.
const randomTries = 32

// Random is a stored key that match admits, nil all, and that shows a value now; false:
// there is none. Draw is a number below n. Keys among many that begin alike come up less often than others.
func (l *Loop) Random(draw func(n int) int, match func(key string) bool) (key string, found bool, err error) {
	snap, err := l.snapshot()
	if err != nil {
		return "", false, err
	}
	defer snap.Release()
	past := snap.History()
	shows := func(key string, object []byte) (bool, error) {
		if match != nil && !match(key) {
			return false, nil
		}
		o, err := codec.DecodeStored(object, key)
		return err == nil && len(l.pump.committed.Shows(o, past, l.cfg.Clock).Values) > 0, err
	}
	for range randomTries {
		key, object, err := snap.RandomKey(draw)
		if err != nil || object == nil {
			return "", false, err
		}
		if found, err = shows(key, object); found || err != nil {
			return key, found, err
		}
	}
	err = snap.Keys("", func(k, object []byte) (bool, error) {
		var err error
		found, err = shows(string(k), object)
		key = string(k)
		return !found, err
	})
	if err == nil {
		err = past.Err()
	}
	return key, found && err == nil, err
}
