package command_test

import (
	"slices"
	"strings"
	"testing"

	"kvd/replica/acl"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

func TestUsersMayWhatTheirRolesSay(t *testing.T) {
	r := resptest.Guarded(t, acl.NewUser("reader", acl.Rights{Roles: acl.Read}), acl.NewUser("writer", acl.Rights{Roles: acl.Write}),
		acl.NewUser("admin", acl.Rights{Roles: acl.Admin}), acl.NewUser("ann", acl.Rights{Roles: acl.All}))
	defer r.Stop()
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
			cl := r.As(user)
			reply := cl.Do(strings.Fields(c.command)...)
			want := strings.Contains(c.may, user[:1])
			if refused := strings.HasPrefix(reply, "-NOPERM User "+user+" has no permissions to run the '"); refused == want {
				t.Errorf("%s by %s: %q", c.command, user, reply)
			}
			cl.Conn.Close()
		}
		cl := r.As("ann")
		if reply := cl.Do(strings.Fields(c.command)...); strings.HasPrefix(reply, "-NOPERM") {
			t.Errorf("%s by one with all roles: %q", c.command, reply)
		}
		cl.Conn.Close()
	}
	c := r.As("writer")
	defer c.Conn.Close()
	c.Want("-NOPERM User writer has no permissions to run the 'client|kill' command\r\n", "CLIENT", "KILL", "1.2.3.4:5")
	c.Want("-NOPERM User writer has no permissions to run the 'set' command\r\n", "SET", "k", "v", "GET")
	c.Want("+OK\r\n", "MULTI")
	c.Want("-NOPERM User writer has no permissions to run the 'get' command\r\n", "GET", "k")
	c.Want("+QUEUED\r\n", "SET", "k", "w")
	c.Want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
}

func TestUsersReachTheirKeysAlone(t *testing.T) {
	r := resptest.Guarded(t, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"a:", "b:"}}))
	defer r.Stop()
	ann, bob := r.As("ann"), r.As("bob")
	defer ann.Conn.Close()
	defer bob.Conn.Close()
	ann.Want("+OK\r\n", "MSET", "a:1", "x", "b:1", "x", "c:1", "x", "a", "x")
	denied := "-NOPERM No permissions to access a key\r\n"
	for _, command := range []string{"GET c:1", "GET a", "MGET a:1 c:1", "MSET a:1 x c:1 x", "DEL a:1 b:1 c:1", "EXISTS c:1", "SET c:1 y", "KVD.GET c:1", "KVD.DEL c:1", "WATCH c:1", "TTL c:1"} {
		bob.Want(denied, strings.Fields(command)...)
	}
	bob.Want("*2\r\n$1\r\nx\r\n$1\r\nx\r\n", "MGET", "a:1", "b:1")
	bob.Want("*2\r\n$3\r\na:1\r\n$3\r\nb:1\r\n", "KEYS", "*")
	bob.Want("*0\r\n", "KEYS", "c*")
	bob.Want("*2\r\n$1\r\n0\r\n*1\r\n$3\r\nb:1\r\n", "SCAN", "0", "COUNT", "100", "MATCH", "[bc]:1")
	bob.Want("*2\r\n$1\r\n0\r\n*2\r\n$3\r\na:1\r\n$3\r\nb:1\r\n", "SCAN", "0", "COUNT", "100")
	for range 20 {
		if reply := bob.Do("RANDOMKEY"); reply != "$3\r\na:1\r\n" && reply != "$3\r\nb:1\r\n" {
			t.Errorf("RANDOMKEY answers %q", reply)
		}
	}
	bob.Want("-NOPERM User bob has no permissions to run the 'flushall' command: it concerns every key\r\n", "FLUSHALL")
	bob.Want(denied, "OBJECT", "ENCODING", "c:1")
	bob.Want(denied, "MEMORY", "USAGE", "c:1")
	bob.Want("$6\r\nembstr\r\n", "OBJECT", "ENCODING", "a:1")
	bob.Want("+OK\r\n", "MULTI")
	bob.Want(denied, "GET", "c:1")
	bob.Want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
	bob.Want("$3\r\nbob\r\n", "ACL", "WHOAMI")
}

// A cursor tells nothing of keys that its user does not reach: neither is one given that
// stands at such a key, nor is one taken.
func TestCursorsTellNothingOfOthersKeys(t *testing.T) {
	r := resptest.Guarded(t, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"m:"}}))
	defer r.Stop()
	ann, bob := r.As("ann"), r.As("bob")
	defer ann.Conn.Close()
	defer bob.Conn.Close()
	for _, key := range []string{"a", "b", "m:1", "m:2", "x", "y", "z"} {
		ann.Want("+OK\r\n", "SET", key, "v")
	}
	cursor := "0"
	for range 6 {
		cursor = strings.Split(ann.Do("SCAN", cursor, "COUNT", "1"), "\r\n")[2]
	}
	whole := "*2\r\n$1\r\n0\r\n*2\r\n$3\r\nm:1\r\n$3\r\nm:2\r\n"
	bob.Want(whole, "SCAN", cursor, "COUNT", "100")
	var found []string
	for cursor = "0"; len(found) < 9; {
		lines := strings.Split(bob.Do("SCAN", cursor, "COUNT", "1"), "\r\n")
		for i := 5; i < len(lines)-1; i += 2 {
			found = append(found, lines[i])
		}
		if cursor = lines[2]; cursor == "0" {
			break
		}
		if ann.Do("SCAN", cursor, "COUNT", "1") == ann.Do("SCAN", "0", "COUNT", "1") {
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
	r := resptest.Guarded(t, ann, bob)
	defer r.Stop()
	a, b := r.As("ann"), r.As("bob")
	defer a.Conn.Close()
	defer b.Conn.Close()
	a.Want("+OK\r\n", "MULTI")
	a.Want("+QUEUED\r\n", "SET", "k", "v")
	ann.Change(acl.Rights{Roles: acl.Read})
	if reply := a.Do("EXEC"); !strings.HasPrefix(reply, "-EXECABORT Transaction discarded: what ann may do was changed") {
		t.Errorf("EXEC after the rights changed: %q", reply)
	}
	a.Want("$-1\r\n", "GET", "k")
	a.Want("-NOPERM User ann has no permissions to run the 'set' command\r\n", "SET", "k", "v")
	bob.Revoke()
	b.Want("-NOAUTH Authentication required.\r\n", "GET", "k")
	if n := r.Server.Expel(); n != 1 {
		t.Errorf("%d connections were closed", n)
	}
	if _, err := b.Reader.ReadByte(); err == nil {
		t.Error("who was revoked stays connected")
	}
	a.Want("$-1\r\n", "GET", "k")
}

// Whoever watches what others send does so as long as they may.
func TestMonitorEndsWithTheRight(t *testing.T) {
	eve := acl.NewUser("eve", acl.Rights{Roles: acl.Read | acl.Admin})
	r := resptest.Guarded(t, eve, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"b:"}}))
	defer r.Stop()
	e, a, b := r.As("eve"), r.As("ann"), r.As("bob")
	defer e.Conn.Close()
	defer a.Conn.Close()
	defer b.Conn.Close()
	for _, command := range []string{"MONITOR", "SLOWLOG GET"} {
		if reply := b.Do(strings.Fields(command)...); !strings.HasSuffix(reply, "it concerns every key\r\n") {
			t.Errorf("%s by one who has some keys alone: %q", command, reply)
		}
	}
	e.Want("+OK\r\n", "MONITOR")
	a.Want("+OK\r\n", "SET", "k", "seen")
	if line := e.Reply(); !strings.Contains(line, "seen") {
		t.Errorf("the first line is %q", line)
	}
	eve.Change(acl.Rights{Roles: acl.Read})
	a.Want("+OK\r\n", "SET", "k", "unseen")
	if reply := e.Do("PING"); reply != "+PONG\r\n" {
		t.Errorf("after the right has gone: %q", reply)
	}
}

func TestACLCatNamesTheRoles(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Want("*3\r\n$4\r\nread\r\n$5\r\nwrite\r\n$5\r\nadmin\r\n", "ACL", "CAT")
	for role, some := range map[string][]string{"read": {"get", "incr", "scan"}, "WRITE": {"incr", "set"}, "admin": {"client|kill", "config"}} {
		reply := strings.Split(c.Do("ACL", "CAT", role), "\r\n")
		for _, name := range some {
			if !slices.Contains(reply, name) {
				t.Errorf("ACL CAT %s leaves %s out: %q", role, name, reply)
			}
		}
	}
	c.Want("-ERR Unknown category 'nope'\r\n", "ACL", "CAT", "nope")
}

// A script reaches the keys that it is given, and needs what it may do to them.
func TestUsersRunScriptsOnTheirKeysAlone(t *testing.T) {
	r := resptest.Guarded(t, acl.NewUser("ann", acl.Rights{Roles: acl.All}), acl.NewUser("bob", acl.Rights{Roles: acl.All, Prefixes: []string{"b:"}}),
		acl.NewUser("reader", acl.Rights{Roles: acl.Read, Prefixes: []string{"b:"}}), acl.NewUser("writer", acl.Rights{Roles: acl.Write}))
	defer r.Stop()
	ann, bob, reader, writer := r.As("ann"), r.As("bob"), r.As("reader"), r.As("writer")
	for _, c := range []*resptest.Client{ann, bob, reader, writer} {
		defer c.Conn.Close()
	}
	const get, del, denied = "return redis.call('get', KEYS[1])", "return redis.call('del', KEYS[1])", "-NOPERM No permissions to access a key\r\n"
	ann.Want("+OK\r\n", "MSET", "a:1", "x", "b:1", "y", "n", "z")
	ann.Want("$40\r\n4e6d8fc8bb01276962cce5371fa795a7763657ae\r\n", "SCRIPT", "LOAD", get)
	for _, command := range []string{"EVAL", "EVAL_RO"} {
		bob.Want(denied, command, get, "1", "a:1")
		bob.Want(denied, command, get, "2", "b:1", "a:1")
		bob.Want(denied, command, get, "9", "a:1", "b:1")
		bob.Want("$1\r\ny\r\n", command, get, "1", "b:1", "a:1")
		bob.Want("$3\r\na:1\r\n", command, "return ARGV[1]", "0", "a:1")
		bob.Want("-ERR value is not an integer or out of range\r\n", command, get, "x", "a:1")
		if reply := bob.Do(command, "return redis.call('get', ARGV[1])", "1", "b:1", "a:1"); !strings.HasPrefix(reply, "-ERR the script touches a key that is not KEYS[1]") {
			t.Errorf("%s of a key that is an argument: %q", command, reply)
		}
	}
	bob.Want(denied, "EVALSHA", "4e6d8fc8bb01276962cce5371fa795a7763657ae", "1", "a:1")
	bob.Want("$1\r\ny\r\n", "EVALSHA", "4e6d8fc8bb01276962cce5371fa795a7763657ae", "1", "b:1")
	reader.Want("-NOPERM User reader has no permissions to run the 'eval' command\r\n", "EVAL", get, "1", "b:1")
	reader.Want("$1\r\ny\r\n", "EVAL_RO", get, "1", "b:1")
	reader.Want("$1\r\ny\r\n", "EVALSHA_RO", "4e6d8fc8bb01276962cce5371fa795a7763657ae", "1", "b:1")
	reader.Want("-ERR Write commands are not allowed from read-only scripts.\r\n", "EVAL_RO", del, "1", "b:1")
	reader.Want(denied, "EVAL_RO", get, "1", "a:1")
	for _, command := range []string{"EVAL", "EVAL_RO"} {
		if reply := writer.Do(command, get, "1", "n"); !strings.HasPrefix(reply, "-NOPERM User writer has no permissions") {
			t.Errorf("%s by one who may not read: %q", command, reply)
		}
	}
	bob.Want("+OK\r\n", "MULTI")
	bob.Want(denied, "EVAL", del, "1", "a:1")
	bob.Want("-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
	bob.Want(":1\r\n", "EVAL", del, "1", "b:1")
}

// What a script makes has the bounds of any value, and beyond them nothing of it is done.
func TestScriptsMakeNoValueBeyondTheLimit(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), func(c *server.Config) { c.Limits.Bulk = 1000 })
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	half := strings.Repeat("v", 600)
	c.Want("+OK\r\n", "SET", "k", half)
	const tooLong = "-ERR string exceeds maximum allowed size (1000 bytes)\r\n"
	c.Want(tooLong, "APPEND", "k", half)
	c.Want(tooLong, "EVAL", "redis.call('pexpire', KEYS[1], 1) redis.call('append', KEYS[1], 'x') return redis.call('append', KEYS[1], ARGV[1])", "1", "k", half)
	c.Want(":-1\r\n", "TTL", "k")
	c.Want(":600\r\n", "STRLEN", "k")
	c.Want(":1000\r\n", "EVAL", "return redis.call('append', KEYS[1], ARGV[1])", "1", "k", half[:400])
}

// TestUsersCountTheirKeysAlone: DBSIZE and INFO tell nothing of keys that a user may not
// read.
func TestUsersCountTheirKeysAlone(t *testing.T) {
	r := resptest.Guarded(t, acl.NewUser("all", acl.Rights{Roles: acl.All}), acl.NewUser("team", acl.Rights{Roles: acl.All, Prefixes: []string{"team:"}}),
		acl.NewUser("writer", acl.Rights{Roles: acl.Write}))
	defer r.Stop()
	all, team, writer := r.As("all"), r.As("team"), r.As("writer")
	for _, c := range []*resptest.Client{all, team, writer} {
		defer c.Conn.Close()
	}
	for _, key := range []string{"a", "team:1", "team:2", "z"} {
		all.Want("+OK\r\n", "SET", key, "v")
	}
	all.Want(":4\r\n", "DBSIZE")
	team.Want(":2\r\n", "DBSIZE")
	if got := all.Do("INFO", "keyspace"); !strings.Contains(got, "db0:keys=4") {
		t.Errorf("who may read all is told %q", got)
	}
	for _, c := range []*resptest.Client{team, writer} {
		if got := c.Do("INFO", "keyspace"); strings.Contains(got, "db0") {
			t.Errorf("who may not read all is told %q", got)
		}
	}
}
