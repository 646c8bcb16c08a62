package node

import (
	"kvd/replica"
	"kvd/resolve"
)

func (c *Config) serves(key string) resolve.ID { return c.Policy.Panel(key).Serving }

// observe is told every event on the loop's goroutine, once it is durable.
func (l *Leader) observe(e replica.Event) {
	l.metrics.Observe(e)
	switch e := e.(type) {
	case replica.Applied:
		l.watchOrigins(e.Op)
	case replica.Judged:
		l.lossFeed.Tell(e)
	case replica.WritesRefused, replica.WritesAllowed:
		l.logRefusal(e)
	case replica.Unsendable:
		l.logUnsendable(e)
	case replica.OriginTwice, replica.LogsDiffer, replica.ConflictFound:
		l.logConflict(e)
	}
}
