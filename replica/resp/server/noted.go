package server

import (
	"strconv"
	"sync/atomic"
	"time"

	"kvd/replica/resp/batch"
	"kvd/replica/resp/budget"
	"kvd/replica/resp/slowlog"
)

// What takes long is noted here: a command that is answered on its own, or a batch of
// a pipeline, from when the leader is given it until its replies are written. That
// includes the sync that --sync always waits for.

// maxSlowArgs and maxSlowArg bound what is noted of one command.
const maxSlowArgs, maxSlowArg = 32, 128

// timed notes what began then, if it took long, and says how long.
func (c *conn) timed(began time.Time, args func() []string) (took time.Duration) {
	now := c.srv.cfg.Now()
	if took = now.Sub(began); c.srv.Slow.Slow(took) {
		c.srv.Slow.Add(slowlog.Entry{At: now.Unix(), Took: took, Args: args(), Addr: c.prof.Addr, Name: c.snapshot().Name})
	}
	return took
}

// slowArgs is the command at hand, as it is noted.
func (k *Call) slowArgs() []string {
	var all []string
	for i, a := range k.Args {
		switch {
		case len(k.Args) > maxSlowArgs && i == maxSlowArgs-1:
			return append(all, "... ("+strconv.Itoa(len(k.Args)-i)+" more arguments)")
		case k.secret(i):
			all = append(all, "(redacted)")
		default:
			all = append(all, shortened(string(a[:min(len(a), maxSlowArg)]), len(a)))
		}
	}
	return all
}

// slowArgs is the first command of a batch, whose arguments are gone but for its keys,
// and how many came with it.
func slowArgs(b *batch.Batch) []string {
	for i := range b.Steps {
		s := &b.Steps[i]
		if s.Name == "" {
			continue
		}
		all := []string{s.Name}
		for _, r := range b.Requests[s.From:s.To] {
			if key := shortened(r.Key[:min(len(r.Key), maxSlowArg)], len(r.Key)); key != all[len(all)-1] {
				all = append(all, key)
			}
			if len(all) == maxSlowArgs-1 {
				break
			}
		}
		if n := len(b.Steps) - 1; n > 0 {
			all = append(all, "... ("+strconv.Itoa(n)+" more commands of the pipeline)")
		}
		return all
	}
	return nil
}

func shortened(text string, n int) string {
	if n == len(text) {
		return text
	}
	return text + "... (" + strconv.Itoa(n-len(text)) + " more bytes)"
}

type commandRun struct {
	cmd *Command
	n   uint64
}

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
		t.cmd.Used.Add(t.n, took*time.Duration(t.n)/time.Duration(all))
	}
	c.runs = c.runs[:0]
	c.srv.stats.Hits.Add(c.pending.Hits)
	c.srv.stats.Misses.Add(c.pending.Misses)
}

// Counters count since the start.
type Counters struct {
	Accepted, Rejected, Commands, Batches, ProtocolErrors, Slow, Hits, Misses atomic.Uint64
}

// Stats is what a server has done since it was made.
type Stats struct {
	Clients        int    // connected now
	Accepted       uint64 // connections
	Rejected       uint64 // connections turned away because there were too many
	Commands       uint64
	Batches        uint64 // calls of Engine.Do
	ProtocolErrors uint64
	Slow           uint64 // clients cut because they sent or took too slowly
	Memory         budget.Stats
	Behind         uint64 // subscribers cut because too much waited for them
	Unheard        uint64 // messages that nobody here was sent, for want of memory
	Hits, Misses   uint64 // keys read that showed a value, and that did not
}

// Usage counts how often a command was taken and how long it was under way, its sync
// included: commands that go to the engine together share the time.
type Usage struct{ Calls, Micros, Rejected atomic.Uint64 }

// Add notes n commands that took so long together.
func (u *Usage) Add(n uint64, took time.Duration) {
	u.Calls.Add(n)
	u.Micros.Add(uint64(max(0, took.Microseconds())))
}

// Reset counts anew.
func (u *Usage) Reset() {
	u.Calls.Store(0)
	u.Micros.Store(0)
	u.Rejected.Store(0)
}

// Since is what was counted since then; what is of the present stays.
func (s Stats) Since(was *Stats) Stats {
	then := was.counts()
	for i, n := range s.counts() {
		*n -= *then[i]
	}
	return s
}

func (s *Stats) counts() []*uint64 {
	return []*uint64{
		&s.Accepted, &s.Rejected, &s.Commands, &s.Batches, &s.ProtocolErrors, &s.Slow, &s.Behind, &s.Unheard, &s.Hits, &s.Misses, &s.Memory.Cut, &s.Memory.Waits,
	}
}
