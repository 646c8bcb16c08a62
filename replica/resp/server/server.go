package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"kvd/replica/resp/ahead"
	"kvd/replica/resp/budget"
	"kvd/replica/resp/monitor"
	"kvd/replica/resp/pubsub"
	"kvd/replica/resp/slowlog"
)

// Server serves the Redis protocol. Every connection has one goroutine, owned by
// the server: Shutdown waits for all of them.
type Server struct {
	// Nobody changes these.
	Broker   *pubsub.Broker // who listens to what clients publish
	Slow     *slowlog.Log   // what took long
	Started  time.Time      // when the server was made
	RunID    string         // at least 40 characters that differ from start to start
	Commands []string       // the names of the table, ascending
	Channels []string       // the leader's own channels, ascending

	cfg       Config
	engine    Engine
	keys      Keys
	inspector Inspector

	table            map[string]*Command // never changes
	monitors         monitor.Hub
	idle, maxClients atomic.Int64  // Config.Idle and Limits.Clients, as they were set last
	requests         atomic.Uint64 // ids given to requests
	stats            Counters
	budget           *budget.Budget
	since            atomic.Pointer[Stats] // of the last CONFIG RESETSTAT; nil: there was none

	mu        sync.Mutex
	conns     map[int64]*conn
	listeners map[net.Listener]struct{}
	lastID    int64
	draining  chan struct{}
	running   sync.WaitGroup
}

// New makes a server for a leader. It starts nothing.
func New(cfg Config, e Engine, k Keys, i Inspector) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Clock == nil {
		cfg.Clock = cfg.Now
	}
	if cfg.PickSiblings == nil {
		cfg.PickSiblings = func(string) bool { return false }
	}
	table, err := cfg.index()
	if err != nil {
		return nil, err
	}
	if cfg.Loading == nil {
		cfg.Loading = func() *Loading { return nil }
	}
	s := &Server{
		cfg: cfg, engine: e, keys: k, inspector: i,
		table: table, Commands: slices.Sorted(maps.Keys(table)), Started: cfg.Now(), RunID: rand.Text() + rand.Text(), Slow: slowlog.New(slowlog.Defaults()),
		conns: map[int64]*conn{}, listeners: map[net.Listener]struct{}{}, draining: make(chan struct{}),
	}
	s.budget = budget.New(budget.Config{Limit: cfg.Limits.Memory, Stall: cfg.Stall, Now: cfg.Now, Done: s.draining})
	s.idle.Store(int64(cfg.Idle))
	s.maxClients.Store(int64(cfg.Limits.Clients))
	s.Broker = pubsub.NewBroker(s.budget)
	if cfg.Feeds != nil {
		s.Channels = cfg.Feeds.Channels()
	}
	return s, nil
}

// Serve accepts connections until Shutdown, or until ctx ends: then it cuts them
// all, waits for their goroutines and returns ctx's error. It returns nil after
// Shutdown, which may still be draining. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if !s.opened(l) {
		_ = l.Close() // nobody was let in
		return fmt.Errorf("resp: serve %s: the server has been shut down; make a new one", l.Addr())
	}
	defer s.unlisten(l)
	stop := context.AfterFunc(ctx, func() { s.drain(); s.severAll() })
	defer stop()
	err := s.accept(ctx, l)
	if ctx.Err() != nil {
		s.running.Wait()
		return ctx.Err()
	}
	return err
}

// accept lets connections in until the listener is closed.
func (s *Server) accept(ctx context.Context, l net.Listener) error {
	for pause := time.Duration(0); ; {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.admit(nc)
		case s.isDraining():
			return nil
		case exhausted(err):
			// Others hold the files; they will be free again.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			if !ahead.Rest(pause, ctx.Done(), s.draining) {
				return nil
			}
		default:
			return fmt.Errorf("resp: accept on %s: %w", l.Addr(), err)
		}
	}
}

// exhausted reports whether accepting can succeed later.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED)
}

// admit starts a connection's goroutine, unless there are too many.
func (s *Server) admit(nc net.Conn) {
	if s.cfg.TLS != nil {
		nc = tls.Server(nc, s.cfg.TLS)
	}
	s.mu.Lock()
	full := len(s.conns) >= s.MaxClients()
	if full || s.isDraining() {
		s.mu.Unlock()
		s.turnAway(nc, full)
		return
	}
	s.lastID++
	c := newConn(s, nc, s.lastID)
	s.conns[s.lastID] = c
	s.stats.Accepted.Add(1)
	s.running.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.running.Done()
		c.serve()
		s.leave(c)
	}()
}

// turnAway tells a client why, if that can be said without waiting for it.
func (s *Server) turnAway(nc net.Conn, full bool) {
	s.stats.Rejected.Add(1)
	if _, secure := nc.(*tls.Conn); full && !secure {
		if nc.SetWriteDeadline(s.cfg.Now().Add(100*time.Millisecond)) == nil {
			_, _ = nc.Write([]byte("-ERR max number of clients reached\r\n")) // closed either way
		}
	}
	_ = nc.Close() // it was never used
}

// Shutdown drains: it stops accepting, lets every connection answer the commands
// it has taken, and closes it. When ctx ends first, the rest is cut, without an
// answer to what the engine still has, and ctx's error is returned. Either way no
// goroutine is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain()
	for _, c := range s.sorted() {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed already
		_ = c.nc.SetWriteDeadline(s.cfg.Now().Add(s.cfg.Send))
	}
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.severAll()
		<-done
		return fmt.Errorf("resp: shutdown: %w; connections with requests in flight were cut", ctx.Err())
	}
}

// drain stops accepting. It may be called repeatedly.
func (s *Server) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isDraining() {
		return
	}
	close(s.draining)
	for l := range s.listeners {
		_ = l.Close() // Serve sees it
	}
}

func (s *Server) isDraining() bool { return ahead.Closed(s.draining) }

func (s *Server) opened(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isDraining() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) unlisten(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
	_ = l.Close() // closed by drain already, or broken
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c.prof.ID)
	c.account.Close()
}

func (s *Server) severAll() {
	for _, c := range s.sorted() {
		c.sever()
	}
}

func (s *Server) sorted() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.conns), func(a, b *conn) int { return cmp.Compare(a.prof.ID, b.prof.ID) })
}

// Stats counts.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	n := len(s.conns)
	s.mu.Unlock()
	behind, unheard := s.Broker.Stats()
	return Stats{
		Clients: n, Accepted: s.stats.Accepted.Load(), Rejected: s.stats.Rejected.Load(),
		Commands: s.stats.Commands.Load(), Batches: s.stats.Batches.Load(),
		ProtocolErrors: s.stats.ProtocolErrors.Load(), Slow: s.stats.Slow.Load(),
		Behind: behind, Unheard: unheard, Memory: s.budget.Stats(),
		Hits: s.stats.Hits.Load(), Misses: s.stats.Misses.Load(),
	}
}

// Command is a row of the table by its name in lower case; nil: there is none.
func (s *Server) Command(name string) *Command { return s.table[name] }

// ResetStats makes StatsSinceReset, and what commands count, begin anew. Stats goes on.
func (s *Server) ResetStats() {
	st := s.Stats()
	s.since.Store(&st)
	for _, row := range s.table {
		row.Used.Reset()
	}
}

// StatsSinceReset is what was counted since the last reset; what is of the present is as
// in Stats.
func (s *Server) StatsSinceReset() Stats {
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
