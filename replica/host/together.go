package host

import (
	"fmt"

	"kvd/replica"
)

// readable is nil unless what is stored of the request's key cannot be read, or of a key
// that is changed together with it: the core looks at all of them in the first one's turn.
func (p *Pump) readable(q *replica.Request) error {
	g := q.Together
	if g == nil || q != g.Requests[0] {
		return p.overlay.Readable(q.Key)
	}
	for _, r := range g.Requests {
		if err := p.overlay.Readable(r.Key); err != nil {
			err = fmt.Errorf("%.64q goes with it: %w", r.Key, err)
			g.Refuse(err)
			return err
		}
	}
	return nil
}
