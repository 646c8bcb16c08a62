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

	"kvd/replica/resp/budget"
	"kvd/replica/resp/monitor"
	"kvd/replica/resp/pubsub"
	"kvd/replica/resp/slowlog"
	"kvd/replica/resp/stats"
)

// Server serves the Redis protocol. Every connection has one goroutine, owned by
// the server: Shutdown waits for all of them.
type Server struct {
	cfg       Config
	engine    Engine
	keys      Keys
	inspector Inspector

	pick             func(key string) bool // Config.PickSiblings, never nil
	loading          func() *Loading       // Config.Loading, never nil
	table            map[string]*Command   // never changes
	names            []string              // of the table, sorted
	channels         []string              // of Config.Feeds
	monitors         monitor.Hub
	broker           *pubsub.Broker
	slow             *slowlog.Log
	idle, maxClients atomic.Int64 // Config.Idle and Limits.Clients, as they were set last
	started          time.Time
	requests         atomic.Uint64 // ids given to requests
	stats            stats.Counters
	budget           *budget.Budget
	since            atomic.Pointer[stats.Stats] // of the last CONFIG RESETSTAT; nil: there was none
	runID            string                      // drawn for the process

	mu        sync.Mutex
	conns     map[int64]*conn
	listeners map[net.Listener]struct{}
	lastID    int64
	closed    bool
	draining  chan struct{} // closed with closed
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
	s := &Server{
		cfg: cfg, pick: cfg.PickSiblings,
		engine: e, keys: k, inspector: i,
		table: table, started: cfg.Now(),
		conns: map[int64]*conn{}, listeners: map[net.Listener]struct{}{}, draining: make(chan struct{}),
	}
	if s.loading = cfg.Loading; s.loading == nil {
		s.loading = func() *Loading { return nil }
	}
	s.budget = budget.New(budget.Config{Limit: cfg.Limits.Memory, Stall: cfg.Stall, Now: cfg.Now, Done: s.draining})
	s.idle.Store(int64(cfg.Idle))
	s.maxClients.Store(int64(cfg.Limits.Clients))
	s.slow = slowlog.New(slowlog.Defaults())
	s.broker = pubsub.NewBroker(s.budget)
	s.runID = rand.Text() + rand.Text()
	s.names = slices.Sorted(maps.Keys(s.table))
	if cfg.Feeds != nil {
		s.channels = cfg.Feeds.Channels()
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
			if !s.rest(ctx, pause) {
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

// rest waits; false: the server stops.
func (s *Server) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.draining:
	}
	return false
}

// admit starts a connection's goroutine, unless there are too many.
func (s *Server) admit(nc net.Conn) {
	if s.cfg.TLS != nil {
		nc = tls.Server(nc, s.cfg.TLS)
	}
	s.mu.Lock()
	full := len(s.conns) >= s.MaxClients()
	if full || s.closed {
		s.mu.Unlock()
		s.turnAway(nc, full)
		return
	}
	s.lastID++
	c := newConn(s, nc, s.lastID)
	s.conns[c.id] = c
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
	if s.closed {
		return
	}
	s.closed = true
	close(s.draining)
	for l := range s.listeners {
		_ = l.Close() // Serve sees it
	}
}

func (s *Server) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

func (s *Server) opened(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
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
	delete(s.conns, c.id)
	c.account.Close()
}

func (s *Server) severAll() {
	for _, c := range s.sorted() {
		c.sever()
	}
}

// sorted is the connections by id.
func (s *Server) sorted() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *conn) int { return cmp.Compare(a.id, b.id) })
	return all
}

// Stats counts.
func (s *Server) Stats() stats.Stats {
	s.mu.Lock()
	n := len(s.conns)
	s.mu.Unlock()
	behind, unheard := s.broker.Stats()
	return stats.Stats{
		Clients: n, Accepted: s.stats.Accepted.Load(), Rejected: s.stats.Rejected.Load(),
		Commands: s.stats.Commands.Load(), Batches: s.stats.Batches.Load(),
		ProtocolErrors: s.stats.ProtocolErrors.Load(), Slow: s.stats.Slow.Load(),
		Behind: behind, Unheard: unheard, Memory: s.budget.Stats(),
		Hits: s.stats.Hits.Load(), Misses: s.stats.Misses.Load(),
	}
}
