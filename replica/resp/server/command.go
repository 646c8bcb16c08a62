package server

import (
	"bytes"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// Flag says how a command behaves.
type Flag uint16

const (
	Write           Flag = 1 << iota // changes keys
	Read                             // reads keys
	Fast                             // constant time
	Admin                            // looks at, or changes, the server
	BeforeAuth                       // allowed before AUTH
	Exclusive                        // must see everything before it done, and answers at once
	Control                          // steers a transaction, so it is never queued in one
	NoMulti                          // not allowed in a transaction
	WhileSubscribed                  // allowed to RESP2 clients that listen to channels
	WhileLoading                     // reads or writes, and is allowed while the leader does not serve yet
	Blocking                         // waits for others: that it takes long is not noted
	AllKeys                          // concerns every key: only for users whose keys have no prefixes
)

// Command is a row of the table. Exactly one of plan and run is set.
type Command struct {
	Name     string
	Arity    int // arguments with the name; -n: at least n
	Flags    Flag
	Needs    acl.Roles            // of its user
	Subs     map[string]int       // the subcommands that Redis knows, in lower case, and their arity, both names included
	SubNeeds map[string]acl.Roles // what a subcommand needs that needs something else than its command
	Help     []string             // what HELP answers: each subcommand, and what it does; nil: HELP is left to run
	Keys     KeySpec
	Channels ChannelSpec
	Secret   func(args resp.Args, i int) bool // whether an argument may be a password; nil: none is
	Since    string
	Summary  string
	Group    string
	used     *usage // by all clients

	// plan adds requests to the call's batch and says how to render the replies.
	Plan func(*Call) (Render, error)
	// run writes the reply itself. On an error it must have written nothing.
	Run func(*Call) error
}

// KeySpec says which arguments are keys: first, last (negative: from the end)
// and the step between; zero: none. Last is 0 where the argument before the first says
// how many keys there are.
type KeySpec struct{ First, Last, Step int }

func (s KeySpec) Counted() bool { return s.First > 0 && s.Last == 0 }

// NeedsServing reports whether the command is refused while the leader does not serve yet.
func (c *Command) NeedsServing() bool { return c.Flags&(Read|Write) != 0 && c.Flags&WhileLoading == 0 }

// Takes reports whether the command may have n arguments, its name included.
func (c *Command) Takes(n int) bool {
	return n == c.Arity || c.Arity < 0 && n >= -c.Arity
}

// maxName is longer than every command's name.
const maxName = 32

// lookup finds a command by name, in any case, without allocating.
func (s *Server) lookup(name []byte) *Command {
	var lower [maxName]byte
	if len(name) > maxName {
		return nil
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return s.table[string(lower[:len(name)])]
}

// KeyArgs yields the arguments that are keys, of those that a call of the command has.
func (c *Command) KeyArgs(args resp.Args) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		first, last := c.Keys.First, c.Keys.Last
		switch {
		case last < 0:
			last += len(args)
		case c.Keys.Counted():
			n, _ := resp.ParseInt(args[first-1]) // of what is no number of arguments the command tells
			last = first + int(max(0, min(n, int64(len(args)-first)))) - 1
		}
		for i := first; i > 0 && i <= min(last, len(args)-1); i += c.Keys.Step {
			if !yield(args[i]) {
				return
			}
		}
	}
}

// ChannelSpec says which arguments are channels of clients: the first ones, how many; -1:
// all. As patterns they stand for every channel that begins as they do.
type ChannelSpec struct {
	Count    int
	Patterns bool
}

// of yields what the channels that a call names begin with.
func (s ChannelSpec) of(args resp.Args) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		args := args[1:]
		if s.Count >= 0 {
			args = args[:s.Count]
		}
		for _, a := range args {
			if bytes.HasPrefix(a, []byte(leaderPrefix)) {
				continue // the leader's own, which tell of reachable keys alone
			}
			if i := bytes.IndexAny(a, `*?[\`); i >= 0 && s.Patterns {
				a = a[:i]
			}
			if !yield(a) {
				return
			}
		}
	}
}
