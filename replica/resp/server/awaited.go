package server

import (
	"context"
	"time"

	"kvd/replica/resp/hangup"
)

// lookForClient is how often is looked whether the client of a command that takes
// long is still there.
const lookForClient = time.Second

// awaited is a context that ends when nobody waits for an answer any more. The
// connection's goroutine does not read meanwhile, so that a client has hung up is
// looked for. No goroutine is left once end has returned.
func (c *conn) awaited() (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer cancel()
		look := time.NewTicker(lookForClient)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				if hangup.Detected(c.nc) {
					return
				}
			case <-c.severed:
				return
			case <-c.srv.draining:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(); <-over }
}
