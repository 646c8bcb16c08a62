package server

import (
	"time"
)

// commandRun is a run of one command in the pending batch.
type commandRun struct {
	cmd *Command
	n   uint64
}

// count notes a command that goes into the pending batch.
func (c *conn) count(cmd *Command) {
	if n := len(c.runs); n > 0 && c.runs[n-1].cmd == cmd {
		c.runs[n-1].n++
		return
	}
	c.runs = append(c.runs, commandRun{cmd, 1})
}

// countDone tells the commands how often they were taken, and gives each its share of
// the time.
func (c *conn) countDone(took time.Duration) {
	all := uint64(0)
	for i := range c.runs {
		all += c.runs[i].n
	}
	for _, t := range c.runs {
		t.cmd.used.Add(t.n, took*time.Duration(t.n)/time.Duration(all))
	}
	c.runs = c.runs[:0]
	c.srv.stats.Hits.Add(c.pending.Hits)
	c.srv.stats.Misses.Add(c.pending.Misses)
}

// Usage is how often the command was done, for how many microseconds in all, and how
// often it was refused, by all clients.
func (c *Command) Usage() (calls, micros, rejected uint64) {
	return c.used.Calls.Load(), c.used.Micros.Load(), c.used.Rejected.Load()
}
