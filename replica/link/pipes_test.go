package link

import (
	"context"
	"errors"
	"net"
	"sync"
)

// network is pipes in the place of sockets, for tests whose time is a synctest bubble's.
type network struct {
	mu        sync.Mutex
	listeners map[string]*pipes
}

func newNetwork() *network { return &network{listeners: map[string]*pipes{}} }

// carries lets a mesh listen and dial there.
func (n *network) carries(c *Config) {
	l := &pipes{name: string(c.Name), conns: make(chan net.Conn), done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[l.name] = l
	c.Listener, c.Dial = l, n.dial
}

func (n *network) dial(ctx context.Context, addr string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[addr]
	n.mu.Unlock()
	if l == nil {
		return nil, errors.New("nobody listens at " + addr)
	}
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pipes is one mesh's listener in a network.
type pipes struct {
	name  string
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: p.name, Net: "pipe"} }
