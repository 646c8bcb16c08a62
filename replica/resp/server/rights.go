package server

import (
	"slices"
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// sub is what a subcommand needs that needs something else than its command.
type sub struct {
	name  string // in upper case
	needs acl.Roles
}

// needed is the roles that the command at hand takes. None is what nobody was ever
// given: a row that says nothing is for nobody.
func (k *call) needed() acl.Roles {
	if len(k.args) > 1 {
		for i := range k.cmd.subs {
			if resp.SameWord(k.args[1], k.cmd.subs[i].name) {
				return k.cmd.subs[i].needs
			}
		}
	}
	return k.cmd.needs
}

// rights is what the client may do at present; nil: everything.
func (c *conn) rights() *acl.Rights { return c.user.Load().Rights() }

// permit refuses what the client's user may not do, in Redis' words.
func (c *conn) permit(k *call) error {
	r := c.rights()
	switch {
	case r == nil || k.cmd.flags&open != 0:
		return nil
	case !r.May(k.needed()):
		return c.mayNot(k.fullName())
	case r.Everywhere():
		return nil
	case k.cmd.flags&whole != 0:
		return resp.Error("NOPERM User " + c.userName() + " has no permissions to run the '" + k.fullName() + "' command: it concerns every key")
	}
	for key := range k.keyArgs {
		if !r.ReachesBytes(key) {
			return errKeyDenied
		}
	}
	for channel := range k.channelArgs {
		if !r.ReachesBytes(channel) {
			return errChannelDenied
		}
	}
	return nil
}

func (c *conn) mayNot(command string) error {
	return resp.Error("NOPERM User " + c.userName() + " has no permissions to run the '" + command + "' command")
}

const (
	errKeyDenied     = resp.Error("NOPERM No permissions to access a key")
	errChannelDenied = resp.Error("NOPERM No permissions to access a channel")
)

// ErrKeyDenied is what an Extra answers that finds out only by what is stored of which
// key it is, where acl.Of does not reach that.
var ErrKeyDenied error = errKeyDenied

// also refuses an option of the command that needs more than the command does.
func (k *call) also(need acl.Roles) error {
	if k.rights().May(need) {
		return nil
	}
	return k.mayNot(k.fullName())
}

// keyArgs yields the arguments that are keys.
func (k *call) keyArgs(yield func([]byte) bool) {
	first, last := k.cmd.keys.first, k.cmd.keys.last
	switch {
	case last < 0:
		last += len(k.args)
	case k.cmd.keys.counted():
		n, _ := resp.ParseInt(k.args[first-1]) // of what is no number of arguments the command tells
		last = first + int(max(0, min(n, int64(len(k.args)-first)))) - 1
	}
	for i := first; i > 0 && i <= min(last, len(k.args)-1); i += k.cmd.keys.step {
		if !yield(k.args[i]) {
			return
		}
	}
}

// shown is match for what is listed: keys that the client may not read are not shown.
// Nil matches all.
func (k *call) shown(match func(string) bool) func(string) bool {
	r := k.rights()
	switch {
	case r.Everywhere():
		return match
	case match == nil:
		return r.Reaches
	}
	return func(key string) bool { return r.Reaches(key) && match(key) }
}

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

// runACL answers who the client is, and which commands each role is for.
func runACL(k *call) error {
	switch {
	case k.is(1, "WHOAMI"):
		if err := k.subArity(2, 2); err != nil {
			return err
		}
		k.w.Text(k.userName())
		return nil
	case k.is(1, "CAT"):
		if err := k.subArity(2, 3); err != nil {
			return err
		}
		return k.categories()
	}
	return k.unknownSub()
}

// categories answers the roles, or the commands that need one.
func (k *call) categories() error {
	if len(k.args) == 2 {
		writeKeys(k.w, acl.All.Names())
		return nil
	}
	role, err := acl.ParseRoles(strings.ToLower(string(k.args[2][:min(len(k.args[2]), 64)])))
	if err != nil || len(role.Names()) != 1 {
		return resp.Error("ERR Unknown category '" + string(k.args[2][:min(len(k.args[2]), 128)]) + "'")
	}
	var names []string
	for _, name := range k.srv.names {
		cmd := k.srv.table[name]
		if cmd.needs&role != 0 {
			names = append(names, name)
		}
		for _, s := range cmd.subs {
			if s.needs&role != 0 {
				names = append(names, name+"|"+strings.ToLower(s.name))
			}
		}
	}
	slices.Sort(names)
	writeKeys(k.w, names)
	return nil
}
