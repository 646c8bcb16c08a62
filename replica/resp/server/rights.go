package server

import (
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/spec"
)

// rights is what the client may do at present; nil: everything.
func (c *conn) rights() *acl.Rights { return c.user.Load().Rights() }

// permit refuses what the client's user may not do, in Redis' words.
func (c *conn) permit(k *Call) error {
	r := c.rights()
	switch {
	case r == nil || k.cmd.Flags&spec.BeforeAuth != 0:
		return nil
	case !r.May(k.needed()):
		return c.mayNot(k.fullName())
	case r.Everywhere():
		return nil
	case k.cmd.Flags&spec.AllKeys != 0:
		return resp.Error("NOPERM User " + c.userName() + " has no permissions to run the '" + k.fullName() + "' command: it concerns every key")
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
