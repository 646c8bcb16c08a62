// Package voids bounds what a counter notes of additions that were accepted twice.
package voids

import (
	"fmt"

	"kvd/resolve"
)

// most is from how many on an origin's share of a counter takes no more
// requests that may be retried elsewhere. Each addition that two leaders accepted
// for one request is noted where it does not count, for as long as a deletion may
// still tell it from the others. Peers' ops are always applied, so a store keeps
// many more than the door lets come about.
const most = 16_384

// Check is why a request that adds, and may be retried at another leader, must not go on a
// counter that has been added to twice too often: bad, with the reason; nil: it may. Only
// what a counter serves can be refused: elsewhere it watches.
func Check(panel resolve.Panel, object *resolve.Object, retried bool, bad error) error {
	if panel.Serving != resolve.Counter || !retried {
		return nil
	}
	for i := range object.Versions {
		if n := len(object.Versions[i].Count.Voids); n >= most {
			return fmt.Errorf("%w: %d additions to it were accepted at two leaders each, for requests that were retried, and the key keeps note of them; to begin anew remove it and add what it showed, or send this without a request identity", bad, n)
		}
	}
	return nil
}
