package server_test

import (
	"slices"
	"strings"
	"testing"

	"kvd/replica/acl"
	"kvd/replica/acl/acltest"
	"kvd/replica/resp/server"
)

// guarded is a server with users whose passwords are their names.
func guarded(t *testing.T, users ...*acl.User) *rig {
	return start(t, tcp(t), func(c *server.Config) { c.RequireAuth, c.Login = true, acltest.These(users...) })
}

// as is a client that has shown to be a user.
func (r *rig) as(user string) *client {
	r.t.Helper()
	c := r.dial()
	c.want("+OK\r\n", "AUTH", user, user)
	return c
}

func TestUsersMayWhatTheirRolesSay(t *testing.T) {
	r := guarded(t, acl.NewUser("reader", acl.Rights{Roles: acl.Read}), acl.NewUser("writer", acl.Rights{Roles: acl.Write}),
		acl.NewUser("admin", acl.Rights{Roles: acl.Admin}), acl.NewUser("ann", acl.Rights{Roles: acl.All}))
	defer r.stop()
	for _, c := range []struct {
		command string
		may     string // of r, w, a: reader, writer, admin
	}{
		{"PING", "rwa"}, {"MULTI", "rwa"}, {"CLIENT ID", "rwa"}, {"ACL WHOAMI", "rwa"}, {"INFO server", "rwa"}, {"COMMAND COUNT", "rwa"},
		{"GET k", "r"}, {"MGET k l", "r"}, {"SCAN 0", "r"}, {"KEYS *", "r"}, {"DBSIZE", "r"}, {"TTL k", "r"}, {"SUBSCRIBE kvd:losses", "r"},
		{"SET k v", "w"}, {"DEL k", "w"}, {"EXPIRE k 9", "w"}, {"SET k v GET", ""}, {"SET k v IFEQ w", ""}, {"SET k v NX", "w"}, {"DELEX k IFEQ v", ""}, {"RENAME k l", ""}, {"COPY k l", ""}, {"SETBIT k 0 1", ""}, {"SETRANGE k 0 x", "w"}, {"INCR n", ""}, {"GETSET k v", ""}, {"GETEX k", ""},
		{"KVD.GET k", "r"}, {"KVD.SET k v", "w"}, {"KVD.SET k v EVIDENCE", ""}, {"KVD.INCR n 1", ""},
		{"OBJECT HELP", "r"}, {"FLUSHALL", ""}, {"LASTSAVE", "rwa"}, {"ROLE", "rwa"}, {"CLIENT LIST", "a"}, {"CLIENT KILL ID 999999", "a"}, {"CONFIG GET save", "a"}, {"CONFIG SET save x", "a"},
	} {
		for _, user := range []string{"reader", "writer", "admin"} {
			cl := r.as(user)
			reply := cl.do(strings.Fields(c.command)...)
			want := strings.Contains(c.may, user[:1])
			if refused := strings.HasPrefix(reply, "-NOPERM User "+user+" has no permissions to run the '"); refused == want {
				t.Errorf("%s by %s: %q", c.command, user, reply)
			}
			cl.nc.Close()
		}
		cl := r.as("ann")
		if reply := cl.do(strings.Fields(c.command)...); strings.HasPrefix(reply, "-NOPERM") {
			t.Errorf("%s by one with all roles: %q", c.command, reply)
		}
		cl.nc.Close()
	}
	c := r.as("writer")
	defer c.nc.Close()
	c.want("-NOPERM User writer has no permissions to run the 'client|kill' command\r\n", "CLIENT", "KILL", "1.2.3.4:5")
	c.want("-NOPERM User writer has no permissions to run the 'set' command\r\n", "SET", "k", "v", "GET")
	c.want("+OK\r\n", "MULTI")
	c.want("-NOPERM User writer has no permissions to run the 'get' command\r\n", "GET", "k")
	c.want("+QUEUED\r\n", "SET", "k", "w")
	c.want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
}

func TestUsersReachTheirKeysAlone(t *testing.T) {
	r := guarded(t, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"a:", "b:"}}))
	defer r.stop()
	ann, bob := r.as("ann"), r.as("bob")
	defer ann.nc.Close()
	defer bob.nc.Close()
	ann.want("+OK\r\n", "MSET", "a:1", "x", "b:1", "x", "c:1", "x", "a", "x")
	denied := "-NOPERM No permissions to access a key\r\n"
	for _, command := range []string{"GET c:1", "GET a", "MGET a:1 c:1", "MSET a:1 x c:1 x", "DEL a:1 b:1 c:1", "EXISTS c:1", "SET c:1 y", "KVD.GET c:1", "KVD.DEL c:1", "WATCH c:1", "TTL c:1"} {
		bob.want(denied, strings.Fields(command)...)
	}
	bob.want("*2\r\n$1\r\nx\r\n$1\r\nx\r\n", "MGET", "a:1", "b:1")
	bob.want("*2\r\n$3\r\na:1\r\n$3\r\nb:1\r\n", "KEYS", "*")
	bob.want("*0\r\n", "KEYS", "c*")
	bob.want("*2\r\n$1\r\n0\r\n*1\r\n$3\r\nb:1\r\n", "SCAN", "0", "COUNT", "100", "MATCH", "[bc]:1")
	bob.want("*2\r\n$1\r\n0\r\n*2\r\n$3\r\na:1\r\n$3\r\nb:1\r\n", "SCAN", "0", "COUNT", "100")
	for range 20 {
		if reply := bob.do("RANDOMKEY"); reply != "$3\r\na:1\r\n" && reply != "$3\r\nb:1\r\n" {
			t.Errorf("RANDOMKEY answers %q", reply)
		}
	}
	bob.want("-NOPERM User bob has no permissions to run the 'flushall' command: it concerns every key\r\n", "FLUSHALL")
	bob.want(denied, "OBJECT", "ENCODING", "c:1")
	bob.want(denied, "MEMORY", "USAGE", "c:1")
	bob.want("$6\r\nembstr\r\n", "OBJECT", "ENCODING", "a:1")
	bob.want("+OK\r\n", "MULTI")
	bob.want(denied, "GET", "c:1")
	bob.want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
	bob.want("$3\r\nbob\r\n", "ACL", "WHOAMI")
}

// A cursor tells nothing of keys that its user does not reach: neither is one given that
// stands at such a key, nor is one taken.
func TestCursorsTellNothingOfOthersKeys(t *testing.T) {
	r := guarded(t, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"m:"}}))
	defer r.stop()
	ann, bob := r.as("ann"), r.as("bob")
	defer ann.nc.Close()
	defer bob.nc.Close()
	for _, key := range []string{"a", "b", "m:1", "m:2", "x", "y", "z"} {
		ann.want("+OK\r\n", "SET", key, "v")
	}
	cursor := "0"
	for range 6 {
		cursor = strings.Split(ann.do("SCAN", cursor, "COUNT", "1"), "\r\n")[2]
	}
	whole := "*2\r\n$1\r\n0\r\n*2\r\n$3\r\nm:1\r\n$3\r\nm:2\r\n"
	bob.want(whole, "SCAN", cursor, "COUNT", "100")
	var found []string
	for cursor = "0"; len(found) < 9; {
		lines := strings.Split(bob.do("SCAN", cursor, "COUNT", "1"), "\r\n")
		for i := 5; i < len(lines)-1; i += 2 {
			found = append(found, lines[i])
		}
		if cursor = lines[2]; cursor == "0" {
			break
		}
		if ann.do("SCAN", cursor, "COUNT", "1") == ann.do("SCAN", "0", "COUNT", "1") {
			t.Errorf("cursor %s stands nowhere", cursor)
		}
	}
	if strings.Join(found, " ") != "m:1 m:2" {
		t.Errorf("found %q", found)
	}
}

// Rights that change, or end, count for who is connected.
func TestRightsThatChangeCountAtOnce(t *testing.T) {
	ann, bob := acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All})
	r := guarded(t, ann, bob)
	defer r.stop()
	a, b := r.as("ann"), r.as("bob")
	defer a.nc.Close()
	defer b.nc.Close()
	a.want("+OK\r\n", "MULTI")
	a.want("+QUEUED\r\n", "SET", "k", "v")
	ann.Change(acl.Rights{Roles: acl.Read})
	if reply := a.do("EXEC"); !strings.HasPrefix(reply, "-EXECABORT Transaction discarded: what ann may do was changed") {
		t.Errorf("EXEC after the rights changed: %q", reply)
	}
	a.want("$-1\r\n", "GET", "k")
	a.want("-NOPERM User ann has no permissions to run the 'set' command\r\n", "SET", "k", "v")
	bob.Revoke()
	b.want("-NOAUTH Authentication required.\r\n", "GET", "k")
	if n := r.srv.Expel(); n != 1 {
		t.Errorf("%d connections were closed", n)
	}
	if _, err := b.br.ReadByte(); err == nil {
		t.Error("who was revoked stays connected")
	}
	a.want("$-1\r\n", "GET", "k")
}

// Whoever watches what others send does so as long as they may.
func TestMonitorEndsWithTheRight(t *testing.T) {
	eve := acl.NewUser("eve", acl.Rights{Roles: acl.Read | acl.Admin})
	r := guarded(t, eve, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"b:"}}))
	defer r.stop()
	e, a, b := r.as("eve"), r.as("ann"), r.as("bob")
	defer e.nc.Close()
	defer a.nc.Close()
	defer b.nc.Close()
	for _, command := range []string{"MONITOR", "SLOWLOG GET"} {
		if reply := b.do(strings.Fields(command)...); !strings.HasSuffix(reply, "it concerns every key\r\n") {
			t.Errorf("%s by one who has some keys alone: %q", command, reply)
		}
	}
	e.want("+OK\r\n", "MONITOR")
	a.want("+OK\r\n", "SET", "k", "seen")
	if line := e.reply(); !strings.Contains(line, "seen") {
		t.Errorf("the first line is %q", line)
	}
	eve.Change(acl.Rights{Roles: acl.Read})
	a.want("+OK\r\n", "SET", "k", "unseen")
	if reply := e.do("PING"); reply != "+PONG\r\n" {
		t.Errorf("after the right has gone: %q", reply)
	}
}

func TestACLCatNamesTheRoles(t *testing.T) {
	r := start(t, tcp(t), nil)
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	c.want("*3\r\n$4\r\nread\r\n$5\r\nwrite\r\n$5\r\nadmin\r\n", "ACL", "CAT")
	for role, some := range map[string][]string{"read": {"get", "incr", "scan"}, "WRITE": {"incr", "set"}, "admin": {"client|kill", "config"}} {
		reply := strings.Split(c.do("ACL", "CAT", role), "\r\n")
		for _, name := range some {
			if !slices.Contains(reply, name) {
				t.Errorf("ACL CAT %s leaves %s out: %q", role, name, reply)
			}
		}
	}
	c.want("-ERR Unknown category 'nope'\r\n", "ACL", "CAT", "nope")
}

// A script reaches the keys that it is given, and needs what it may do to them.
func TestUsersRunScriptsOnTheirKeysAlone(t *testing.T) {
	r := guarded(t, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"b:"}}),
		acl.NewUser("reader", acl.Rights{Roles: acl.Read, Prefixes: []string{"b:"}}), acl.NewUser("writer", acl.Rights{Roles: acl.Write}))
	defer r.stop()
	ann, bob, reader, writer := r.as("ann"), r.as("bob"), r.as("reader"), r.as("writer")
	for _, c := range []*client{ann, bob, reader, writer} {
		defer c.nc.Close()
	}
	const get, del, denied = "return redis.call('get', KEYS[1])", "return redis.call('del', KEYS[1])", "-NOPERM No permissions to access a key\r\n"
	ann.want("+OK\r\n", "MSET", "a:1", "x", "b:1", "y", "n", "z")
	ann.want("$40\r\n4e6d8fc8bb01276962cce5371fa795a7763657ae\r\n", "SCRIPT", "LOAD", get)
	for _, command := range []string{"EVAL", "EVAL_RO"} {
		bob.want(denied, command, get, "1", "a:1")
		bob.want(denied, command, get, "2", "b:1", "a:1")
		bob.want(denied, command, get, "9", "a:1", "b:1")
		bob.want("$1\r\ny\r\n", command, get, "1", "b:1", "a:1")
		bob.want("$3\r\na:1\r\n", command, "return ARGV[1]", "0", "a:1")
		bob.want("-ERR value is not an integer or out of range\r\n", command, get, "x", "a:1")
		if reply := bob.do(command, "return redis.call('get', ARGV[1])", "1", "b:1", "a:1"); !strings.HasPrefix(reply, "-ERR the script touches a key that is not KEYS[1]") {
			t.Errorf("%s of a key that is an argument: %q", command, reply)
		}
	}
	bob.want(denied, "EVALSHA", "4e6d8fc8bb01276962cce5371fa795a7763657ae", "1", "a:1")
	bob.want("$1\r\ny\r\n", "EVALSHA", "4e6d8fc8bb01276962cce5371fa795a7763657ae", "1", "b:1")
	reader.want("-NOPERM User reader has no permissions to run the 'eval' command\r\n", "EVAL", get, "1", "b:1")
	reader.want("$1\r\ny\r\n", "EVAL_RO", get, "1", "b:1")
	reader.want("$1\r\ny\r\n", "EVALSHA_RO", "4e6d8fc8bb01276962cce5371fa795a7763657ae", "1", "b:1")
	reader.want("-ERR Write commands are not allowed from read-only scripts.\r\n", "EVAL_RO", del, "1", "b:1")
	reader.want(denied, "EVAL_RO", get, "1", "a:1")
	for _, command := range []string{"EVAL", "EVAL_RO"} {
		if reply := writer.do(command, get, "1", "n"); !strings.HasPrefix(reply, "-NOPERM User writer has no permissions") {
			t.Errorf("%s by one who may not read: %q", command, reply)
		}
	}
	bob.want("+OK\r\n", "MULTI")
	bob.want(denied, "EVAL", del, "1", "a:1")
	bob.want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
	bob.want(":1\r\n", "EVAL", del, "1", "b:1")
}

// What a script makes has the bounds of any value, and beyond them nothing of it is done.
func TestScriptsMakeNoValueBeyondTheLimit(t *testing.T) {
	r := start(t, tcp(t), func(c *server.Config) { c.Limits.Bulk = 1000 })
	defer r.stop()
	c := r.dial()
	defer c.nc.Close()
	half := strings.Repeat("v", 600)
	c.want("+OK\r\n", "SET", "k", half)
	const tooLong = "-ERR string exceeds maximum allowed size (1000 bytes)\r\n"
	c.want(tooLong, "APPEND", "k", half)
	c.want(tooLong, "EVAL", "redis.call('pexpire', KEYS[1], 1) redis.call('append', KEYS[1], 'x') return redis.call('append', KEYS[1], ARGV[1])", "1", "k", half)
	c.want(":-1\r\n", "TTL", "k")
	c.want(":600\r\n", "STRLEN", "k")
	c.want(":1000\r\n", "EVAL", "return redis.call('append', KEYS[1], ARGV[1])", "1", "k", half[:400])
}
