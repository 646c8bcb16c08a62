package server

import (
	"slices"
	"strconv"
	"strings"

	"kvd/replica"
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
	seen      *batch.Seen
}

// Ask adds a request for a key, after a check of the key.
func (k *Call) Ask(v replica.Verb, key []byte) (*replica.Request, error) {
	if err := k.checkKey(key); err != nil {
		return nil, err
	}
	r := k.b.Request()
	r.Verb, r.Key = v, string(key)
	return r, nil
}

func (k *Call) checkKey(key []byte) error {
	switch {
	case len(key) > k.conn.srv.cfg.Limits.Key:
		return resp.Error("ERR the key is longer than " + strconv.Itoa(k.conn.srv.cfg.Limits.Key) + " bytes")
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

// Note is where the call's Decide keeps what it was shown, for the call's render.
func (k *Call) Note() *batch.Seen {
	k.seen = new(batch.Seen)
	return k.seen
}

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
	return append([]byte{}, k.Args[i]...)
}

// Picks reports whether plain commands work on the first of a key's siblings.
func (k *Call) Picks(key []byte) bool { return k.conn.srv.pick(string(key)) }

// OK answers that all is well.
func (k *Call) OK() error {
	k.Out.Simple("OK")
	return nil
}

// fullName is the command as Redis names it, with its subcommand.
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
