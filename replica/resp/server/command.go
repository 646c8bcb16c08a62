package server

import (
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/spec"
	"kvd/replica/resp/stats"
)

// Runs are functions like Command.Run.
type Runs map[string]func(*Call) error

// Command is a row of the table. It has Plan, or Run, or Runs, or both of those.
type Command struct {
	Name     string
	Arity    int // arguments with the name; -n: at least n
	Flags    spec.Flag
	Needs    acl.Roles            // of its user
	Subs     map[string]int       // the subcommands that Redis knows, in lower case, and their arity, both names included
	SubNeeds map[string]acl.Roles // what a subcommand needs that needs something else than its command
	Help     []string             // what HELP answers: each subcommand, and what it does; nil: HELP is left to run
	Keys     spec.KeySpec
	Channels spec.ChannelSpec
	Secret   func(args resp.Args, i int) bool // whether an argument may be a password; nil: none is
	Since    string
	Summary  string
	Group    string
	used     *stats.Usage // by all clients

	// Plan adds requests to the call's batch and says how to render the replies.
	Plan func(*Call) (batch.Render, error)
	// Run writes the reply itself. On an error it must have written nothing.
	Run func(*Call) error
	// Runs take its place for subcommands. Those of Subs that it does not have are refused.
	Runs Runs
}

// NeedsServing reports whether the command is refused while the leader does not serve yet.
func (c *Command) NeedsServing() bool {
	return c.Flags&(spec.Read|spec.Write) != 0 && c.Flags&spec.WhileLoading == 0
}

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
