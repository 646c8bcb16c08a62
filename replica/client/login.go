package client

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"kvd/replica/client/conn"
)

// heldLogin is a login that was not answered in time by a leader that answers others.
type heldLogin struct{ err error }

func (h heldLogin) Error() string {
	return "it does not answer the login, though it answers: after wrong passwords it lets an address wait"
}
func (h heldLogin) Unwrap() error { return h.err }

// LoginHeld reports whether a leader let a login wait for longer than the timeout, as it
// does after wrong passwords.
func LoginHeld(err error) bool { return has[heldLogin](err) }

// answerTime is how long a leader has to answer somebody who is not logged in.
const answerTime = time.Second

// heldBack tells a login that has to wait from a leader that is away: it answers whoever
// does not log in.
func (l *Leader) heldBack(err error) error {
	if !Late(err) || l.options.Login.Password == "" || l.letIn.Load() {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	nc, dialed := l.options.dial(ctx, l.Addr)
	if dialed != nil {
		return err
	}
	c := conn.New(nc)
	defer c.Close()
	if _, asked := c.Do(answerTime, "PING"); asked != nil && !conn.IsRefused(asked) {
		return err
	}
	return heldLogin{err}
}

// dial connects as the options say, without a login.
func (o *Options) dial(ctx context.Context, addr string) (net.Conn, error) {
	if o.Login.TLS != nil {
		return (&tls.Dialer{Config: o.Login.TLS}).DialContext(ctx, "tcp", addr)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
}

// Conn is a connection of its own, logged in. It takes at most the timeout. The error is
// the network's, or a conn.Refused.
func (l *Leader) Conn(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.Timeout)
	defer cancel()
	nc, err := l.options.dial(ctx, l.Addr)
	if err != nil || l.options.Login.Password == "" {
		return nc, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() }) // the login sees it
	defer stop()
	if err := conn.New(nc).Login(l.options.Login.User, l.options.Login.Password); err != nil {
		_ = nc.Close() // it is of no use
		return nil, err
	}
	return nc, nil
}
