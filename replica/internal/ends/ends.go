// Package ends finds what of a key has reached its deadline, and whose it is to delete.
package ends

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Deadline is the last of those that the versions ended had.
func Deadline(panel resolve.Panel, object *resolve.Object, ended []logical.Dot) (last wallclock.Instant) {
	if panel.Serving == resolve.Counter {
		e, _ := object.Deadline()
		return e.Expires
	}
	for _, d := range ended {
		if i, ok := object.Find(d); ok {
			last = max(last, object.Versions[i].Expires)
		}
	}
	return last
}

// Due is the dots of what has ended at now and is to be deleted by the leader whose
// origins own names. A counter is deleted as a whole or not at all.
func Due(panel resolve.Panel, object *resolve.Object, now wallclock.Instant, own func(logical.Origin) bool) []logical.Dot {
	ended := panel.Expired(object, now, nil)
	if panel.Serving == resolve.Counter {
		if e, _ := object.Deadline(); !own(e.Stamp.By.Origin) {
			return nil
		}
		return ended
	}
	return slices.DeleteFunc(ended, func(d logical.Dot) bool { return !own(d.Origin) })
}
