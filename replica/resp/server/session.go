package server

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// What HELLO and INFO say we are: clients choose features by it.
const (
	serverName   = "redis"
	redisVersion = "7.4.0"
)

// defaultUser is who a client is that has not said otherwise.
const defaultUser = "default"

// maxFailures is how many wrong passwords a connection may try.
const maxFailures = 10

func sessionCommands() []command {
	return []command{
		{name: "hello", arity: -1, flags: fast | open | alone, needs: acl.Anyone, since: "6.0.0", run: runHello, summary: "Agrees on a protocol version and says who we are."},
		{name: "auth", arity: -2, flags: fast | open | alone, needs: acl.Anyone, since: "1.0.0", run: runAuth, summary: "Shows who the client is."},
		{name: "ping", arity: -1, flags: fast | listening, needs: acl.Anyone, since: "1.0.0", run: runPing, summary: "Answers PONG, or what is given."},
		{name: "echo", arity: 2, flags: fast, needs: acl.Anyone, since: "1.0.0", run: runEcho, summary: "Answers what is given."},
		{name: "quit", arity: -1, flags: fast | open | control | listening, needs: acl.Anyone, since: "1.0.0", run: runQuit, summary: "Closes the connection."},
		{name: "reset", arity: 1, flags: fast | open | alone | control | listening, needs: acl.Anyone, since: "6.2.0", run: runReset, summary: "Forgets all that the connection has set."},
		{name: "select", arity: 2, flags: fast, needs: acl.Anyone, since: "1.0.0", run: runSelect, summary: "Chooses the only database, 0."},
		{name: "client", arity: -2, flags: family | admin | alone, needs: acl.Anyone, since: "2.4.0", run: runClient, subs: []sub{{"KILL", acl.Admin}, {"LIST", acl.Admin}}, summary: "Looks at connections and changes them."},
		{name: "readonly", arity: 1, flags: fast, needs: acl.Anyone, since: "3.0.0", run: runCluster, summary: "Refused: there are no slots here."},
		{name: "cluster", arity: -2, flags: family | admin, needs: acl.Anyone, since: "3.0.0", run: runCluster, summary: "Refused: there are no slots here."},
		{name: "acl", arity: -2, flags: family | admin, needs: acl.Anyone, since: "6.0.0", run: runACL, summary: "Answers who the client is."},
	}
}

// greeting is what HELLO asks for.
type greeting struct {
	proto int
	name  string
	named bool
}

func runHello(k *call) error {
	g, err := k.greeting()
	if err != nil {
		return err
	}
	if k.guest() {
		return resp.Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	}
	if g.named {
		k.rename(g.name)
	}
	k.speak(g.proto)
	k.writeHello()
	return nil
}

// greeting reads HELLO's arguments. Who the client is is looked at as it is read, as
// by Redis: what is wrong behind it does not make it unsaid.
func (k *call) greeting() (greeting, error) {
	g := greeting{proto: k.out.Proto()}
	if len(k.args) == 1 {
		return g, nil
	}
	n, ok := resp.ParseInt(k.args[1])
	if !ok {
		return g, resp.Error("ERR Protocol version is not an integer or out of range")
	}
	if n < resp.RESP2 || n > resp.RESP3 {
		return g, resp.Error("NOPROTO unsupported protocol version")
	}
	g.proto = int(n)
	for i := 2; i < len(k.args); {
		switch {
		case k.is(i, "AUTH") && i+2 < len(k.args):
			if err := k.login(string(k.args[i+1]), string(k.args[i+2])); err != nil {
				return g, err
			}
			i += 3
		case k.is(i, "SETNAME") && i+1 < len(k.args):
			if !properName(k.args[i+1]) {
				return g, errClientName
			}
			g.named, g.name = true, string(k.args[i+1])
			i += 2
		default:
			return g, resp.Error("ERR Syntax error in HELLO option '" + resp.Brief(k.args[i], len(k.args[i])) + "'")
		}
	}
	return g, nil
}

// writeHello answers all seven fields: some clients refuse to go on without one.
func (k *call) writeHello() {
	w := k.w
	w.Map(7)
	w.Text("server")
	w.Text(serverName)
	w.Text("version")
	w.Text(redisVersion)
	w.Text("proto")
	w.Int(int64(k.out.Proto()))
	w.Text("id")
	w.Int(k.id)
	w.Text("mode")
	w.Text("standalone")
	w.Text("role")
	w.Text("master")
	w.Text("modules")
	w.Array(0)
}

func runAuth(k *call) error {
	user, pass := defaultUser, k.args[1]
	switch len(k.args) {
	case 2:
	case 3:
		user, pass = string(k.args[1]), k.args[2]
	default:
		return resp.ErrSyntax
	}
	if k.srv.cfg.Login == nil && len(k.args) == 2 {
		return resp.Error("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	}
	if err := k.login(user, string(pass)); err != nil {
		return err
	}
	k.w.Simple("OK")
	return nil
}

// login makes the connection the user's, or leaves it as it was. Who guesses too
// often has to connect again.
func (k *call) login(name, pass string) error {
	switch {
	case k.srv.cfg.Login != nil:
	case name == defaultUser: // where there are no users everybody is that one, who takes any password
		return nil
	default:
		return errWrongPass
	}
	ctx, end := k.awaited()
	user, err := k.srv.cfg.Login(ctx, name, pass, k.addr)
	end()
	if !errors.Is(err, acl.ErrDenied) {
		if err == nil {
			k.setUser(user)
		}
		return err
	}
	if k.failures++; k.failures >= maxFailures {
		k.closing = true
	}
	return errWrongPass
}

const errWrongPass = resp.Error("WRONGPASS invalid username-password pair or user is disabled.")

func runPing(k *call) error {
	if k.confined() && len(k.args) <= 2 {
		k.w.Array(2)
		k.w.Text("pong")
		k.w.Text(strings.Join(k.texts(1), ""))
		return nil
	}
	switch len(k.args) {
	case 1:
		k.w.Simple("PONG")
	case 2:
		k.w.Bulk(k.args[1])
	default:
		return resp.WrongArity("ping")
	}
	return nil
}

func runEcho(k *call) error {
	k.w.Bulk(k.args[1])
	return nil
}

func runQuit(k *call) error {
	k.closing = true
	k.w.Simple("OK")
	return nil
}

func runReset(k *call) error {
	k.forgetTx()
	k.hush()
	k.speak(resp.RESP2)
	k.rename("")
	k.setUser(nil)
	k.w.Simple("RESET")
	return nil
}

func runSelect(k *call) error {
	n, err := k.int(1)
	if err != nil {
		return err
	}
	if n != 0 {
		return resp.Error("ERR DB index is out of range: there is one database, 0; give keys a prefix instead, as in app1:key, which can have a resolver of its own (--policy), and end the URL in /0")
	}
	k.w.Simple("OK")
	return nil
}

func runCluster(*call) error {
	return resp.Error("ERR This instance has cluster support disabled")
}

func runTime(k *call) error {
	now := k.srv.cfg.Clock()
	k.w.Array(2)
	k.w.Text(strconv.FormatInt(now.Unix(), 10))
	k.w.Text(strconv.Itoa(now.Nanosecond() / int(time.Microsecond)))
	return nil
}

// properName reports whether a client may be called so: visible ASCII.
func properName(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < '!' || r > '~' })
}
