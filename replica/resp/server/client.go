package server

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

const errClientName = resp.Error("ERR Client names cannot contain spaces, newlines or special characters.")

// runClient knows the subcommands that clients send when they connect, and those
// that operators type. CLIENT TRACKING is refused, and MAINT_NOTIFICATIONS unknown, on
// purpose: clients then go on without.
func runClient(k *call) error {
	sub, ok := clientSub(k)
	if !ok {
		return k.unknownSub()
	}
	if err := k.subArity(sub.least, sub.most); err != nil {
		return err
	}
	return sub.run(k)
}

type subcommand struct {
	least, most int // arguments, the two names included
	run         func(*call) error
}

func clientSub(k *call) (subcommand, bool) {
	switch strings.ToUpper(string(k.args[1][:min(len(k.args[1]), 16)])) {
	case "ID":
		return subcommand{2, 2, func(k *call) error { k.w.Int(k.id); return nil }}, true
	case "GETNAME":
		return subcommand{2, 2, clientGetName}, true
	case "SETNAME":
		return subcommand{3, 3, clientSetName}, true
	case "SETINFO":
		return subcommand{4, 4, clientSetInfo}, true
	case "INFO":
		return subcommand{2, 2, clientInfo}, true
	case "LIST":
		return subcommand{2, 1 << 10, clientList}, true
	case "KILL":
		return subcommand{3, 16, clientKill}, true
	case "TRACKING":
		return subcommand{3, 1 << 10, clientTracking}, true
	case "TRACKINGINFO":
		return subcommand{2, 2, clientTrackingInfo}, true
	case "GETREDIR":
		return subcommand{2, 2, func(k *call) error { k.w.Int(-1); return nil }}, true
	case "CACHING":
		return subcommand{3, 3, func(*call) error {
			return resp.Error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
		}}, true
	case "NO-EVICT", "NO-TOUCH":
		return subcommand{3, 3, clientSwitch}, true
	}
	return subcommand{}, false
}

func clientGetName(k *call) error {
	if name := k.profile().name; name != "" {
		k.w.Text(name)
	} else {
		k.w.Null()
	}
	return nil
}

func clientSetName(k *call) error {
	if !properName(k.args[2]) {
		return errClientName
	}
	k.rename(string(k.args[2]))
	k.w.Simple("OK")
	return nil
}

func clientSetInfo(k *call) error {
	lib, ver := k.is(2, "LIB-NAME"), k.is(2, "LIB-VER")
	if !lib && !ver {
		return resp.Error("ERR Unrecognized option '" + string(k.args[2]) + "'")
	}
	if !properName(k.args[3]) || len(k.args[3]) > 256 {
		return resp.Error("ERR " + strings.ToLower(string(k.args[2])) + " cannot contain spaces, newlines or special characters.")
	}
	k.change(func(p *profile) {
		if lib {
			p.lib = string(k.args[3])
		} else {
			p.libVersion = string(k.args[3])
		}
	})
	k.w.Simple("OK")
	return nil
}

// clientSwitch accepts ON and OFF: nothing is ever evicted here for a client.
func clientSwitch(k *call) error {
	if !k.is(2, "ON") && !k.is(2, "OFF") {
		return resp.ErrSyntax
	}
	k.w.Simple("OK")
	return nil
}

// clientTracking is refused: nobody is told of keys that change, and a cache that
// believed otherwise would be stale for ever. That it is off can be said.
func clientTracking(k *call) error {
	switch {
	case k.is(2, "OFF"):
		k.w.Simple("OK")
		return nil
	case k.is(2, "ON"):
		return resp.Error("ERR CLIENT TRACKING is not supported: a leader tells nobody which keys change; go on without a client-side cache")
	}
	return resp.ErrSyntax
}

func clientTrackingInfo(k *call) error {
	k.w.Map(3)
	k.w.Text("flags")
	k.w.Set(1)
	k.w.Text("off")
	k.w.Text("redirect")
	k.w.Int(-1)
	k.w.Text("prefixes")
	k.w.Array(0)
	return nil
}

func clientInfo(k *call) error {
	k.w.Lines(k.describe() + "\n")
	return nil
}

// clientKind reads argument i, a kind of clients, as the letter that is their flag.
// Of masters and replicas there are none: leaders are no clients of each other.
func (k *call) clientKind(i int) (flag string, err error) {
	switch {
	case k.is(i, "NORMAL"):
		return "N", nil
	case k.is(i, "PUBSUB"):
		return "P", nil
	case k.is(i, "MASTER"), k.is(i, "REPLICA"), k.is(i, "SLAVE"):
		return "-", nil
	}
	return "", resp.Error("ERR Unknown client type '" + resp.Brief(k.args[i], len(k.args[i])) + "'")
}

// clientList lists connections by id: all, those of ID id…, or those of a TYPE.
func clientList(k *call) error {
	var only []int64
	kind := ""
	switch {
	case len(k.args) == 2:
	case len(k.args) == 4 && k.is(2, "TYPE"):
		var err error
		if kind, err = k.clientKind(3); err != nil {
			return err
		}
	case len(k.args) > 3 && k.is(2, "ID"):
		for i := 3; i < len(k.args); i++ {
			id, err := k.int(i)
			if err != nil {
				return resp.Error("ERR Invalid client ID")
			}
			only = append(only, id)
		}
	default:
		return resp.ErrSyntax
	}
	var b strings.Builder
	for _, c := range k.srv.sorted() {
		p := c.profile()
		if (only == nil || slices.Contains(only, c.id)) && strings.HasPrefix(p.flags(), kind) {
			b.WriteString(c.describe() + "\n")
		}
	}
	k.w.Lines(b.String())
	return nil
}

// clientKill closes connections: CLIENT KILL addr, or with filters ID, TYPE, ADDR,
// USER and SKIPME, all of which must fit.
func clientKill(k *call) error {
	if len(k.args) == 3 {
		if addr := string(k.args[2]); addr == "" || k.kill(killFilter{addr: addr}) == 0 {
			return resp.Error("ERR No such client")
		}
		k.w.Simple("OK")
		return nil
	}
	f, err := k.killFilter()
	if err != nil {
		return err
	}
	k.w.Int(k.kill(f))
	return nil
}

type killFilter struct {
	id               int64
	kind, addr, user string
	skipMe           bool
}

func (k *call) killFilter() (killFilter, error) {
	f := killFilter{skipMe: true}
	for i := 2; i < len(k.args); i += 2 {
		if i+1 == len(k.args) {
			return f, resp.ErrSyntax
		}
		switch arg := k.args[i+1]; {
		case k.is(i, "ID"):
			id, ok := resp.ParseInt(arg)
			if !ok || id < 1 {
				return f, resp.Error("ERR client-id should be greater than 0")
			}
			f.id = id
		case k.is(i, "TYPE"):
			var err error
			if f.kind, err = k.clientKind(i + 1); err != nil {
				return f, err
			}
		case k.is(i, "ADDR"):
			f.addr = string(arg)
		case k.is(i, "USER"):
			f.user = string(arg)
		case k.is(i, "SKIPME") && (resp.SameWord(arg, "YES") || resp.SameWord(arg, "NO")):
			f.skipMe = resp.SameWord(arg, "YES")
		default:
			return f, resp.ErrSyntax
		}
	}
	return f, nil
}

// kill closes those that fit; the client that asks is still answered.
func (k *call) kill(f killFilter) int64 {
	var n int64
	for _, c := range k.srv.sorted() {
		p := c.profile()
		switch {
		case f.id != 0 && c.id != f.id, !strings.HasPrefix(p.flags(), f.kind), f.addr != "" && c.addr != f.addr,
			f.user != "" && c.userName() != f.user, f.skipMe && c == k.conn:
			continue
		case c == k.conn:
			k.closing = true
		default:
			c.sever()
		}
		n++
	}
	return n
}

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
	return cmp.Or(c.profile().user, defaultUser)
}

// setUser notes who the client showed to be; nil is nobody.
func (c *conn) setUser(user *acl.User) {
	c.user.Store(user)
	c.in.Unauthenticated = c.guest()
	name := ""
	if user != nil {
		name = user.Name()
	}
	c.change(func(p *profile) { p.user = name })
}

// guest reports whether the client has yet to show who it is.
func (c *conn) guest() bool {
	u := c.user.Load()
	return c.srv.cfg.RequireAuth && (u == nil || u.Revoked())
}

// speak changes the protocol of all replies from now on.
func (c *conn) speak(proto int) {
	for _, w := range []*resp.Writer{c.out, &c.pending.side, &c.tx.side} {
		w.Speak(proto)
	}
	c.change(func(p *profile) { p.proto = proto })
}

// describe is the connection's line in CLIENT LIST.
func (c *conn) describe() string {
	p, now := c.profile(), c.srv.cfg.Now()
	last := "NULL"
	if cmd := c.last.Load(); cmd != nil {
		last = cmd.name
	}
	fields := []string{
		"id=" + strconv.FormatInt(c.id, 10), "addr=" + c.addr, "laddr=" + c.laddr, "name=" + p.name,
		"age=" + seconds(now.Sub(c.since)), "idle=" + seconds(now.Sub(time.Unix(0, c.active.Load()))),
		"flags=" + p.flags(), "db=0", fmt.Sprintf("sub=%d", p.channels), fmt.Sprintf("psub=%d", p.patterns), "ssub=0",
		fmt.Sprintf("multi=%d", c.queued.Load()), fmt.Sprintf("tot-mem=%d", c.held.Load()), "events=r", "cmd=" + last, "user=" + cmp.Or(p.user, defaultUser),
		fmt.Sprintf("resp=%d", p.proto), "redir=-1", "lib-name=" + p.lib, "lib-ver=" + p.libVersion,
	}
	return strings.Join(fields, " ")
}

// flags says in CLIENT LIST's letters what kind of client it is.
func (p *profile) flags() string {
	if p.channels+p.patterns > 0 {
		return "P"
	}
	return "N"
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
