package client

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

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
