package client

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Node is a leader by name and by the address of its Redis protocol.
type Node struct {
	Name string `json:"name"`
	Addr string `json:"addr"`
}

// String is the name and, if that says more, the address. A server may have said
// either, so what a terminal would obey is quoted.
func (n Node) String() string {
	if n.Name == n.Addr {
		return quotedIfOdd(n.Addr)
	}
	return quotedIfOdd(n.Name) + " (" + quotedIfOdd(n.Addr) + ")"
}

func quotedIfOdd(text string) string {
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.Quote(text)
		}
	}
	return text
}

// Login is how to be let in.
type Login struct {
	User, Password string
	TLS            *tls.Config // nil: plain TCP
}

// Options is how leaders are reached.
type Options struct {
	Login   Login
	Timeout time.Duration // of connecting, and of a command
	// Told hears of every exchange with a leader: its first command, how many there
	// were and how long they took. Nil: nobody does.
	Told func(l *Leader, cmd string, commands int, took time.Duration)
}

// Cluster is the leaders that were opened. It may be used from several goroutines.
type Cluster struct {
	Options

	mu      sync.Mutex
	leaders map[string]*Leader // by address
	closed  bool
}

// New opens nobody yet.
func New(o Options) *Cluster { return &Cluster{Options: o, leaders: map[string]*Leader{}} }

// Open is the leader at an address: the same one for the same address. Nothing is
// sent to it yet.
func (c *Cluster) Open(at Node) *Leader {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.leaders[at.Addr]; l != nil {
		return l
	}
	l := &Leader{Node: at, options: &c.Options}
	opts := c.redis(at.Addr)
	opts.OnConnect = func(context.Context, *redis.Conn) error {
		l.letIn.Store(true)
		return nil
	}
	l.rdb = redis.NewClient(opts)
	if c.closed {
		_ = l.rdb.Close() // it has no connections
	}
	c.leaders[at.Addr] = l
	return l
}

// Close closes all connections, and ends what waits for them. It may be called
// repeatedly, and by anybody.
func (c *Cluster) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, l := range c.leaders {
		_ = l.rdb.Close() // nobody asks any more
	}
}

// redis is options for a client that says exactly what it is told to, once.
func (o *Options) redis(addr string) *redis.Options {
	return &redis.Options{
		Addr: addr, Username: o.Login.User, Password: o.Login.Password, TLSConfig: o.Login.TLS,
		DialTimeout: o.Timeout, DialerRetries: 1, ReadTimeout: -1, WriteTimeout: -1, ContextTimeoutEnabled: true,
		MaxRetries: -1, PoolSize: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// SilenceLog keeps go-redis from writing to standard error what every error says again.
// It is of the whole process.
func SilenceLog() { redis.SetLogger(&logging.VoidLogger{}) }

// Leader is one leader, and the way to it. It may be used from several goroutines.
type Leader struct {
	Node
	options *Options
	rdb     *redis.Client
	letIn   atomic.Bool // a login was answered
}

// Do sends one command, once, and waits for its reply within the timeout. A null
// is a reply. The error is a *Refusal. A leader that lacks what the command's token has
// seen waits for it a while of its own and has not done the command then: it is waited
// for as long as the timeout says, and the command is sent again.
func (l *Leader) Do(ctx context.Context, words ...string) (Reply, error) {
	end := time.Now().Add(l.options.Timeout)
	r, err := l.within(ctx, l.options.Timeout, words...)
	at := slices.Index(words, "TOKEN")
	if !behind(err) || at < 0 || at+1 >= len(words) || time.Until(end) <= 0 {
		return r, err
	}
	if waited := l.WaitFor(ctx, words[at+1], time.Until(end)); waited != nil {
		return r, &Refusal{l, words[0], errors.Unwrap(waited)}
	}
	return l.within(ctx, l.options.Timeout, words...)
}

// within is do with another limit, and without waiting for a token.
func (l *Leader) within(ctx context.Context, limit time.Duration, words ...string) (Reply, error) {
	replies, err := l.pipeline(ctx, limit, [][]string{words})
	if err != nil {
		return Reply{}, err
	}
	return replies[0], nil
}

// pipeline sends several commands at once. The error is that of the first that
// failed, a *Refusal.
func (l *Leader) pipeline(ctx context.Context, limit time.Duration, commands [][]string) ([]Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	pipe := l.rdb.Pipeline()
	sent := make([]*redis.Cmd, len(commands))
	for i, words := range commands {
		sent[i] = pipe.Do(ctx, arguable(words)...)
	}
	began := time.Now()
	_, failed := pipe.Exec(ctx)
	if l.options.Told != nil {
		l.options.Told(l, commands[0][0], len(commands), time.Since(began))
	}
	replies := make([]Reply, len(commands))
	for i, cmd := range sent {
		value, err := cmd.Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, &Refusal{l, commands[i][0], l.heldBack(err)}
		}
		replies[i] = ReplyOf(value)
	}
	// A connection that could not be made leaves the commands without an error.
	if failed != nil && !errors.Is(failed, redis.Nil) {
		return nil, &Refusal{l, commands[0][0], l.heldBack(failed)}
	}
	return replies, nil
}

func arguable(words []string) []any {
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = w
	}
	return args
}

// WaitFor waits until a leader has what a token has seen, for at most limit. The
// leader waits, and may do so for a shorter time than it is asked to. The error is a
// *Refusal.
func (l *Leader) WaitFor(ctx context.Context, token string, limit time.Duration) error {
	end := time.Now().Add(limit)
	for {
		left := max(0, time.Until(end))
		ms := strconv.FormatInt(left.Milliseconds(), 10)
		// The answer needs time as well, also when there is none left.
		_, err := l.within(ctx, left+l.options.Timeout, "KVD.WAITFOR", token, ms)
		if err == nil || !behind(err) || left.Milliseconds() == 0 {
			return err
		}
	}
}

// Pause waits, if there is anything to wait for. The error is that ctx has ended.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
