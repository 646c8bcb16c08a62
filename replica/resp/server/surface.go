package server

import (
	"time"

	"kvd/replica/resp/slowlog"
	"kvd/replica/resp/stats"
)

// What commands about the server look at.

// Started is when the server was made, and RunID a text that was drawn then.
func (s *Server) Started() time.Time { return s.started }

// RunID is 40 characters that differ from start to start.
func (s *Server) RunID() string { return s.runID }

// Loading is why the leader does not serve yet; nil: it does.
func (s *Server) Loading() *Loading { return s.loading() }

// Commands are the names of the table, ascending. Nobody changes the slice.
func (s *Server) Commands() []string { return s.names }

// Command is a row of the table by its name in lower case; nil: there is none.
func (s *Server) Command(name string) *Command { return s.table[name] }

// Lookup finds a row by name, in any case, without allocating; nil: there is none.
func (s *Server) Lookup(name []byte) *Command { return s.lookup(name) }

// Subscribed is the names that somebody listens to and shown answers true for, ascending.
func (s *Server) Subscribed(shown func(channel string) bool) []string {
	return s.broker.Channels(shown)
}

// Subscribers counts who listens to a channel by its name.
func (s *Server) Subscribers(channel string) int { return s.broker.Listeners(channel) }

// Subscriptions counts the channels and the patterns that somebody listens to.
func (s *Server) Subscriptions() (channels, patterns int) { return s.broker.Counts() }

// Slow is what took long.
func (s *Server) Slow() *slowlog.Log { return s.slow }

// ResetStats makes StatsSinceReset, and what commands count, begin anew. Stats goes on.
func (s *Server) ResetStats() {
	st := s.Stats()
	s.since.Store(&st)
	for _, row := range s.table {
		row.used.Reset()
	}
}

// StatsSinceReset is what was counted since the last reset; what is of the present is as
// in Stats.
func (s *Server) StatsSinceReset() stats.Stats {
	st, was := s.Stats(), s.since.Load()
	if was == nil {
		return st
	}
	return st.Since(was)
}

// Idle is how long a client may say nothing; zero: for ever.
func (s *Server) Idle() time.Duration { return time.Duration(s.idle.Load()) }

// SetIdle changes that, from each client's next command on, and wakes those that wait.
func (s *Server) SetIdle(d time.Duration) {
	s.idle.Store(int64(d))
	for _, c := range s.sorted() {
		c.askTrim()
	}
}

// MaxClients is how many connections there may be.
func (s *Server) MaxClients() int { return int(s.maxClients.Load()) }

// SetMaxClients changes that. Those that are there stay.
func (s *Server) SetMaxClients(n int) { s.maxClients.Store(int64(n)) }
