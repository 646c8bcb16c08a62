package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"kvd/cmd/internal/contexts"
)

// leader is one leader, and the way to it.
type leader struct {
	contexts.Leader
	rdb     *redis.Client
	timeout time.Duration
	listen  func(what string) // told of every command
}

// String is the name and, if that says more, the address. A server may have said
// either.
func (l *leader) String() string {
	if l.Name == l.Addr {
		return printable(l.Addr)
	}
	return printable(l.Name) + " (" + printable(l.Addr) + ")"
}

// refusal is what went wrong when a leader was asked.
type refusal struct {
	by  *leader
	cmd string
	err error
}

func (r *refusal) Error() string { return r.by.String() + ": " + r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// do sends one command, once, and waits for its reply within the timeout. A null
// is a reply. The error is a *refusal. A leader that lacks what the command's token has
// seen waits for it a while of its own and has not done the command then: it is waited
// for as long as the timeout says, and the command is sent again.
func (l *leader) do(ctx context.Context, words ...string) (reply, error) {
	end := time.Now().Add(l.timeout)
	r, err := l.within(ctx, l.timeout, words...)
	at := slices.Index(words, "TOKEN")
	if !behind(err) || at < 0 || at+1 >= len(words) || time.Until(end) <= 0 {
		return r, err
	}
	if waited := l.waitFor(ctx, words[at+1], time.Until(end)); waited != nil {
		return r, &refusal{l, words[0], errors.Unwrap(waited)}
	}
	return l.within(ctx, l.timeout, words...)
}

// within is do with another limit.
func (l *leader) within(ctx context.Context, limit time.Duration, words ...string) (reply, error) {
	replies, err := l.pipeline(ctx, limit, [][]string{words})
	if err != nil {
		return reply{}, err
	}
	return replies[0], nil
}

// pipeline sends several commands at once. The error is that of the first that
// failed, a *refusal.
func (l *leader) pipeline(ctx context.Context, limit time.Duration, commands [][]string) ([]reply, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	pipe := l.rdb.Pipeline()
	sent := make([]*redis.Cmd, len(commands))
	for i, words := range commands {
		sent[i] = pipe.Do(ctx, arguable(words)...)
	}
	began := time.Now()
	_, failed := pipe.Exec(ctx)
	l.listen(fmt.Sprintf("%s: %s, %d in %s", l, commands[0][0], len(commands), time.Since(began).Round(time.Microsecond)))
	replies := make([]reply, len(commands))
	for i, cmd := range sent {
		value, err := cmd.Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, &refusal{l, commands[i][0], err}
		}
		replies[i] = replyOf(value)
	}
	// A connection that could not be made leaves the commands without an error.
	if failed != nil && !errors.Is(failed, redis.Nil) {
		return nil, &refusal{l, commands[0][0], failed}
	}
	return replies, nil
}

// arguable is words as go-redis takes them.
func arguable(words []string) []any {
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = w
	}
	return args
}

// crew is the leaders that a call has opened. Closing it ends what they wait for.
type crew struct {
	mu      sync.Mutex
	leaders map[string]*leader // by address
	closed  bool
	talk    sync.Mutex // one line at a time

	saidForgotten atomic.Bool // that some leaders are not asked because they are forgotten
}

// open is the leader at an address. Nothing is sent to it yet.
func (k *call) open(at contexts.Leader) *leader {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.leaders[at.Addr]; l != nil {
		return l
	}
	l := &leader{Leader: at, timeout: k.timeout, listen: k.overhear(), rdb: redis.NewClient(k.options(at.Addr))}
	if k.closed {
		_ = l.rdb.Close() // it has no connections
	}
	if k.leaders == nil {
		k.leaders = map[string]*leader{}
	}
	k.leaders[at.Addr] = l
	return l
}

// overhear says what leaders are asked, if the user wants to know.
func (k *call) overhear() func(string) {
	if !k.verbose {
		return func(string) {}
	}
	return k.say
}

// close closes all connections. It may be called repeatedly, and by anybody.
func (c *crew) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, l := range c.leaders {
		_ = l.rdb.Close() // nobody asks any more
	}
}

// options are for a client that says exactly what it is told to, once.
func (s *settings) options(addr string) *redis.Options {
	return &redis.Options{
		Addr: addr, Username: s.login.user, Password: s.login.password, TLSConfig: s.login.tls,
		DialTimeout: s.dial, DialerRetries: 1, ReadTimeout: -1, WriteTimeout: -1, ContextTimeoutEnabled: true,
		MaxRetries: -1, PoolSize: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// unknown reports whether the leader does not have the command.
func unknown(err error) bool {
	var refused redis.Error
	return errors.As(err, &refused) && strings.HasPrefix(refused.Error(), "ERR unknown command")
}
