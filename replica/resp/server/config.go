package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/pubsub"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// Limits bound what one client, and all of them, can make a leader hold.
// Whoever exceeds one is answered an error; where the stream cannot go on
// afterwards, the connection is closed.
type Limits struct {
	resp.Limits     // of one command
	Clients     int // connections; further ones are told so and closed
	Key         int // bytes of a key
	Pipeline    int // commands taken from the input at once; the rest waits in the buffers
	Requests    int // requests handed to the engine at once, unless one command or transaction alone has more
	Queued      int // commands, and requests, of one transaction; Command and Memory bound their bytes
	Output      int // bytes of replies gathered before they are sent
	Keys        int // keys that KEYS answers
	Patterns    int // that one client listens to
	// Memory is the bytes that all clients' requests in progress, and the replies
	// they have not taken, may use together. Whoever needs more waits; whoever holds
	// much for a client that does not go on is cut.
	Memory int64
}

// Config is what a server is told once.
type Config struct {
	Limits Limits

	Idle    time.Duration // a client that says nothing for this long is closed, unless it listens; 0: never
	Arrive  time.Duration // a command must arrive within this from its first byte
	Send    time.Duration // a subscriber must take its messages within this, and so must who MGETs more than is held at once, and everybody while the server drains
	Stall   time.Duration // one that holds much memory and does not go on for this long is cut when others need it
	MaxWait time.Duration // WAIT and KVD.WAITFOR never wait longer
	Poll    time.Duration // how often they look

	// Login finds who shows a name and a password; from is the client's address. The
	// error is acl.ErrDenied, or why it was not looked at. Nil: there are no users, and
	// AUTH is refused. It is called from many goroutines, and may take long.
	Login func(ctx context.Context, name, password, from string) (*acl.User, error)
	// RequireAuth answers NOAUTH to everybody who has not shown who they are.
	RequireAuth bool
	// TLS wraps every connection. Nil: plain TCP.
	TLS *tls.Config

	// PickSiblings says for which keys a plain read of siblings shows the first
	// of them, and a plain conditional write goes over all of them. Nil, or
	// false: both are answered CONFLICT.
	PickSiblings func(key string) bool

	// Feeds is what the leader tells on channels of its own, which begin with kvd:. Nil:
	// there are none.
	Feeds pubsub.Feeds
	// Publish sends what a client published to the other leaders; it must not wait, and
	// nobody changes the message. Nil: there are none. See [Server.Hear].
	Publish func(channel string, message []byte)
	// Commands is the table: every command there is.
	Commands []Command

	// Loading says why commands that look at keys are not served yet; nil: they
	// are. It is asked for each of them, from many goroutines. Nil: never.
	Loading func() *Loading

	// Now is the calendar clock behind deadlines, TIME and ages. Nil: time.Now.
	// It must agree with the clock of the connections' deadlines.
	Now func() time.Time
	// Clock is what TIME answers; nil: Now. A leader whose clock has planted faults
	// shows those.
	Clock func() time.Time
	// Served is what CONFIG and INFO say of where and how the leader serves.
	Served Served
	// Version is what INFO reports as kvd_version.
	Version string
}

// Served is a leader's settings in Redis' words.
type Served struct {
	Bind    string // the address that clients reach, without the port
	Port    int    // 0: not without TLS
	TLSPort int    // 0: not with TLS
	Fsync   string // always, everysec: within the interval, no: when the system likes
}

// Loading is why a leader does not serve yet.
type Loading struct {
	Why         string    // a sentence: what is under way, how far it has come, what to do
	Since       time.Time // when that began
	Done, Total uint64    // Total zero: it is not known yet
}

// Defaults suit a few thousand clients of small values.
func Defaults() Config {
	return Config{
		Limits: Limits{
			Limits: resp.DefaultLimits(), Clients: 10000,
			Key: limits.Key, Pipeline: 1024, Requests: 4096, Queued: 1 << 20,
			Output: 64 << 10, Memory: limits.Clients, Keys: 10000, Patterns: 1024,
		},
		Arrive:  30 * time.Second,
		Send:    10 * time.Second,
		Stall:   time.Second,
		MaxWait: time.Minute,
		Poll:    2 * time.Millisecond,
		Version: "dev",
	}
}

// minCommands is how many times the largest command all clients' memory is at least. A
// quarter of that memory is for what every connection has.
const minCommands = 3

// MinMemory is the least that all clients may be given: with it one sends values of
// 16 MiB.
const MinMemory = 64 << 20

// Within is the limits for clients that may use so many bytes together: where that is
// too little for the largest command and value, those are smaller.
func (l Limits) Within(memory int64) Limits {
	const words = 4 << 20 // of a command, beside its value
	l.Memory = memory
	l.Command = int(min(int64(l.Command), memory/minCommands))
	l.Bulk = max(1, min(l.Bulk, l.Command-l.Key-words))
	return l
}

// Validate names the first thing that cannot work.
func (c *Config) Validate() error {
	if err := c.Limits.validate(); err != nil {
		return fmt.Errorf("resp: limits: %w", err)
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"Arrive", c.Arrive}, {"Send", c.Send}, {"Stall", c.Stall}, {"MaxWait", c.MaxWait}, {"Poll", c.Poll}} {
		if d.d <= 0 {
			return fmt.Errorf("resp: %s is %s; it must be above zero", d.name, d.d)
		}
	}
	if c.Idle < 0 {
		return fmt.Errorf("resp: Idle is %s; give zero for never", c.Idle)
	}
	if c.RequireAuth && c.Login == nil {
		return errors.New("resp: RequireAuth without Login would refuse everybody; give Login")
	}
	_, err := c.index()
	return err
}

func (l *Limits) validate() error {
	for _, v := range []struct {
		name    string
		n, from int
	}{
		{"Clients", l.Clients, 1}, {"Args", l.Args, resp.UnauthArgs}, {"Bulk", l.Bulk, 1},
		{"Command", l.Command, 1}, {"Inline", l.Inline, 16}, {"Key", l.Key, 1},
		{"Pipeline", l.Pipeline, 1}, {"Requests", l.Requests, 1}, {"Queued", l.Queued, 1},
		{"Input", l.Input, 512}, {"Output", l.Output, 512}, {"Keys", l.Keys, 1},
		{"Patterns", l.Patterns, 1},
	} {
		if v.n < v.from {
			return fmt.Errorf("%s is %d; the least is %d", v.name, v.n, v.from)
		}
	}
	if least := minCommands * int64(l.Command); l.Memory < least {
		return fmt.Errorf("limit Memory is %d; the least is %d: one command may need a third of that", l.Memory, least)
	}
	if l.Command < l.Bulk {
		return fmt.Errorf("limit Command (%d) is below Bulk (%d); no command could carry such an argument", l.Command, l.Bulk)
	}
	return nil
}

// Engine is where requests go.
type Engine interface {
	// Do hands over requests that arrived together: they are taken in order with
	// no other request between them, and share one batch and one sync.
	//
	// Either Do returns an error, has taken nothing and never calls done; or it
	// returns nil and calls done exactly once, on any goroutine, possibly before
	// it returns, with one reply to each request in the order of the requests.
	// The slice of replies is lent for the call; what it points to is immutable.
	//
	// The requests, and the slice of them, are the engine's until it calls done
	// and the edge's again afterwards; only keys and values stay with the engine.
	Do(reqs []*replica.Request, done func([]replica.Reply)) error
}

// Keys is the leader's keys in order, expired and deleted ones left out.
type Keys interface {
	// Scan gives the next n keys after cursor, in key order, that match; nil matches
	// all. Fewer than n is not the end: an empty cursor is the begin, an empty next
	// the end. Keys that are there throughout a whole scan are given exactly once.
	Scan(cursor string, n int, match func(key string) bool) (keys []string, next string, err error)
	// Find is the first key that fits, deleted ones that are still stored among them.
	Find(fits func(key string) bool) (key string, ok bool, err error)
	// Size is the number of keys, possibly an estimate.
	Size() (int64, error)
	// Expiring is how many of those have a deadline, possibly an estimate.
	Expiring() (int64, error)
	// Random is some key that match admits, nil all; false: there is none. Draw is a number below n. Every key
	// can come up, not necessarily as often as others.
	Random(draw func(n int) int, match func(key string) bool) (key string, found bool, err error)
}

// Inspector tells about the leader. All its methods are cheap and may be called
// from any goroutine.
type Inspector interface {
	// Info is the sections of INFO that only the leader can fill.
	Info() []Section
	// Policy is in force; nobody changes what it points to.
	Policy() *resolve.Policy
	// Frontier is what the leader has applied and stored.
	Frontier() logical.Frontier
	// Durable is how many other leaders have durably applied all of f, as each
	// promises durability.
	Durable(f logical.Frontier) int
}

// Section is a part of INFO.
type Section struct {
	Name  string   // as the client names it, compared without case
	Lines []string // "field:value", without line ends
}

// index is the rows by name, each a copy with counters of its own. It fails on the first
// row that cannot work.
func (c *Config) index() (map[string]*Command, error) {
	table := map[string]*Command{}
	for _, row := range c.Commands {
		switch {
		case row.Name == "" || len(row.Name) > maxName || row.Name != strings.ToLower(row.Name):
			return nil, fmt.Errorf("resp: the command %q needs a name in lower case of at most %d bytes", row.Name, maxName)
		case table[row.Name] != nil:
			return nil, fmt.Errorf("resp: the command %q has the name of another; choose its own", row.Name)
		case (row.Run == nil && row.Runs == nil) == (row.Plan == nil) || row.Arity == 0 || row.Needs == 0:
			return nil, fmt.Errorf("resp: the command %q has no Arity, no Needs, or not one of Run and what can take its place", row.Name)
		}
		row.Used = new(Usage)
		table[row.Name] = &row
	}
	return table, nil
}
