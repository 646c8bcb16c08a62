package server

import (
	"fmt"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"kvd/replica/resp"
)

// usage counts how often a command was taken and how long it was under way, its sync
// included: commands that go to the engine together share the time.
type usage struct{ calls, micros, rejected atomic.Uint64 }

func (u *usage) add(n uint64, took time.Duration) {
	u.calls.Add(n)
	u.micros.Add(uint64(max(0, took.Microseconds())))
}

// tallied is a run of one command in the pending batch.
type tallied struct {
	cmd *command
	n   uint64
}

// count notes a command that goes into the pending batch.
func (c *conn) count(cmd *command) {
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
		t.cmd.used.add(t.n, took*time.Duration(t.n)/time.Duration(all))
	}
	c.tallies = c.tallies[:0]
	c.srv.stats.hits.Add(c.pending.hits)
	c.srv.stats.misses.Add(c.pending.misses)
}

// commandLines is the section Commandstats, by name.
func (s *Server) commandLines() []string {
	var lines []string
	for _, name := range s.names {
		u := s.table[name].used
		calls, micros, rejected := u.calls.Load(), u.micros.Load(), u.rejected.Load()
		if calls+rejected == 0 {
			continue
		}
		each := float64(micros) / float64(max(calls, 1))
		lines = append(lines, fmt.Sprintf("cmdstat_%s:calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d", name, calls, micros, each, rejected))
	}
	return lines
}

// memoryLines is the section Memory: of the whole process, as its runtime counts.
func (s *Server) memoryLines() []string {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	used, resident := samples[0].Value.Uint64(), samples[1].Value.Uint64()-samples[2].Value.Uint64()
	peak := s.peak.Load()
	for used > peak && !s.peak.CompareAndSwap(peak, used) {
		peak = s.peak.Load()
	}
	peak = max(peak, used)
	return []string{
		fmt.Sprintf("used_memory:%d", used), "used_memory_human:" + human(used),
		fmt.Sprintf("used_memory_rss:%d", resident), "used_memory_rss_human:" + human(resident),
		fmt.Sprintf("used_memory_peak:%d", peak), "used_memory_peak_human:" + human(peak),
		"maxmemory:0", "maxmemory_human:0B", "maxmemory_policy:noeviction",
		fmt.Sprintf("mem_fragmentation_ratio:%.2f", float64(resident)/float64(max(used, 1))), "mem_allocator:go",
	}
}

// human is bytes as Redis writes them for people.
func human(n uint64) string {
	units := "BKMGT"
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%dB", n)
	}
	return fmt.Sprintf("%.2f%c", f, units[i])
}

// cpuLines is the section CPU, where the system tells.
func (s *Server) cpuLines() []string {
	user, system, ok := cpuTimes()
	if !ok {
		return nil
	}
	return []string{fmt.Sprintf("used_cpu_sys:%.6f", system.Seconds()), fmt.Sprintf("used_cpu_user:%.6f", user.Seconds())}
}

// resetStats makes INFO begin to count anew. What monitoring reads elsewhere goes on.
func (s *Server) resetStats() {
	st := s.Stats()
	s.since.Store(&st)
	s.stats.hits.Store(0)
	s.stats.misses.Store(0)
	for _, name := range s.names {
		u := s.table[name].used
		u.calls.Store(0)
		u.micros.Store(0)
		u.rejected.Store(0)
	}
}

// sinceReset is what was counted since the last reset.
func (s *Server) sinceReset() Stats {
	st, was := s.Stats(), s.since.Load()
	if was == nil {
		return st
	}
	st.Accepted -= was.Accepted
	st.Rejected -= was.Rejected
	st.Commands -= was.Commands
	st.Batches -= was.Batches
	st.ProtocolErrors -= was.ProtocolErrors
	st.Slow -= was.Slow
	st.Behind -= was.Behind
	st.Unheard -= was.Unheard
	st.Memory.Cut -= was.Memory.Cut
	st.Memory.Waits -= was.Memory.Waits
	return st
}

// configSet takes settings that are as they are already, as tools send them to be
// sure. A leader takes all others when it starts.
func configSet(k *call) error {
	switch {
	case len(k.args) < 4:
		return resp.WrongArity("config|set")
	case len(k.args)%2 != 0:
		return resp.ErrSyntax
	}
	for i := 2; i < len(k.args); i += 2 {
		at := slices.IndexFunc(k.srv.settings(), func(row [2]string) bool { return strings.EqualFold(string(k.args[i]), row[0]) })
		switch {
		case at < 0:
			return resp.Error(fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%.128s'", k.args[i]))
		case !strings.EqualFold(string(k.args[i+1]), k.srv.settings()[at][1]):
			return resp.Error(fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - can't set immutable config: it is %q, and a leader takes its settings from flags, environment and file when it starts", k.srv.settings()[at][0], k.srv.settings()[at][1]))
		}
	}
	k.w.Simple("OK")
	return nil
}
