package replica

import (
	"fmt"

	"kvd/resolve"
)

// maxVoids is from how many on an origin's share of a counter takes no more
// requests that may be retried elsewhere. Each addition that two leaders accepted
// for one request is noted where it does not count, for as long as a deletion may
// still tell it from the others. Peers' ops are always applied, so a store keeps
// many more than the door lets come about.
const maxVoids = 16_384

// voided is why the op, whose request may be retried at another leader, would go on
// a counter that has been added to twice too often; nil: it has not. Only what a
// counter serves can be refused: elsewhere it watches.
func voided(panel resolve.Panel, object *resolve.Object, q *Request, op *resolve.Op) error {
	if panel.Serving != resolve.Counter || q.Client == 0 || op.Kind == resolve.Delete {
		return nil
	}
	for i := range object.Versions {
		if n := len(object.Versions[i].Count.Voids); n >= maxVoids {
			return fmt.Errorf("%w: %d additions to it were accepted at two leaders each, for requests that were retried, and the key keeps note of them; to begin anew remove it and add what it showed, or send this without a request identity",
				ErrBadRequest, n)
		}
	}
	return nil
}
