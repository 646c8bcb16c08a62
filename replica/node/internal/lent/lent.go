// Package lent lends a listener to a server that closes it, and takes it back for the next.
package lent

import (
	"net"
	"sync/atomic"
	"time"
)

// Listener is a listener that goes on after it was closed.
type Listener struct {
	*net.TCPListener
	closed atomic.Bool
}

// New lends a TCP listener.
func New(of net.Listener) *Listener { return &Listener{TCPListener: of.(*net.TCPListener)} }

// Accept fails once the listener was closed.
func (l *Listener) Accept() (net.Conn, error) {
	if l.closed.Load() {
		return nil, net.ErrClosed
	}
	conn, err := l.TCPListener.Accept()
	if err != nil && l.closed.Load() {
		return nil, net.ErrClosed
	}
	return conn, err
}

// Close ends the Accept under way and all that follow, and keeps the address.
func (l *Listener) Close() error {
	l.closed.Store(true)
	return l.SetDeadline(time.Unix(1, 0))
}

// Reclaim lets whoever has the TCP listener accept again.
func (l *Listener) Reclaim() error { return l.SetDeadline(time.Time{}) }
