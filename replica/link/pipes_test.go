package link

import (
	"context"
	"errors"
	"net"
	"sync"

	"kvd/replica/replicatest"
)

// network is pipes in the place of sockets, for tests whose time is a synctest bubble's.
type network struct {
	mu        sync.Mutex
	listeners map[string]*replicatest.Pipes
}

func newNetwork() *network { return &network{listeners: map[string]*replicatest.Pipes{}} }

// carries lets a mesh listen and dial there.
func (n *network) carries(c *Config) {
	l := replicatest.NewPipes(string(c.Name))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[string(c.Name)] = l
	c.Listener, c.Dial = l, n.dial
}

func (n *network) dial(ctx context.Context, addr string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[addr]
	n.mu.Unlock()
	if l == nil {
		return nil, errors.New("nobody listens at " + addr)
	}
	return l.Dial(ctx)
}
