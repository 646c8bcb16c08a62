package leader

import (
	"kvd/replica/resp"
	"kvd/resolve"
)

// keys is the leader's keys in order.
type keys struct{ *Leader }

var _ resp.Keys = keys{}

// Scan looks at the next n keys after cursor.
func (k keys) Scan(cursor string, n int, match func(string) bool) (found []string, next string, err error) {
	seen := 0
	err = k.store.Objects(func(o *resolve.Object) bool {
		if o.Key <= cursor {
			return true
		}
		if seen == n {
			return false
		}
		seen++
		next = o.Key
		p := k.cfg.Policy.Panel(o.Key)
		r := p.Read(o, nil)
		if len(r.Values) > 0 && (match == nil || match(o.Key)) {
			found = append(found, o.Key)
		}
		return true
	})
	if seen < n {
		next = ""
	}
	return found, next, err
}

// Size is the number of keys.
func (k keys) Size() (int64, error) {
	n := int64(0)
	err := k.store.Objects(func(*resolve.Object) bool { n++; return true })
	return n, err
}
