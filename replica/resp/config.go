package resp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// What a client may send before it has shown who it is, as in Redis.
const (
	guestArgs = 10
	guestBulk = 16 << 10
)

// Limits bound what one client, and all of them, can make a leader hold.
// Whoever exceeds one is answered an error; where the stream cannot go on
// afterwards, the connection is closed.
type Limits struct {
	Clients  int // connections; further ones are told so and closed
	Args     int // arguments of one command
	Bulk     int // bytes of one argument, and of a value that APPEND makes
	Command  int // bytes of one command
	Inline   int // bytes of a command typed as a line
	Key      int // bytes of a key
	Pipeline int // commands taken from the input at once; the rest waits in the buffers
	Requests int // requests handed to the engine at once, unless one command alone has more
	Queued   int // requests of one transaction
	Input    int // bytes of the input buffer of a client between large commands
	Output   int // bytes of replies gathered before they are sent; one string may exceed it
	Keys     int // keys that KEYS answers
	Cursors  int // unfinished SCANs that are remembered, the newest ones
	Patterns int // that one client listens to
}

// Config is what a server is told once.
type Config struct {
	Limits Limits

	Idle    time.Duration // a client that says nothing for this long is closed, unless it listens; 0: never
	Arrive  time.Duration // a command must arrive within this from its first byte
	Send    time.Duration // a reply must be taken within this
	MaxWait time.Duration // WAIT and KVD.WAITFOR never wait longer
	Poll    time.Duration // how often they look

	// Users reports whether the password is the user's. Nil: there are none, and
	// AUTH is refused. It is called from many goroutines.
	Users func(user, pass string) bool
	// RequireAuth answers NOAUTH to everybody who has not shown who they are.
	RequireAuth bool
	// TLS wraps every connection. Nil: plain TCP.
	TLS *tls.Config

	// PickSiblings says for which keys a plain read of siblings shows the first
	// of them, and a plain conditional write goes over all of them. Nil, or
	// false: both are answered CONFLICT.
	PickSiblings func(key string) bool

	// Feeds is what clients can subscribe to. Nil: there are no channels.
	Feeds Feeds
	// Extra is commands that whoever assembles the leader answers, by name. None
	// may have the name of another command.
	Extra map[string]Extra

	// Now is the calendar clock behind deadlines, TIME and ages. Nil: time.Now.
	// It must agree with the clock of the connections' deadlines.
	Now func() time.Time
	// CursorSeed is where the numbers of SCAN cursors begin. Let it be different
	// after each start, so that an old cursor is not taken for a new one.
	CursorSeed uint32
	// Version is what INFO reports as kvd_version.
	Version string
}

// Defaults suit a few thousand clients of small values.
func Defaults() Config {
	return Config{
		Limits: Limits{
			Clients: 10000, Args: 1 << 16, Bulk: 8 << 20, Command: 16 << 20, Inline: 64 << 10,
			Key: 32 << 10, Pipeline: 1024, Requests: 4096, Queued: 4096,
			Input: 16 << 10, Output: 64 << 10, Keys: 10000, Cursors: 4096, Patterns: 64,
		},
		Arrive:  30 * time.Second,
		Send:    10 * time.Second,
		MaxWait: time.Minute,
		Poll:    2 * time.Millisecond,
		Version: "dev",
	}
}

// Validate names the first thing that cannot work.
func (c *Config) Validate() error {
	if err := c.Limits.validate(); err != nil {
		return fmt.Errorf("resp: limits: %w", err)
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"Arrive", c.Arrive}, {"Send", c.Send}, {"MaxWait", c.MaxWait}, {"Poll", c.Poll}} {
		if d.d <= 0 {
			return fmt.Errorf("resp: %s is %s; it must be above zero", d.name, d.d)
		}
	}
	if c.Idle < 0 {
		return fmt.Errorf("resp: Idle is %s; give zero for never", c.Idle)
	}
	if c.RequireAuth && c.Users == nil {
		return errors.New("resp: RequireAuth without Users would refuse everybody; give Users")
	}
	return c.validateExtra()
}

func (l *Limits) validate() error {
	for _, v := range []struct {
		name    string
		n, from int
	}{
		{"Clients", l.Clients, 1}, {"Args", l.Args, guestArgs}, {"Bulk", l.Bulk, 1},
		{"Command", l.Command, 1}, {"Inline", l.Inline, 16}, {"Key", l.Key, 1},
		{"Pipeline", l.Pipeline, 1}, {"Requests", l.Requests, 1}, {"Queued", l.Queued, 1},
		{"Input", l.Input, 512}, {"Output", l.Output, 512}, {"Keys", l.Keys, 1}, {"Cursors", l.Cursors, 1},
		{"Patterns", l.Patterns, 1},
	} {
		if v.n < v.from {
			return fmt.Errorf("%s is %d; the least is %d", v.name, v.n, v.from)
		}
	}
	if l.Command < l.Bulk {
		return fmt.Errorf("limit Command (%d) is below Bulk (%d); no command could carry such an argument", l.Command, l.Bulk)
	}
	return nil
}
