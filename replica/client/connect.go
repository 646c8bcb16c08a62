package client

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

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

// subscription is what one leader says on one channel.
type subscription struct {
	rdb     *redis.Client
	sub     *redis.PubSub
	timeout time.Duration
	cancel  context.CancelFunc
}

// Subscribe listens to a channel of the leader, over a connection of its own, which
// ends with ctx whatever it waits for. When it returns, nothing that is said from now
// on is missed. The caller closes it. The error is go-redis's.
func (l *Leader) Subscribe(ctx context.Context, channel string) (*subscription, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &subscription{rdb: l.single(ctx), timeout: l.options.Timeout, cancel: cancel}
	s.sub = s.rdb.Subscribe(ctx)
	greeting, stop := context.WithTimeout(ctx, s.timeout) // who takes connections may be paused all the same
	err := s.sub.Subscribe(greeting, channel)
	stop()
	if err == nil {
		_, err = s.sub.ReceiveTimeout(ctx, s.timeout)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// single is a client whose connections end with ctx: while one is greeted, closing a
// subscription would wait.
func (l *Leader) single(ctx context.Context) *redis.Client {
	opts := l.options.redis(l.Addr)
	dial := redis.NewDialer(opts)
	opts.Dialer = func(dialing context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(dialing, network, addr)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() }) // what it waits for, fails
		}
		return conn, err
	}
	return redis.NewClient(opts)
}

// Next is the next message. A leader that says nothing is asked whether it is there.
func (s *subscription) Next(ctx context.Context) (payload string, err error) {
	for asked := false; ; {
		said, err := s.sub.ReceiveTimeout(ctx, s.timeout)
		switch {
		case err == nil:
			asked = false
		case Late(err) && !asked && ctx.Err() == nil:
			if err := s.sub.Ping(ctx); err != nil {
				return "", err
			}
			asked = true
			continue
		default:
			return "", err
		}
		if m, ok := said.(*redis.Message); ok {
			return m.Payload, nil
		}
	}
}

// Close ends it.
func (s *subscription) Close() {
	_ = s.sub.Close() // nobody listens any more
	_ = s.rdb.Close()
	s.cancel()
}
