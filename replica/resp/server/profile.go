package server

import (
	"cmp"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// profile is what others may ask about a connection.
type profile struct {
	name, lib, libVersion, user string
	channels, patterns          int // listened to
	proto                       int
}

func (c *conn) profile() profile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.prof
}

func (c *conn) change(f func(*profile)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.prof)
}

func (c *conn) rename(name string) { c.change(func(p *profile) { p.name = name }) }

// userName is whom the connection acts for.
func (c *conn) userName() string {
	return cmp.Or(c.profile().user, DefaultUser)
}

// setUser notes who the client showed to be; nil is nobody.
func (c *conn) setUser(user *acl.User) {
	c.user.Store(user)
	c.in.Unauthenticated = c.unauthenticated()
	name := ""
	if user != nil {
		name = user.Name()
	}
	c.change(func(p *profile) { p.user = name })
}

// unauthenticated reports whether the client has yet to show who it is.
func (c *conn) unauthenticated() bool {
	u := c.user.Load()
	return c.srv.cfg.RequireAuth && (u == nil || u.Revoked())
}

// speak changes the protocol of all replies from now on.
func (c *conn) speak(proto int) {
	for _, w := range []*resp.Writer{c.out, &c.pending.Side, &c.tx.Side} {
		w.Speak(proto)
	}
	c.change(func(p *profile) { p.proto = proto })
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

// snapshot describes the connection.
func (c *conn) snapshot() Client {
	p := c.profile()
	d := Client{
		ID: c.id, Addr: c.addr, LocalAddr: c.laddr, Name: p.name, User: cmp.Or(p.user, DefaultUser), Library: p.lib, LibraryVersion: p.libVersion,
		Connected: c.since, Active: time.Unix(0, c.active.Load()), Channels: p.channels, Patterns: p.patterns,
		Queued: int(c.queued.Load()), Memory: c.account.Held(), Proto: p.proto, conn: c,
	}
	if cmd := c.last.Load(); cmd != nil {
		d.Command = cmd.Name
	}
	return d
}
