package replicatest

import (
	"context"
	"net"
	"sync"
)

// Pipes is a listener of connections in memory, for tests whose time is a synctest bubble's.
type Pipes struct {
	Done chan struct{} // closed by Close
	addr string
	wait chan net.Conn
	once sync.Once
}

// NewPipes is a listener at an address, which is for people.
func NewPipes(addr string) *Pipes {
	return &Pipes{Done: make(chan struct{}), addr: addr, wait: make(chan net.Conn)}
}

// Dial connects to the listener once it accepts.
func (p *Pipes) Dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.wait <- far:
		return near, nil
	case <-p.Done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept is net.Listener's.
func (p *Pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.wait:
		return c, nil
	case <-p.Done:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (p *Pipes) Close() error { p.once.Do(func() { close(p.Done) }); return nil }

// Addr is net.Listener's.
func (p *Pipes) Addr() net.Addr { return &net.UnixAddr{Name: p.addr, Net: "pipe"} }
