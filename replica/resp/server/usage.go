package server

import (
	"time"
)

// tallied is a run of one command in the pending batch.
type tallied struct {
	cmd *Command
	n   uint64
}

// count notes a command that goes into the pending batch.
func (c *conn) count(cmd *Command) {
	if n := len(c.tallies); n > 0 && c.tallies[n-1].cmd == cmd {
		c.tallies[n-1].n++
		return
	}
	c.tallies = append(c.tallies, tallied{cmd, 1})
}

// counted tells the commands how often they were taken, and gives each its share of
// the time.
func (c *conn) counted(took time.Duration) {
	all := uint64(0)
	for i := range c.tallies {
		all += c.tallies[i].n
	}
	for _, t := range c.tallies {
		t.cmd.used.Add(t.n, took*time.Duration(t.n)/time.Duration(all))
	}
	c.tallies = c.tallies[:0]
	c.srv.stats.Hits.Add(c.pending.Hits)
	c.srv.stats.Misses.Add(c.pending.Misses)
}

// Usage is how often the command was done, for how many microseconds in all, and how
// often it was refused, by all clients.
func (c *Command) Usage() (calls, micros, rejected uint64) {
	return c.used.Calls.Load(), c.used.Micros.Load(), c.used.Rejected.Load()
}
