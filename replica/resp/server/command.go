package server

import (
	"bytes"
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/pubsub"
)

// Runs are functions like Command.Run.
type Runs map[string]func(*Call) error

// Command is a row of the table. It has Plan, or Run, or Runs, or both of those.
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
	Used     *Usage // by all clients; made by the server

	// Plan adds requests to the call's batch and says how to render the replies.
	Plan func(*Call) (batch.Render, error)
	// Run writes the reply itself. On an error it must have written nothing.
	Run func(*Call) error
	// Runs take its place for subcommands. Those of Subs that it does not have are refused.
	Runs Runs
}

// NeedsServing reports whether the command is refused while the leader does not serve yet.
func (c *Command) NeedsServing() bool {
	return c.Flags&(Read|Write) != 0 && c.Flags&WhileLoading == 0
}

// Takes reports whether the command may have n arguments, its name included.
func (c *Command) Takes(n int) bool {
	return n == c.Arity || c.Arity < 0 && n >= -c.Arity
}

// maxName is longer than every command's name.
const maxName = 32

// Lookup finds a row by name, in any case, without allocating; nil: there is none.
func (s *Server) Lookup(name []byte) *Command {
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

// subcommand is the name of the call's subcommand in lower case; empty: it has none.
func (k *Call) subcommand() string {
	if k.cmd.Subs == nil || len(k.Args) < 2 {
		return ""
	}
	return strings.ToLower(string(k.Args[1][:min(len(k.Args[1]), maxName)]))
}

// checkSub refuses a subcommand that there is not, or that is given too few or too
// many arguments: before anything else, so that no transaction queues it. What Redis
// knows and the command does not is refused when it is run.
func (k *Call) checkSub() error {
	name := k.subcommand()
	if k.cmd.Subs == nil || len(k.Args) < 2 {
		return nil
	}
	arity, ok := k.cmd.Subs[name]
	switch {
	case !ok:
		return k.UnknownSub()
	case !(&Command{Arity: arity}).Takes(len(k.Args)):
		return resp.WrongArity(k.cmd.Name + "|" + name)
	}
	return nil
}

// needed is the roles that the command at hand takes. None is what nobody was ever
// given: a row that says nothing is for nobody.
func (k *Call) needed() acl.Roles {
	if k.cmd.SubNeeds != nil {
		if roles, ok := k.cmd.SubNeeds[k.subcommand()]; ok {
			return roles
		}
	}
	return k.cmd.Needs
}

func (k *Call) asksHelp() bool {
	return k.cmd.Help != nil && len(k.Args) == 2 && k.Is(1, "HELP")
}

// answer writes the reply of a command that does so itself, or why it has none.
func (k *Call) answer(w *resp.Writer) {
	k.Out = w
	if err := k.run(); err != nil {
		w.Error(batch.ErrorText(err))
	}
}

// run writes the reply of a command that does so itself. On an error it has written
// nothing.
func (k *Call) run() error {
	if k.asksHelp() {
		k.writeHelp()
		return nil
	}
	run := k.cmd.Run
	if sub := k.subcommand(); sub != "" && k.cmd.Runs != nil {
		run = k.cmd.Runs[sub]
	}
	if run == nil {
		return k.UnknownSub()
	}
	return run(k)
}

func (k *Call) writeHelp() {
	k.Out.Array(len(k.cmd.Help) + 3)
	k.Out.Simple(strings.ToUpper(k.cmd.Name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range k.cmd.Help {
		k.Out.Simple(line)
	}
	k.Out.Simple("HELP")
	k.Out.Simple("    Prints this help.")
}

// rights is what the client may do at present; nil: everything.
func (c *conn) rights() *acl.Rights { return c.user.Load().Rights() }

// permit refuses what the client's user may not do, in Redis' words.
func (c *conn) permit(k *Call) error {
	r := c.rights()
	switch {
	case r == nil || k.cmd.Flags&BeforeAuth != 0:
		return nil
	case !r.May(k.needed()):
		return k.mayNot()
	case r.Everywhere():
		return nil
	case k.cmd.Flags&AllKeys != 0:
		return resp.Error("NOPERM User " + k.UserName() + " has no permissions to run the '" + k.fullName() + "' command: it concerns every key")
	}
	for key := range k.cmd.Keys.Of(k.Args) {
		if !r.ReachesBytes(key) {
			return errKeyDenied
		}
	}
	for channel := range k.cmd.Channels.Of(k.Args) {
		if !r.ReachesBytes(channel) {
			return errChannelDenied
		}
	}
	return nil
}

func (k *Call) mayNot() error {
	return resp.Error("NOPERM User " + k.UserName() + " has no permissions to run the '" + k.fullName() + "' command")
}

const (
	errKeyDenied     = resp.Error("NOPERM No permissions to access a key")
	errChannelDenied = resp.Error("NOPERM No permissions to access a channel")
)

// ErrKeyDenied is what an Extra answers that finds out only by what is stored of which
// key it is, where acl.Of does not reach that.
var ErrKeyDenied error = errKeyDenied

// reads reports whether the client may be told of a key. It may be called from any
// goroutine.
func (c *conn) reads(key string) bool { return c.rights().Reads(key) }

// Expel closes the connections of users that were revoked, and answers how many they
// were. What they send meanwhile is refused already.
func (s *Server) Expel() int {
	n := 0
	for _, c := range s.sorted() {
		if c.user.Load().Revoked() {
			c.sever()
			n++
		}
	}
	return n
}

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

// KeySpec says which arguments are keys: first, last (negative: from the end)
// and the step between; zero: none. Last is 0 where the argument before the first says
// how many keys there are.
type KeySpec struct{ First, Last, Step int }

// Counted reports whether an argument says how many keys there are.
func (s KeySpec) Counted() bool { return s.First > 0 && s.Last == 0 }

// Of yields the arguments that are keys.
func (s KeySpec) Of(args resp.Args) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		first, last := s.First, s.Last
		switch {
		case last < 0:
			last += len(args)
		case s.Counted():
			n, _ := resp.ParseInt(args[first-1]) // of what is no number of arguments the command tells
			last = first + int(max(0, min(n, int64(len(args)-first)))) - 1
		}
		for i := first; i > 0 && i <= min(last, len(args)-1); i += s.Step {
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

// Of yields what the channels that a call names begin with.
func (s ChannelSpec) Of(args resp.Args) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		args := args[1:]
		if s.Count >= 0 {
			args = args[:s.Count]
		}
		for _, a := range args {
			if bytes.HasPrefix(a, []byte(pubsub.Prefix)) {
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
