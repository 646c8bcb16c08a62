package host

import (
	"kvd/logical"
	"kvd/storage"
)

// Snapshot lends use what is durable at one moment, with the frontier that was applied
// then; nothing of a batch that is still being synced shows. It waits for the
// loop when no cut is at hand. While a use is under way the loop cannot end, so
// whoever reads for long looks now and then whether it should stop. After use
// returned, the cut may not be touched.
func (l *Loop) Snapshot(use func(c *storage.Cut, applied logical.Frontier) error) error {
	c, err := l.cut()
	if err != nil {
		return err
	}
	defer c.release()
	st, _, err := c.State()
	if err != nil {
		return err
	}
	return use(c.Cut, st.Frontier)
}
