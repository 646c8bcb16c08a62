package resp

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// What HELLO and INFO say we are: clients choose features by it.
const (
	serverName   = "redis"
	redisVersion = "7.4.0"
)

// maxFailures is how many wrong passwords a connection may try.
const maxFailures = 10

func sessionCommands() []command {
	return []command{
		{name: "hello", arity: -1, flags: fast | open | alone | single, since: "6.0.0", run: runHello, summary: "Agrees on a protocol version and says who we are."},
		{name: "auth", arity: -2, flags: fast | open | alone | single, since: "1.0.0", run: runAuth, summary: "Shows who the client is."},
		{name: "ping", arity: -1, flags: fast | listening, since: "1.0.0", run: runPing, summary: "Answers PONG, or what is given."},
		{name: "echo", arity: 2, flags: fast, since: "1.0.0", run: runEcho, summary: "Answers what is given."},
		{name: "quit", arity: -1, flags: fast | open | control | listening, since: "1.0.0", run: runQuit, summary: "Closes the connection."},
		{name: "reset", arity: 1, flags: fast | open | alone | control | listening, since: "6.2.0", run: runReset, summary: "Forgets all that the connection has set."},
		{name: "select", arity: 2, flags: fast, since: "1.0.0", run: runSelect, summary: "Chooses the only database, 0."},
		{name: "client", arity: -2, flags: family | admin | alone | single, since: "2.4.0", run: runClient, summary: "Looks at connections and changes them."},
		{name: "readonly", arity: 1, flags: fast, since: "3.0.0", run: runCluster, summary: "Refused: there are no slots here."},
		{name: "cluster", arity: -2, flags: family | admin, since: "3.0.0", run: runCluster, summary: "Refused: there are no slots here."},
		{name: "acl", arity: -2, flags: family | admin, since: "6.0.0", run: runACL, summary: "Answers who the client is."},
	}
}

// greeting is what HELLO asks for.
type greeting struct {
	proto            int
	user, pass, name string
	auth, named      bool
}

func runHello(k *call) error {
	g, err := k.greeting()
	if err != nil {
		return err
	}
	if g.auth {
		if err := k.login(g.user, g.pass); err != nil {
			return err
		}
	}
	if k.guest() {
		return refusal("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	}
	if g.named {
		k.rename(g.name)
	}
	k.speak(g.proto)
	k.writeHello()
	return nil
}

func (k *call) greeting() (greeting, error) {
	g := greeting{proto: k.out.proto}
	if len(k.args) == 1 {
		return g, nil
	}
	n, ok := parseInt(k.args[1])
	if !ok {
		return g, refusal("ERR Protocol version is not an integer or out of range")
	}
	if n < resp2 || n > resp3 {
		return g, refusal("NOPROTO unsupported protocol version")
	}
	g.proto = int(n)
	for i := 2; i < len(k.args); {
		switch {
		case k.is(i, "AUTH") && i+2 < len(k.args):
			g.auth, g.user, g.pass = true, string(k.args[i+1]), string(k.args[i+2])
			i += 3
		case k.is(i, "SETNAME") && i+1 < len(k.args):
			if !properName(k.args[i+1]) {
				return g, errClientName
			}
			g.named, g.name = true, string(k.args[i+1])
			i += 2
		default:
			return g, refusal("ERR Syntax error in HELLO option '" + string(k.args[i]) + "'")
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
	w.Int(int64(k.out.proto))
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
	user, pass := "default", k.args[1]
	switch len(k.args) {
	case 2:
	case 3:
		user, pass = string(k.args[1]), k.args[2]
	default:
		return errSyntax
	}
	if k.srv.cfg.Users == nil && len(k.args) == 2 {
		return refusal("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	}
	if err := k.login(user, string(pass)); err != nil {
		return err
	}
	k.w.Simple("OK")
	return nil
}

// login makes the connection the user's, or leaves it as it was. Who guesses too
// often has to connect again.
func (k *call) login(user, pass string) error {
	if users := k.srv.cfg.Users; users == nil || !users(user, pass) {
		if k.failures++; k.failures >= maxFailures {
			k.closing = true
		}
		return refusal("WRONGPASS invalid username-password pair or user is disabled.")
	}
	k.setUser(user)
	return nil
}

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
		return wrongArity("ping")
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
	k.tx.discard()
	k.hush()
	k.speak(resp2)
	k.rename("")
	k.setUser("")
	k.w.Simple("RESET")
	return nil
}

func runSelect(k *call) error {
	n, err := k.int(1)
	if err != nil {
		return err
	}
	if n != 0 {
		return refusal("ERR DB index is out of range")
	}
	k.w.Simple("OK")
	return nil
}

func runCluster(*call) error {
	return refusal("ERR This instance has cluster support disabled")
}

func runACL(k *call) error {
	if !k.is(1, "WHOAMI") {
		return k.unknownSub()
	}
	if err := k.subArity(2, 2); err != nil {
		return err
	}
	k.w.Text(k.userName())
	return nil
}

func txCommands() []command {
	return []command{
		{name: "multi", arity: 1, flags: fast | control, since: "1.2.0", run: runMulti, summary: "Begins a transaction of this leader."},
		{name: "exec", arity: 1, flags: alone | control, since: "1.2.0", run: runExec, summary: "Does what was queued, in one batch."},
		{name: "discard", arity: 1, flags: fast | control, since: "2.0.0", run: runDiscard, summary: "Forgets what was queued."},
		{name: "watch", arity: -2, flags: fast | control, keys: keySpec{1, -1, 1}, since: "2.2.0", run: runWatch, summary: "Refused: use KVD.SET with a TOKEN."},
	}
}

// transaction is what was queued after MULTI.
type transaction struct {
	batch
	active, spoilt bool
	bytes          int // of the arguments queued
}

func (t *transaction) discard() {
	t.reset()
	t.active, t.spoilt, t.bytes = false, false, 0
}

func runMulti(k *call) error {
	if k.tx.active {
		return refusal("ERR MULTI calls can not be nested")
	}
	k.tx.active = true
	k.w.Simple("OK")
	return nil
}

// runExec hands everything to the engine in one call and renders the replies in
// one array. A request that fails leaves the others done, as in Redis.
func runExec(k *call) error {
	t := &k.tx
	if !t.active {
		return refusal("ERR EXEC without MULTI")
	}
	defer t.discard()
	if t.spoilt {
		return refusal("EXECABORT Transaction discarded because of previous errors.")
	}
	if err := k.submit(&t.batch); err != nil {
		return err
	}
	k.w.Array(len(t.steps))
	t.render(k.w, k.replies, k.srv.pick)
	k.forget()
	return nil
}

func runDiscard(k *call) error {
	if !k.tx.active {
		return refusal("ERR DISCARD without MULTI")
	}
	k.tx.discard()
	k.w.Simple("OK")
	return nil
}

// runWatch refuses: what WATCH promises holds on one leader only, and every
// other may write meanwhile.
func runWatch(k *call) error {
	if k.tx.active {
		return refusal("ERR WATCH inside MULTI is not allowed")
	}
	return refusal("ERR WATCH is not supported: other leaders can write the key meanwhile; read with KVD.GET and write with KVD.SET key value TOKEN token")
}

func runTime(k *call) error {
	now := k.srv.cfg.Now()
	k.w.Array(2)
	k.w.Text(strconv.FormatInt(now.Unix(), 10))
	k.w.Text(strconv.Itoa(now.Nanosecond() / int(time.Microsecond)))
	return nil
}

// properName reports whether a client may be called so: visible ASCII.
func properName(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < '!' || r > '~' })
}
