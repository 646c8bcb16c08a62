package admin

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

// What HELLO and INFO say we are: clients choose features by it.
const (
	serverName   = "redis"
	redisVersion = "7.4.0"
)

// Session is the rows about the connection itself.
func Session() []server.Command {
	return []server.Command{
		{Name: "hello", Arity: -1, Secret: func(a resp.Args, i int) bool { return i > 2 && a.Is(i-1, "AUTH") || i > 3 && a.Is(i-2, "AUTH") }, Flags: server.Fast | server.BeforeAuth | server.Exclusive, Needs: acl.Anyone, Since: "6.0.0", Run: runHello, Summary: "Agrees on a protocol version and says who we are."},
		{Name: "auth", Arity: -2, Secret: func(_ resp.Args, i int) bool { return i > 0 }, Flags: server.Fast | server.BeforeAuth | server.Exclusive, Needs: acl.Anyone, Since: "1.0.0", Run: runAuth, Summary: "Shows who the client is."},
		{Name: "ping", Arity: -1, Flags: server.Fast | server.WhileSubscribed, Needs: acl.Anyone, Since: "1.0.0", Run: runPing, Summary: "Answers PONG, or what is given."},
		{Name: "echo", Arity: 2, Flags: server.Fast, Needs: acl.Anyone, Since: "1.0.0", Run: runEcho, Summary: "Answers what is given."},
		{Name: "quit", Arity: -1, Flags: server.Fast | server.BeforeAuth | server.Control | server.WhileSubscribed, Needs: acl.Anyone, Since: "1.0.0", Run: runQuit, Summary: "Closes the connection."},
		{Name: "reset", Arity: 1, Flags: server.Fast | server.BeforeAuth | server.Exclusive | server.Control | server.WhileSubscribed, Needs: acl.Anyone, Since: "6.2.0", Run: runReset, Summary: "Forgets all that the connection has set."},
		{Name: "select", Arity: 2, Flags: server.Fast, Needs: acl.Anyone, Since: "1.0.0", Run: runSelect, Summary: "Chooses the only database, 0."},
		{Name: "client", Arity: -2, Flags: server.Admin | server.Exclusive, Needs: acl.Anyone, Since: "2.4.0", Runs: clientRuns, SubNeeds: map[string]acl.Roles{"kill": acl.Admin, "list": acl.Admin}, Summary: "Looks at connections and changes them.",
			Subs: map[string]int{
				"caching": 3, "getname": 2, "getredir": 2, "help": 2, "id": 2, "info": 2, "kill": -3, "list": -2, "no-evict": 3, "no-touch": 3, "pause": -3,
				"reply": 3, "setinfo": 4, "setname": 3, "tracking": -3, "trackinginfo": 2, "unblock": -3, "unpause": 2,
			}, Help: []string{
				"GETNAME", "    Answers the connection's name.", "ID", "    Answers the connection's number.", "INFO", "    Describes the connection.",
				"KILL <ip:port>|([ID <id>] [TYPE <type>] [ADDR <ip:port>] [USER <name>] [SKIPME yes|no])", "    Closes connections.",
				"LIST [TYPE normal|pubsub|ID <id> ...]", "    Describes connections.", "NO-EVICT, NO-TOUCH (ON|OFF)",
				"    Accepted: nothing is ever evicted.", "SETINFO (LIB-NAME|LIB-VER) <value>", "    Says which client this is.", "SETNAME <name>",
				"    Names the connection.",
			}},
		{Name: "readonly", Arity: 1, Flags: server.Fast, Needs: acl.Anyone, Since: "3.0.0", Run: runCluster, Summary: "Refused: there are no slots here."},
		{Name: "cluster", Arity: -2, Flags: server.Admin, Needs: acl.Anyone, Since: "3.0.0", Run: runCluster, Summary: "Refused: there are no slots here.",
			Subs: map[string]int{
				"addslots": -3, "addslotsrange": -4, "bumpepoch": 2, "count-failure-reports": 3, "countkeysinslot": 3, "delslots": -3, "delslotsrange": -4,
				"failover": -2, "flushslots": 2, "forget": 3, "getkeysinslot": 4, "help": 2, "info": 2, "keyslot": 3, "links": 2, "meet": -4, "myid": 2,
				"myshardid": 2, "nodes": 2, "replicas": 3, "replicate": 3, "reset": -2, "saveconfig": 2, "set-config-epoch": 3, "setslot": -4, "shards": 2,
				"slaves": 3, "slots": 2,
			}},
		{Name: "acl", Arity: -2, Flags: server.Admin, Needs: acl.Anyone, Since: "6.0.0", Runs: server.Runs{"whoami": whoAmI, "cat": aclCat}, Summary: "Answers who the client is.",
			Subs: map[string]int{
				"cat": -2, "deluser": -3, "dryrun": -4, "genpass": -2, "getuser": 3, "help": 2, "list": 2, "load": 2, "log": -2, "save": 2, "setuser": -3,
				"users": 2, "whoami": 2,
			}, Help: []string{
				"WHOAMI", "    Answers the user's name.", "CAT [<role>]", "    Answers the roles, or the commands that need one.",
			}},
	}
}

// runHello reads who the client is, and looks at it, as Redis does: what is wrong behind it
// does not make it unsaid.
func runHello(k *server.Call) error {
	proto, name, named := k.Proto(), "", false
	if len(k.Args) > 1 {
		n, ok := resp.ParseInt(k.Args[1])
		if !ok {
			return resp.Error("ERR Protocol version is not an integer or out of range")
		}
		if n < resp.RESP2 || n > resp.RESP3 {
			return resp.Error("NOPROTO unsupported protocol version")
		}
		proto = int(n)
	}
	for i := 2; i < len(k.Args); {
		switch {
		case k.Is(i, "AUTH") && i+2 < len(k.Args):
			if err := k.Login(string(k.Args[i+1]), string(k.Args[i+2])); err != nil {
				return err
			}
			i += 3
		case k.Is(i, "SETNAME") && i+1 < len(k.Args):
			if !properName(k.Args[i+1]) {
				return errClientName
			}
			name, named = string(k.Args[i+1]), true
			i += 2
		default:
			return resp.Error("ERR Syntax error in HELLO option '" + resp.Brief(k.Args[i], len(k.Args[i])) + "'")
		}
	}
	if !k.Authenticated() {
		return resp.Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	}
	if named {
		k.Describe(func(c *server.Client) { c.Name = name })
	}
	k.Speak(proto)
	writeHello(k)
	return nil
}

// writeHello answers all seven fields: some clients refuse to go on without one.
func writeHello(k *server.Call) {
	w := k.Out
	w.Map(7)
	w.Field("server").Text(serverName)
	w.Field("version").Text(redisVersion)
	w.Field("proto").Int(int64(k.Proto()))
	w.Field("id").Int(k.Client().ID)
	w.Field("mode").Text("standalone")
	w.Field("role").Text("master")
	w.Field("modules").Array(0)
}

func runAuth(k *server.Call) error {
	user, pass := server.DefaultUser, k.Args[1]
	switch len(k.Args) {
	case 2:
	case 3:
		user, pass = string(k.Args[1]), k.Args[2]
	default:
		return resp.ErrSyntax
	}
	if k.Config().Login == nil && len(k.Args) == 2 {
		return resp.Error("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	}
	if err := k.Login(user, string(pass)); err != nil {
		return err
	}
	return k.OK()
}

func runPing(k *server.Call) error {
	if k.PubsubOnly() && len(k.Args) <= 2 {
		k.Out.Array(2)
		k.Out.Text("pong")
		k.Out.Text(strings.Join(k.Texts(1), ""))
		return nil
	}
	switch len(k.Args) {
	case 1:
		k.Out.Simple("PONG")
	case 2:
		k.Out.Bulk(k.Args[1])
	default:
		return resp.WrongArity("ping")
	}
	return nil
}

func runEcho(k *server.Call) error {
	k.Out.Bulk(k.Args[1])
	return nil
}

func runQuit(k *server.Call) error {
	k.Quit()
	return k.OK()
}

func runReset(k *server.Call) error {
	k.Reset()
	k.Out.Simple("RESET")
	return nil
}

func runSelect(k *server.Call) error {
	n, err := k.Int(1)
	if err != nil {
		return err
	}
	if n != 0 {
		return resp.Error("ERR DB index is out of range: there is one database, 0; give keys a prefix instead, as in app1:key, which can have a resolver of its own (--policy), and end the URL in /0")
	}
	return k.OK()
}

func runCluster(*server.Call) error {
	return resp.Error("ERR This instance has cluster support disabled")
}

func runTime(k *server.Call) error {
	now := k.Config().Clock()
	k.Out.Array(2)
	k.Out.Text(strconv.FormatInt(now.Unix(), 10))
	k.Out.Text(strconv.Itoa(now.Nanosecond() / int(time.Microsecond)))
	return nil
}

// properName reports whether a client may be called so: visible ASCII.
func properName(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < '!' || r > '~' })
}

func whoAmI(k *server.Call) error {
	k.Out.Text(k.UserName())
	return nil
}

// aclCat answers the roles, or the commands that need one.
func aclCat(k *server.Call) error {
	if err := k.AtMost(3); err != nil {
		return err
	}
	if len(k.Args) == 2 {
		k.Out.Texts(acl.All.Names())
		return nil
	}
	role, err := acl.ParseRoles(strings.ToLower(string(k.Args[2][:min(len(k.Args[2]), 64)])))
	if err != nil || len(role.Names()) != 1 {
		return resp.Error("ERR Unknown category '" + string(k.Args[2][:min(len(k.Args[2]), 128)]) + "'")
	}
	var names []string
	for _, name := range k.Server().Commands {
		cmd := k.Server().Command(name)
		if cmd.Needs&role != 0 {
			names = append(names, name)
		}
		for sub, needs := range cmd.SubNeeds {
			if needs&role != 0 {
				names = append(names, name+"|"+sub)
			}
		}
	}
	slices.Sort(names)
	k.Out.Texts(names)
	return nil
}

// Transactions is the rows of transactions.
func Transactions() []server.Command {
	return []server.Command{
		{Name: "multi", Arity: 1, Flags: server.Fast | server.Control, Needs: acl.Anyone, Since: "1.2.0", Run: server.Multi, Summary: "Begins a transaction of this leader."},
		{Name: "exec", Arity: 1, Flags: server.Exclusive | server.Control, Needs: acl.Anyone, Since: "1.2.0", Run: server.Exec, Summary: "Does what was queued, in one batch; in several where KEYS, SCAN, DBSIZE or RANDOMKEY stand between other commands."},
		{Name: "discard", Arity: 1, Flags: server.Fast | server.Control, Needs: acl.Anyone, Since: "2.0.0", Run: server.Discard, Summary: "Forgets what was queued."},
		{Name: "watch", Arity: -2, Flags: server.Fast | server.Exclusive | server.Control, Needs: acl.Read, Keys: server.KeySpec{First: 1, Last: -1, Step: 1}, Since: "2.2.0", Run: server.Watch, Summary: "Lets the next EXEC do nothing if one of the keys has changed at this leader by then. Of writes that other leaders accept meanwhile and that arrive later it knows nothing: what becomes of both is for the resolver. KVD.SET with a TOKEN says at every leader what a write had seen."},
		{Name: "unwatch", Arity: 1, Flags: server.Fast | server.Exclusive, Needs: acl.Anyone, Since: "2.2.0", Run: server.Unwatch, Summary: "Watches no keys any more."},
	}
}
