package admin

import (
	"kvd/replica/acl"
	"kvd/replica/resp/server"
	"kvd/replica/resp/spec"
)

// Transactions is the rows of transactions.
func Transactions() []server.Command {
	return []server.Command{
		{Name: "multi", Arity: 1, Flags: spec.Fast | spec.Control, Needs: acl.Anyone, Since: "1.2.0", Run: server.Multi, Summary: "Begins a transaction of this leader."},
		{Name: "exec", Arity: 1, Flags: spec.Exclusive | spec.Control, Needs: acl.Anyone, Since: "1.2.0", Run: server.Exec, Summary: "Does what was queued, in one batch; in several where KEYS, SCAN, DBSIZE or RANDOMKEY stand between other commands."},
		{Name: "discard", Arity: 1, Flags: spec.Fast | spec.Control, Needs: acl.Anyone, Since: "2.0.0", Run: server.Discard, Summary: "Forgets what was queued."},
		{Name: "watch", Arity: -2, Flags: spec.Fast | spec.Exclusive | spec.Control, Needs: acl.Read, Keys: spec.KeySpec{First: 1, Last: -1, Step: 1}, Since: "2.2.0", Run: server.Watch, Summary: "Lets the next EXEC do nothing if one of the keys has changed at this leader by then. Of writes that other leaders accept meanwhile and that arrive later it knows nothing: what becomes of both is for the resolver. KVD.SET with a TOKEN says at every leader what a write had seen."},
		{Name: "unwatch", Arity: 1, Flags: spec.Fast | spec.Exclusive, Needs: acl.Anyone, Since: "2.2.0", Run: server.Unwatch, Summary: "Watches no keys any more."},
	}
}
