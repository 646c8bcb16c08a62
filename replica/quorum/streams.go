package quorum

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// What a connection is for, its first byte.
const (
	forRaft = 'r' // and then who is meant, its length before it
	forHTTP = 'h'
)

// openTimeout is how long a connection may take to say what it is for.
const openTimeout = 3 * time.Second

// Serve takes a connection that another leader opened, and closes it. It does not block.
func (s *Service) Serve(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return
	}
	s.work.Go(func() {
		to, err := s.hear(c)
		if err != nil || !to.give(c) {
			_ = c.Close()
		}
	})
}

// hear reads what the connection is for.
func (s *Service) hear(c net.Conn) (*handed, error) {
	if err := c.SetDeadline(time.Now().Add(openTimeout)); err != nil {
		return nil, err
	}
	kind, err := readByte(c)
	if err != nil {
		return nil, err
	}
	whom := ""
	if kind == forRaft {
		if whom, err = readText(c); err != nil {
			return nil, err
		}
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, net.ErrClosed
	case kind == forHTTP:
		s.serveHTTP()
		return s.lent, nil
	case kind == forRaft && s.node != nil && whom == (Voter{s.cfg.Name, s.memo.Incarnation}).String():
		return s.node.streams, nil
	}
	return nil, errors.New("nobody of that name votes here")
}

func readByte(c net.Conn) (byte, error) {
	var b [1]byte
	_, err := c.Read(b[:])
	return b[0], err
}

func readText(c net.Conn) (string, error) {
	n, err := readByte(c)
	text := make([]byte, n)
	for i := 0; err == nil && i < len(text); i++ { // no byte more: the rest is raft's
		text[i], err = readByte(c)
	}
	return string(text), err
}

func (s *Service) dialHTTP(ctx context.Context, _, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return s.dial(ctx, host, []byte{forHTTP})
}

func (s *Service) dial(ctx context.Context, leader string, opening []byte) (net.Conn, error) {
	c, err := s.cfg.Dial(ctx, leader)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(opening); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// serveHTTP starts to answer other leaders. The caller has locked s.
func (s *Service) serveHTTP() {
	if s.server != nil {
		return
	}
	s.lent = newHanded()
	s.server = &http.Server{Handler: s.routes(), ReadHeaderTimeout: openTimeout, IdleTimeout: time.Minute}
	server, lent := s.server, s.lent
	s.work.Go(func() { _ = server.Serve(lent) }) // it ends when it is closed
}

// layer is how raft's messages go: over connections that other leaders opened, and to them.
type layer struct {
	*handed
	self raft.ServerAddress
	s    *Service
}

var _ raft.StreamLayer = (*layer)(nil)

// Dial connects to a voter. Its address is its identity.
func (l *layer) Dial(to raft.ServerAddress, limit time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	id := string(to)
	return l.s.dial(ctx, parseVoter(id).Name, append([]byte{forRaft, byte(len(id))}, id...))
}

// Addr is what raft tells others.
func (l *layer) Addr() net.Addr { return addr(l.self) }

type addr string

func (addr) Network() string  { return "quorum" }
func (a addr) String() string { return string(a) }

// handed is a listener for connections that somebody else accepted. It closes with them.
type handed struct {
	conns chan net.Conn
	done  chan struct{}

	mu     sync.Mutex
	closed bool
	live   map[*handedConn]struct{}
}

func newHanded() *handed {
	return &handed{conns: make(chan net.Conn), done: make(chan struct{}), live: map[*handedConn]struct{}{}}
}

type handedConn struct {
	net.Conn
	h *handed
}

// Close closes the connection, and forgets it.
func (c *handedConn) Close() error {
	c.h.mu.Lock()
	delete(c.h.live, c)
	c.h.mu.Unlock()
	return c.Conn.Close()
}

// give hands a connection over; false: nobody takes it any more.
func (h *handed) give(raw net.Conn) bool {
	c := &handedConn{raw, h}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return false
	}
	h.live[c] = struct{}{}
	h.mu.Unlock()
	select {
	case h.conns <- c:
		return true
	case <-h.done:
		return false
	}
}

// Accept is net.Listener's.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close closes what was handed over, and turns away whatever comes.
func (h *handed) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	h.closed = true
	close(h.done)
	for c := range h.live {
		_ = c.Conn.Close()
	}
	return nil
}

// Addr is of no address.
func (h *handed) Addr() net.Addr { return addr("") }
