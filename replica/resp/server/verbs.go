package server

import (
	"context"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp/batch"
)

// What a command may ask of the server and of its connection. A command sees nothing
// else of them.

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
	return k.conn.mayNot(k.fullName())
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

// Context is a context that ends when nobody waits for the answer any more: the
// connection was cut, the client hung up, or the server drains. end must be called; no
// goroutine is left once it has returned.
func (k *Call) Context() (ctx context.Context, end func()) { return k.conn.awaited() }

// Poll asks ok again and again, for at most limit, and answers what it said last.
// Replies that are ready are sent before.
func (k *Call) Poll(limit time.Duration, ok func() bool) bool { return k.conn.until(limit, ok) }

// LastWrite is the newest write of the connection; the zero dot: there is none.
func (k *Call) LastWrite() logical.Dot { return k.conn.wrote }

// Wrote notes the newest write of the connection.
func (k *Call) Wrote(d logical.Dot) { k.conn.wrote = d }

// InTransaction reports whether the command is between MULTI and EXEC, or done by EXEC.
func (k *Call) InTransaction() bool { return k.conn.tx.active }

// UpdateAll does one Update of each key in one batch, and gives the keys whose Update
// found no capacity and was not done.
func (k *Call) UpdateAll(keys []string, d func(replica.Present) (replica.Write, error)) (left []string, err error) {
	b := batch.Batch{}
	for _, key := range keys {
		r := b.Request()
		r.Verb, r.Key, r.Decide, r.Quiet = replica.Update, key, d, true
	}
	return k.conn.carry(&b, keys)
}

// Hears reports whether the client may be told what is said on a channel. What the
// leader says of keys is looked at key by key.
func (k *Call) Hears(channel string) bool { return k.conn.hears(channel) }

// Name is the command's.
func (k *Call) Name() string { return k.cmd.Name }
