package scrub

import "time"

// RunWith is Run by any clock.
func (s *Scrubber) RunWith(now func() time.Time, wait func(time.Duration) bool) { s.run(now, wait) }
