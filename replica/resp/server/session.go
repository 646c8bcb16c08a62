package server

import (
	"errors"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// What commands about the connection itself do to it.

// DefaultUser is who a client is that has not said otherwise.
const DefaultUser = "default"

// maxFailures is how many wrong passwords a connection may try.
const maxFailures = 10

// Client describes the client.
func (k *Call) Client() Client { return k.conn.snapshot() }

// UserName is whom the connection acts for.
func (k *Call) UserName() string { return k.conn.userName() }

// Authenticated reports whether the client has shown who it is, or need not.
func (k *Call) Authenticated() bool { return !k.conn.unauthenticated() }

// Login makes the connection the user's, or leaves it as it was. Who guesses too
// often has to connect again. The error is resp.Error, *acl.BusyError or the context's.
func (k *Call) Login(name, pass string) error {
	c, login := k.conn, k.conn.srv.cfg.Login
	switch {
	case login != nil:
	case name == DefaultUser: // where there are no users everybody is that one, who takes any password
		return nil
	default:
		return errWrongPass
	}
	ctx, end := c.awaited()
	user, err := login(ctx, name, pass, c.addr)
	end()
	if !errors.Is(err, acl.ErrDenied) {
		if err == nil {
			c.setUser(user)
		}
		return err
	}
	if c.failures++; c.failures >= maxFailures {
		c.closing = true
	}
	return errWrongPass
}

const errWrongPass = resp.Error("WRONGPASS invalid username-password pair or user is disabled.")

// Proto is the version of the protocol that the client is answered in.
func (k *Call) Proto() int { return k.conn.out.Proto() }

// Speak changes it, of all replies from now on.
func (k *Call) Speak(proto int) { k.conn.speak(proto) }

// PubsubOnly reports whether the client may send nothing but what concerns its
// subscriptions, because its protocol cannot tell messages from replies.
func (k *Call) PubsubOnly() bool { return k.conn.pubsubOnly() }

// Rename gives the connection another name.
func (k *Call) Rename(name string) { k.conn.rename(name) }

// SetLibrary notes which client library is at the other end; nil leaves a field as it is.
func (k *Call) SetLibrary(name, version *string) {
	k.conn.change(func(p *profile) {
		if name != nil {
			p.lib = *name
		}
		if version != nil {
			p.libVersion = *version
		}
	})
}

// Quit closes the connection behind the reply.
func (k *Call) Quit() { k.conn.closing = true }

// Reset makes the connection as it was when it began.
func (k *Call) Reset() {
	c := k.conn
	c.forgetTx()
	c.unsubscribe()
	c.speak(resp.RESP2)
	c.rename("")
	c.setUser(nil)
}
