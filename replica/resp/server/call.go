package server

import (
	"slices"
	"strconv"
	"strings"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
)

// flag says how a command behaves.
type flag uint16

const (
	write     flag = 1 << iota // changes keys
	read                       // reads keys
	fast                       // constant time
	admin                      // looks at, or changes, the server
	open                       // allowed before AUTH
	alone                      // must see everything before it done, and answers at once
	control                    // steers a transaction, so it is never queued in one
	single                     // not allowed in a transaction
	listening                  // allowed to RESP2 clients that listen to channels
	family                     // its first argument names a subcommand
	loading                    // reads or writes, and is allowed while the leader does not serve yet
	patient                    // waits for others: that it takes long is not noted
	whole                      // concerns every key: only for users whose keys have no prefixes
)

// command is a row of the table. Exactly one of plan and run is set.
type command struct {
	name    string
	arity   int // arguments with the name; -n: at least n
	flags   flag
	needs   acl.Roles // of its user
	subs    []sub     // subcommands that need other roles
	keys    keySpec
	since   string
	summary string
	group   string
	used    *usage // by all clients

	// plan adds requests to the call's batch and says how to render the replies.
	plan func(*call) (render, error)
	// run writes the reply itself. On an error it must have written nothing.
	run func(*call) error
}

// keySpec says which arguments are keys: first, last (negative: from the end)
// and the step between; zero: none. Last is 0 where the argument before the first says
// how many keys there are.
type keySpec struct{ first, last, step int }

func (s keySpec) counted() bool { return s.first > 0 && s.last == 0 }

// call is one command of a client on its way.
type call struct {
	*conn
	cmd  *command
	args [][]byte // valid for the call: what outlives it is copied
	kept bool     // the arguments outlive the call, as a script's do
	b    *batch
	w    *resp.Writer // run: where the reply goes
	seen *seen
}

// ask adds a request for a key, after a check of the key.
func (k *call) ask(v replica.Verb, key []byte) (*replica.Request, error) {
	if err := k.checkKey(key); err != nil {
		return nil, err
	}
	r := k.b.request()
	r.Verb, r.Key = v, string(key)
	return r, nil
}

func (k *call) checkKey(key []byte) error {
	switch {
	case len(key) > k.srv.cfg.Limits.Key:
		return resp.Error("ERR the key is longer than " + strconv.Itoa(k.srv.cfg.Limits.Key) + " bytes")
	case !k.rights().ReachesBytes(key): // the row's key arguments were looked at before: this is for a key that comes about otherwise
		return errKeyDenied
	}
	return nil
}

// decide adds an Update of a key. Its render is not shown what the key shows
// afterwards.
func (k *call) decide(key []byte, d func(replica.Present) (replica.Write, error)) error {
	r, err := k.ask(replica.Update, key)
	if err == nil {
		r.Decide, r.Quiet = d, true
	}
	return err
}

// decideAloud is decide for a render that is shown it.
func (k *call) decideAloud(key []byte, d func(replica.Present) (replica.Write, error)) error {
	err := k.decide(key, d)
	if err == nil {
		k.b.reqs[len(k.b.reqs)-1].Quiet = false
	}
	return err
}

// peek adds an Update whose render wants to know when the key ends, and whether it
// shows anything, but no values.
func (k *call) peek(key []byte) error {
	s := new(seen)
	k.seen = s
	return k.decide(key, func(p replica.Present) (replica.Write, error) {
		s.present = p
		s.present.Reading.Values, s.present.Reading.Dots = make([][]byte, min(1, len(p.Reading.Values))), nil
		return nothing()
	})
}

// together says that the requests from from on are done all or not at all.
func (k *call) together(from int) {
	g := &replica.Together{Requests: slices.Clone(k.b.reqs[from:])}
	for _, r := range g.Requests {
		r.Together = g
	}
}

// look adds an Update whose render wants to know what Decide was shown. What is
// kept depends on nothing but what Decide is given, so deciding again would keep
// the same.
func (k *call) look(key []byte, d func(replica.Present) (replica.Write, error)) error {
	s := new(seen)
	k.seen = s
	err := k.decide(key, func(p replica.Present) (replica.Write, error) {
		s.values, s.present = p.Reading.Values, p
		return d(p)
	})
	if err == nil {
		k.b.reqs[len(k.b.reqs)-1].Keeps = true
	}
	return err
}

// each adds a request of verb v for all arguments from from on.
func (k *call) each(v replica.Verb, from int) error {
	for _, key := range k.args[from:] {
		if _, err := k.ask(v, key); err != nil {
			return err
		}
	}
	return nil
}

// whether adds a Get for all arguments from 1 on, of which is only asked whether
// there is anything.
func (k *call) whether() error {
	from := len(k.b.reqs)
	err := k.each(replica.Get, 1)
	for _, r := range k.b.reqs[from:] {
		r.Whether = true
	}
	return err
}

// bytes is an argument that the core may keep: a copy, unless it has memory of its own.
func (k *call) bytes(i int) []byte {
	if k.kept || k.in.Owned(i) {
		return k.args[i]
	}
	return append([]byte{}, k.args[i]...)
}

// picks reports whether plain commands work on the first of a key's siblings.
func (k *call) picks(key []byte) bool { return k.srv.pick(string(key)) }

// is reports whether argument i is the word, which is in upper case.
func (k *call) is(i int, word string) bool { return resp.SameWord(k.args[i], word) }

// int reads argument i.
func (k *call) int(i int) (int64, error) {
	n, ok := resp.ParseInt(k.args[i])
	if !ok {
		return 0, resp.ErrNotInteger
	}
	return n, nil
}

// fullName is the command as Redis names it, with its subcommand.
func (k *call) fullName() string {
	if k.cmd.flags&family == 0 || len(k.args) == 1 {
		return k.cmd.name
	}
	return k.cmd.name + "|" + strings.ToLower(string(k.args[1][:min(len(k.args[1]), 128)]))
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

// unknownSub is Redis' answer to a subcommand it does not know.
func (k *call) unknownSub() error {
	return resp.Error("ERR unknown subcommand '" + resp.Brief(k.args[1], 128) + "'. Try " + strings.ToUpper(k.cmd.name) + " HELP.")
}

// wrongSub is Redis' answer to a subcommand with arguments that it finds wrong itself.
func (k *call) wrongSub() error {
	return resp.Error("ERR unknown subcommand or wrong number of arguments for '" + resp.Brief(k.args[1], 128) + "'. Try " + strings.ToUpper(k.cmd.name) + " HELP.")
}

// subArity checks the arguments of a subcommand, its two names included.
func (k *call) subArity(least, most int) error {
	if len(k.args) < least || len(k.args) > most {
		return resp.WrongArity(k.cmd.name + "|" + strings.ToLower(string(k.args[1])))
	}
	return nil
}
