package resp

import (
	"strconv"
	"strings"

	"kvd/replica"
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
)

// command is a row of the table. Exactly one of plan and run is set.
type command struct {
	name    string
	arity   int // arguments with the name; -n: at least n
	flags   flag
	keys    keySpec
	since   string
	summary string
	group   string

	// plan adds requests to the call's batch and says how to render the replies.
	plan func(*call) (render, error)
	// run writes the reply itself. On an error it must have written nothing.
	run func(*call) error
}

// keySpec says which arguments are keys: first, last (negative: from the end)
// and the step between; zero: none.
type keySpec struct{ first, last, step int }

// call is one command of a client on its way.
type call struct {
	*conn
	cmd  *command
	args [][]byte // valid for the call: what outlives it is copied
	b    *batch
	w    *Writer // run: where the reply goes
	seen *seen
}

const (
	errSyntax     = refusal("ERR syntax error")
	errNotInteger = refusal("ERR value is not an integer or out of range")
)

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
	case len(key) == 0:
		return refusal("ERR the key is empty; name one")
	case len(key) > k.srv.cfg.Limits.Key:
		return refusal("ERR the key is longer than " + strconv.Itoa(k.srv.cfg.Limits.Key) + " bytes")
	}
	return nil
}

// decide adds an Update of a key.
func (k *call) decide(key []byte, d func(replica.Present) (replica.Write, error)) error {
	r, err := k.ask(replica.Update, key)
	if err == nil {
		r.Decide = d
	}
	return err
}

// look adds an Update whose render wants to know what Decide was shown. What is
// kept depends on nothing but what Decide is given, so deciding again would keep
// the same.
func (k *call) look(key []byte, d func(replica.Present) (replica.Write, error)) error {
	s := new(seen)
	k.seen = s
	return k.decide(key, func(p replica.Present) (replica.Write, error) {
		s.values, s.present = p.Reading.Values, p
		return d(p)
	})
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

// bytes is a copy of an argument that the core may keep.
func (k *call) bytes(i int) []byte { return append([]byte{}, k.args[i]...) }

// picks reports whether plain commands work on the first of a key's siblings.
func (k *call) picks(key []byte) bool { return k.srv.pick(string(key)) }

// is reports whether argument i is the word, which is in upper case.
func (k *call) is(i int, word string) bool { return sameWord(k.args[i], word) }

// int reads argument i.
func (k *call) int(i int) (int64, error) {
	n, ok := parseInt(k.args[i])
	if !ok {
		return 0, errNotInteger
	}
	return n, nil
}

// sameWord compares without case; word is in upper case.
func sameWord(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// fullName is the command as Redis names it, with its subcommand.
func (k *call) fullName() string {
	if k.cmd.flags&family == 0 || len(k.args) == 1 {
		return k.cmd.name
	}
	return k.cmd.name + "|" + strings.ToLower(string(k.args[1][:min(len(k.args[1]), 128)]))
}

// wrongArity is Redis' answer to too few or too many arguments.
func wrongArity(name string) error {
	return refusal("ERR wrong number of arguments for '" + name + "' command")
}

// unknownCommand is Redis' answer to a name it does not know, which clients
// match: at most 128 bytes of the name, and of the arguments.
func unknownCommand(args [][]byte) error {
	var b strings.Builder
	for _, a := range args[1:] {
		if b.Len() >= 128 {
			break
		}
		b.WriteString("'" + string(a[:min(len(a), 128-b.Len())]) + "' ")
	}
	name := args[0][:min(len(args[0]), 128)]
	return refusal("ERR unknown command '" + string(name) + "', with args beginning with: " + b.String())
}

// unknownSub is Redis' answer to a subcommand it does not know.
func (k *call) unknownSub() error {
	sub := k.args[1][:min(len(k.args[1]), 128)]
	return refusal("ERR unknown subcommand '" + string(sub) + "'. Try " + strings.ToUpper(k.cmd.name) + " HELP.")
}

// subArity checks the arguments of a subcommand, its two names included.
func (k *call) subArity(least, most int) error {
	if len(k.args) < least || len(k.args) > most {
		return wrongArity(k.cmd.name + "|" + strings.ToLower(string(k.args[1])))
	}
	return nil
}
