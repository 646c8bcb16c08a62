package server

import (
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

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

// asksHelp reports whether the call is answered the command's help.
func (k *Call) asksHelp() bool {
	return k.cmd.Help != nil && len(k.Args) == 2 && k.Is(1, "HELP")
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
