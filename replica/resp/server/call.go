package server

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
)

// Call is one command of a client on its way.
type Call struct {
	resp.Args // valid for the call: what outlives it is copied
	conn      *conn
	cmd       *Command
	b         *batch.Batch
	Out       *resp.Writer // run: where the reply goes
}

// Ask adds a request for a key, after a check of the key.
func (k *Call) Ask(v replica.Verb, key []byte) (*replica.Request, error) {
	if err := k.checkKey(key); err != nil {
		return nil, err
	}
	r := k.b.Request()
	r.Verb, r.Key = v, k.conn.text(key)
	r.Acks, r.AckLimit = k.conn.acks.Leaders, k.conn.acks.Limit
	return r, nil
}

// keyChunk is how much memory keys share, each of at most an eighth of it. Whoever holds
// on to one key holds on to all of that.
const keyChunk = 512

// text is a copy of the key. The keys of a pipeline cost a few allocations together.
func (c *conn) text(key []byte) string {
	if len(key) > keyChunk/8 {
		return string(key)
	}
	if c.keys.Cap()-c.keys.Len() < len(key) {
		c.keys.Reset() // the memory is that of the keys it was given to
		c.keys.Grow(keyChunk)
	}
	from := c.keys.Len()
	c.keys.Write(key)
	return c.keys.String()[from:]
}

func (k *Call) checkKey(key []byte) error {
	switch {
	case len(key) > k.Config().Limits.Key:
		return resp.Error("ERR the key is longer than " + strconv.Itoa(k.Config().Limits.Key) + " bytes")
	case !k.conn.rights().ReachesBytes(key): // the row's key arguments were looked at before: this is for a key that comes about otherwise
		return errKeyDenied
	}
	return nil
}

// Decide adds an Update of a key. Its render is not shown what the key shows
// afterwards.
func (k *Call) Decide(key []byte, d func(replica.Present) (replica.Write, error)) error {
	r, err := k.Ask(replica.Update, key)
	if err == nil {
		r.Decide, r.Quiet = d, true
	}
	return err
}

// Last is the request that was added last.
func (k *Call) Last() *replica.Request { return k.b.Requests[len(k.b.Requests)-1] }

// Mark is how many requests there are, for together.
func (k *Call) Mark() int { return len(k.b.Requests) }

// RequestsFrom is the requests from mark from on.
func (k *Call) RequestsFrom(from int) []*replica.Request { return k.b.Requests[from:] }

// CountDots counts dots that the last request's token lists: they take memory.
func (k *Call) CountDots(n int) { k.b.Dots += int64(n) }

// Together says that the requests from from on are done all or not at all.
func (k *Call) Together(from int) {
	g := &replica.Together{Requests: slices.Clone(k.b.Requests[from:])}
	for _, r := range g.Requests {
		r.Together = g
	}
}

// Each adds a request of verb v for all arguments from from on.
func (k *Call) Each(v replica.Verb, from int) error {
	for _, key := range k.Args[from:] {
		if _, err := k.Ask(v, key); err != nil {
			return err
		}
	}
	return nil
}

// Bytes is an argument that the core may keep: a copy, unless it has memory of its own.
func (k *Call) Bytes(i int) []byte {
	if k.conn.in.Owned(i) {
		return k.Args[i]
	}
	return k.conn.bytes(k.Args[i])
}

// valueChunk is how much memory values share, each of at most an eighth of it. As with keys.
const valueChunk = 1 << 10

// bytes is a copy of a value.
func (c *conn) bytes(b []byte) []byte {
	if len(b) > valueChunk/8 {
		return slices.Clone(b)
	}
	if len(b) >= len(c.values) {
		c.values = make([]byte, valueChunk)
	}
	own := c.values[:len(b):len(b)]
	c.values = c.values[copy(own, b):]
	return own
}

// Picks reports whether plain commands work on the first of a key's siblings.
func (k *Call) Picks(key []byte) bool { return k.Config().PickSiblings(string(key)) }

// OK answers that all is well.
func (k *Call) OK() error {
	k.Out.Simple("OK")
	return nil
}

func (k *Call) fullName() string {
	if k.cmd.Subs == nil || len(k.Args) == 1 {
		return k.cmd.Name
	}
	return k.cmd.Name + "|" + strings.ToLower(string(k.Args[1][:min(len(k.Args[1]), 128)]))
}

// unknownCommand is Redis' answer to a name it does not know, which clients
// match: at most 128 bytes of the name, and of the arguments.
func unknownCommand(args [][]byte) error {
	var b strings.Builder
	for _, a := range args[1:] {
		if b.Len() >= 128 {
			break
		}
		b.WriteString("'" + resp.Brief(a, 128-b.Len()) + "' ")
	}
	return resp.Error("ERR unknown command '" + resp.Brief(args[0], 128) + "', with args beginning with: " + b.String())
}

// UnknownSub is Redis' answer to a subcommand it does not know.
func (k *Call) UnknownSub() error {
	return resp.Error("ERR unknown subcommand '" + resp.Brief(k.Args[1], 128) + "'. Try " + strings.ToUpper(k.cmd.Name) + " HELP.")
}

// WrongSub is Redis' answer to a subcommand with arguments that it finds wrong itself.
func (k *Call) WrongSub() error {
	return resp.Error("ERR unknown subcommand or wrong number of arguments for '" + resp.Brief(k.Args[1], 128) + "'. Try " + strings.ToUpper(k.cmd.Name) + " HELP.")
}

// AtMost checks how many arguments a subcommand has, its two names included, beyond what
// Command.Subs says.
func (k *Call) AtMost(limit int) error {
	if len(k.Args) > limit {
		return resp.WrongArity(k.cmd.Name + "|" + strings.ToLower(string(k.Args[1])))
	}
	return nil
}

// Config is what the server was told. Nobody changes it.
func (k *Call) Config() *Config { return &k.conn.srv.cfg }

// Server is the one that the client is connected to.
func (k *Call) Server() *Server { return k.conn.srv }

// Keys lists the leader's keys.
func (k *Call) Keys() Keys { return k.conn.srv.keys }

// Inspector tells about the leader.
func (k *Call) Inspector() Inspector { return k.conn.srv.inspector }

// Rights is what the client may do at present; nil: everything.
func (k *Call) Rights() *acl.Rights { return k.conn.rights() }

// Require refuses an option of the command that needs more than the command does.
func (k *Call) Require(need acl.Roles) error {
	if k.Rights().May(need) {
		return nil
	}
	return k.mayNot()
}

// Readable is match for what is listed: keys that the client may not read are not
// listed. Nil matches all.
func (k *Call) Readable(match func(string) bool) func(string) bool {
	r := k.Rights()
	switch {
	case r.Everywhere():
		return match
	case match == nil:
		return r.Reaches
	}
	return func(key string) bool { return r.Reaches(key) && match(key) }
}

// Reserve takes n bytes of the memory of all clients, and waits for them at most
// Config.Arrive. Whoever takes them calls release.
func (k *Call) Reserve(n int64) error { return k.conn.account.Reserve(n, k.conn.srv.cfg.Arrive) }

// Release gives back n bytes that reserve took.
func (k *Call) Release(n int64) { k.conn.account.Release(n) }

// LastWrite is the newest write of the connection; the zero dot: there is none.
func (k *Call) LastWrite() logical.Dot { return k.conn.wrote }

// Wrote notes the newest write of the connection.
func (k *Call) Wrote(d logical.Dot) { k.conn.wrote = d }

// InTransaction reports whether the command is between MULTI and EXEC, or done by EXEC.
func (k *Call) InTransaction() bool { return k.conn.tx.active }

// Name is the command's.
func (k *Call) Name() string { return k.cmd.Name }

// Poll asks ok again and again, for at most limit, and answers what it said last.
// Replies that are ready are sent before.
func (k *Call) Poll(limit time.Duration, ok func() bool) bool {
	c := k.conn
	if ok() || limit <= 0 {
		return ok()
	}
	if c.out.Flush() != nil {
		return false
	}
	end, look := time.NewTimer(limit), time.NewTicker(c.srv.cfg.Poll)
	defer end.Stop()
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if ok() {
				return true
			}
		case <-end.C:
			return ok()
		case <-c.severed:
			return false
		case <-c.srv.draining:
			return ok()
		}
	}
}

// lookForClient is how often is looked whether the client of a command that takes
// long is still there.
const lookForClient = time.Second

// Context is a context that ends when nobody waits for the answer any more: the connection
// was cut, the client hung up, or the server drains. The connection's goroutine does not
// read meanwhile, so that a client has hung up is looked for. end must be called; no
// goroutine is left once it has returned.
func (k *Call) Context() (ctx context.Context, end func()) {
	c := k.conn
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer cancel()
		look := time.NewTicker(lookForClient)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				if hungUp(c.nc) {
					return
				}
			case <-c.severed:
				return
			case <-c.srv.draining:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(); <-over }
}
