package server

import "time"

// until looks again and again whether ok, for at most limit. Replies that are
// ready are sent before.
func (c *conn) until(limit time.Duration, ok func() bool) bool {
	if ok() || limit <= 0 {
		return ok()
	}
	if c.out.Flush() != nil {
		return false
	}
	end, look := time.NewTimer(limit), time.NewTicker(c.srv.cfg.Poll)
	defer end.Stop()
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if ok() {
				return true
			}
		case <-end.C:
			return ok()
		case <-c.severed:
			return false
		case <-c.srv.draining:
			return ok()
		}
	}
}
