package server

import (
	"errors"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// DefaultUser is who a client is that has not said otherwise.
const DefaultUser = "default"

const maxFailures = 10

// Client describes the client.
func (k *Call) Client() Client { return k.conn.snapshot() }

// UserName is whom the connection acts for.
func (k *Call) UserName() string { return k.conn.snapshot().User }

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
	ctx, end := k.Context()
	user, err := login(ctx, name, pass, c.prof.Addr)
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
func (k *Call) Speak(proto int) {
	c := k.conn
	for _, w := range []*resp.Writer{c.out, &c.pending.Side, &c.tx.Side} {
		w.Speak(proto)
	}
	c.change(func(p *Client) { p.Proto = proto })
}

// PubsubOnly reports whether the client may send nothing but what concerns its
// subscriptions, because its protocol cannot tell messages from replies.
func (k *Call) PubsubOnly() bool { return k.conn.subs.Count() > 0 && k.Proto() == resp.RESP2 }

// Describe changes what others see of the connection: its name and its library.
func (k *Call) Describe(change func(*Client)) { k.conn.change(change) }

// Quit closes the connection behind the reply.
func (k *Call) Quit() { k.conn.closing = true }

// Reset makes the connection as it was when it began.
func (k *Call) Reset() {
	c := k.conn
	c.forgetTx()
	c.unsubscribe()
	c.acks = Acks{}
	k.Speak(resp.RESP2)
	c.change(func(p *Client) { p.Name = "" })
	c.setUser(nil)
}

func (c *conn) change(f func(*Client)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.prof)
}

func (c *conn) snapshot() Client {
	c.mu.Lock()
	d := c.prof
	c.mu.Unlock()
	d.Active, d.Queued, d.Memory = time.Unix(0, c.active.Load()), int(c.queued.Load()), c.account.Held()
	if cmd := c.last.Load(); cmd != nil {
		d.Command = cmd.Name
	}
	return d
}

// setUser notes who the client showed to be; nil is nobody.
func (c *conn) setUser(user *acl.User) {
	c.user.Store(user)
	c.in.Unauthenticated = c.unauthenticated()
	name := DefaultUser
	if user != nil {
		name = user.Name()
	}
	c.change(func(p *Client) { p.User = name })
}

// unauthenticated reports whether the client has yet to show who it is.
func (c *conn) unauthenticated() bool {
	u := c.user.Load()
	return c.srv.cfg.RequireAuth && (u == nil || u.Revoked())
}

// Client is what others may know of a connection, as of one moment.
type Client struct {
	ID                      int64
	Addr, LocalAddr         string
	Name, User              string
	Library, LibraryVersion string
	Connected, Active       time.Time // since when, and when it last sent something
	Channels, Patterns      int       // it listens to
	Queued                  int       // commands of its transaction; -1: there is none
	Memory                  int64     // bytes it holds of the memory of all clients
	Command                 string    // the last one it sent; empty: none
	Proto                   int

	conn *conn
}

// Close ends the client's connection. The one that a call answers is closed behind its
// reply.
func (c *Client) Close(k *Call) {
	if k != nil && c.conn == k.conn {
		k.Quit()
		return
	}
	c.conn.sever()
}

// Is reports whether it is the client that a call answers.
func (c *Client) Is(k *Call) bool { return c.conn == k.conn }

// Clients is the connections there are, by id.
func (s *Server) Clients() []Client {
	all := s.sorted()
	clients := make([]Client, len(all))
	for i, c := range all {
		clients[i] = c.snapshot()
	}
	return clients
}

// Acks is how many leaders are to hold a write durably before it is answered, and how long
// that may take; the zero Acks: as the policy and the leader say.
type Acks struct {
	Leaders int
	Limit   time.Duration
}

// Acks is what the connection asks for its writes.
func (k *Call) Acks() Acks { return k.conn.acks }

// SetAcks changes it, from the next command on.
func (k *Call) SetAcks(a Acks) { k.conn.acks = a }
