package command

import (
	"cmp"
	"time"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command/admin"
	"kvd/replica/command/edit"
	"kvd/replica/command/script"
	"kvd/replica/resp/server"
)

// Options is what the table is told.
type Options struct {
	// Cursors is how many unfinished SCANs are remembered, the newest ones; others are
	// looked for. Zero: enough for most.
	Cursors int
	// Extra is commands that whoever assembles the leader answers, by name. None may have
	// the name of another command.
	Extra map[string]Extra
}

// Table is every command that a leader knows. It is one server's: rows remember cursors and scripts.
func Table(o Options) []server.Command {
	var table []server.Command
	for _, g := range []struct {
		group string
		rows  []server.Command
	}{
		{"string", stringCommands()},
		{"bitmap", bitCommands()},
		{"generic", keyCommands(newCursors(cmp.Or(o.Cursors, maxCursors)))},
		{"scripting", script.Commands()},
		{"connection", admin.Session()},
		{"transactions", admin.Transactions()},
		{"pubsub", admin.Pubsub()},
		{"server", admin.Server()},
		{"server", admin.Slow()},
		{"server", memoryCommands()},
		{"kvd", kvdCommands()},
		{"kvd", extraCommands(o.Extra)},
	} {
		for i := range g.rows {
			g.rows[i].Group = cmp.Or(g.rows[i].Group, g.group)
		}
		table = append(table, g.rows...)
	}
	return table
}

// Which arguments are keys.
var (
	one    = server.KeySpec{First: 1, Last: 1, Step: 1}
	two    = server.KeySpec{First: 1, Last: 2, Step: 1}
	all    = server.KeySpec{First: 1, Last: -1, Step: 1}
	pairs  = server.KeySpec{First: 1, Last: -1, Step: 2}
	second = server.KeySpec{First: 2, Last: 2, Step: 1}
)

func stringCommands() []server.Command {
	return []server.Command{
		{Name: "get", Arity: 2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "1.0.0", Plan: planGet, Summary: "Answers the value of a key."},
		{Name: "set", Arity: -3, Flags: server.Write, Needs: acl.Write, Keys: one, Since: "1.0.0", Plan: planSet, Summary: "Sets a key over whatever this leader shows of it; with NX, XX, IFEQ or IFNE only if that fits." + edit.BetweenLeaders},
		{Name: "setnx", Arity: 3, Flags: server.Write | server.Fast, Needs: acl.Write, Keys: one, Since: "1.0.0", Plan: planEdit("setnx"), Summary: "Sets a key if this leader shows none."},
		{Name: "setex", Arity: 4, Flags: server.Write, Needs: acl.Write, Keys: one, Since: "2.0.0", Plan: planEdit("setex"), Summary: "Sets a key that ends after seconds."},
		{Name: "psetex", Arity: 4, Flags: server.Write, Needs: acl.Write, Keys: one, Since: "2.6.0", Plan: planEdit("psetex"), Summary: "Sets a key that ends after milliseconds."},
		{Name: "getset", Arity: 3, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "1.0.0", Plan: planEdit("getset"), Summary: "Sets a key and answers what it showed."},
		{Name: "getdel", Arity: 2, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "6.2.0", Plan: planEdit("getdel"), Summary: "Removes a key and answers what it showed."},
		{Name: "getex", Arity: -2, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "6.2.0", Plan: planGetEx, Summary: "Answers a value and changes when it ends."},
		{Name: "append", Arity: 3, Flags: server.Write | server.Fast, Needs: acl.Write, Keys: one, Since: "2.0.0", Plan: planEdit("append"), Summary: "Puts text behind the value of a key."},
		{Name: "strlen", Arity: 2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "2.2.0", Plan: planStrlen, Summary: "Answers how long a value is."},
		{Name: "mget", Arity: -2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: all, Since: "1.0.0", Plan: planMGet, Summary: "Answers the values of several keys."},
		{Name: "mset", Arity: -3, Flags: server.Write, Needs: acl.Write, Keys: pairs, Since: "1.0.1", Plan: planMSet, Summary: "Sets several keys in one batch."},
		{Name: "incr", Arity: 2, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "1.0.0", Plan: planEdit("incr"), Summary: "Adds one to the number of a key."},
		{Name: "decr", Arity: 2, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "1.0.0", Plan: planEdit("decr"), Summary: "Takes one from the number of a key."},
		{Name: "incrby", Arity: 3, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "1.0.0", Plan: planEdit("incrby"), Summary: "Adds to the number of a key."},
		{Name: "decrby", Arity: 3, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "1.0.0", Plan: planEdit("decrby"), Summary: "Takes from the number of a key."},
		{Name: "getrange", Arity: 4, Flags: server.Read, Needs: acl.Read, Keys: one, Since: "2.4.0", Plan: planGetRange, Summary: "Answers a part of a value."},
		{Name: "substr", Arity: 4, Flags: server.Read, Needs: acl.Read, Keys: one, Since: "1.0.0", Plan: planGetRange, Summary: "Answers a part of a value, as GETRANGE does."},
		{Name: "setrange", Arity: 4, Flags: server.Write, Needs: acl.Write, Keys: one, Since: "2.2.0", Plan: planSetRange, Summary: "Writes over a part of a value. The whole value is what is replicated: of two leaders that write different parts at once, one may lose, as the key's resolver says."},
		{Name: "incrbyfloat", Arity: 3, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "2.6.0", Plan: planIncrByFloat, Summary: "Adds to the decimal number of a key. The sum is what is replicated: of two leaders that add at once, one may lose, as the key's resolver says; sums that must not lose are whole numbers under the counter resolver, and INCRBY."},
		{Name: "delex", Arity: -2, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "8.4.0", Plan: planDelEx, Summary: "Removes a key if it shows (IFEQ), or does not show (IFNE), a value." + edit.BetweenLeaders},
		{Name: "delifeq", Arity: 3, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: one, Since: "9.0.0", Plan: planDelIfEq, Summary: "Removes a key if it shows a value: how a lock is released." + edit.BetweenLeaders},
	}
}

func bitCommands() []server.Command {
	return []server.Command{
		{Name: "getbit", Arity: 3, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "2.2.0", Plan: planGetBit, Summary: "Answers one bit of a value."},
		{Name: "setbit", Arity: 4, Flags: server.Write, Needs: acl.Read | acl.Write, Keys: one, Since: "2.2.0", Plan: planSetBit, Summary: "Sets one bit of a value. The whole value is what is replicated: of two leaders that set different bits at once, one may lose, as the key's resolver says."},
		{Name: "bitcount", Arity: -2, Flags: server.Read, Needs: acl.Read, Keys: one, Since: "2.6.0", Plan: planBitCount, Summary: "Counts the bits that are set in a value, or in a part of it."},
		{Name: "bitpos", Arity: -3, Flags: server.Read, Needs: acl.Read, Keys: one, Since: "2.8.7", Plan: planBitPos, Summary: "Answers where the first bit that is set, or not set, stands in a value."},
	}
}

// together is what a command on two keys promises.
const together = " Both keys change in one step at this leader; another may apply the two writes one after the other, and each key's resolver judges its own."

func keyCommands(c *cursors) []server.Command {
	return []server.Command{
		{Name: "del", Arity: -2, Flags: server.Write, Needs: acl.Write, Keys: all, Since: "1.0.0", Plan: planDel, Summary: "Removes keys."},
		{Name: "unlink", Arity: -2, Flags: server.Write | server.Fast, Needs: acl.Write, Keys: all, Since: "4.0.0", Plan: planDel, Summary: "Removes keys, as DEL does."},
		{Name: "exists", Arity: -2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: all, Since: "1.0.0", Plan: planExists, Summary: "Counts which of the keys show a value."},
		{Name: "touch", Arity: -2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: all, Since: "3.2.1", Plan: planExists, Summary: "Counts which of the keys show a value; when a key was last read is not kept."},
		{Name: "type", Arity: 2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "1.0.0", Plan: planType, Summary: "Answers string or none."},
		{Name: "expire", Arity: -3, Flags: server.Write | server.Fast, Needs: acl.Write, Keys: one, Since: "1.0.0", Plan: planEdit("expire"), Summary: "Lets a value end after seconds."},
		{Name: "pexpire", Arity: -3, Flags: server.Write | server.Fast, Needs: acl.Write, Keys: one, Since: "2.6.0", Plan: planEdit("pexpire"), Summary: "Lets a value end after milliseconds."},
		{Name: "expireat", Arity: -3, Flags: server.Write | server.Fast, Needs: acl.Write, Keys: one, Since: "1.2.0", Plan: planEdit("expireat"), Summary: "Lets a value end at a Unix time in seconds."},
		{Name: "pexpireat", Arity: -3, Flags: server.Write | server.Fast, Needs: acl.Write, Keys: one, Since: "2.6.0", Plan: planEdit("pexpireat"), Summary: "Lets a value end at a Unix time in milliseconds."},
		{Name: "persist", Arity: 2, Flags: server.Write | server.Fast, Needs: acl.Write, Keys: one, Since: "2.2.0", Plan: planEdit("persist"), Summary: "Takes away when a value ends."},
		{Name: "ttl", Arity: 2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "1.0.0", Plan: planTTL(false, time.Second), Summary: "Answers how long a value lasts, in seconds."},
		{Name: "pttl", Arity: 2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "2.6.0", Plan: planTTL(false, time.Millisecond), Summary: "Answers how long a value lasts, in milliseconds."},
		{Name: "expiretime", Arity: 2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "7.0.0", Plan: planTTL(true, time.Second), Summary: "Answers when a value ends, in seconds of Unix time."},
		{Name: "pexpiretime", Arity: 2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "7.0.0", Plan: planTTL(true, time.Millisecond), Summary: "Answers when a value ends, in milliseconds of Unix time."},
		{Name: "scan", Arity: -2, Flags: server.Read | server.Exclusive, Needs: acl.Read, Since: "2.8.0", Run: c.runScan, Summary: "Walks over the keys in steps, in order."},
		{Name: "keys", Arity: 2, Flags: server.Read | server.Exclusive, Needs: acl.Read, Since: "1.0.0", Run: runKeys, Summary: "Answers the keys that match a pattern, up to a limit."},
		{Name: "dbsize", Arity: 1, Flags: server.Read | server.Exclusive, Needs: acl.Read, Since: "1.0.0", Run: runDBSize, Summary: "Answers how many keys there are that the client may read."},
		{Name: "rename", Arity: 3, Flags: server.Write, Needs: acl.Read | acl.Write, Keys: two, Since: "1.0.0", Plan: planRename, Summary: "Moves a value, and when it ends, to another key." + together},
		{Name: "renamenx", Arity: 3, Flags: server.Write | server.Fast, Needs: acl.Read | acl.Write, Keys: two, Since: "1.0.0", Plan: planRenameNX, Summary: "Moves a value to a key of which this leader shows nothing." + together},
		{Name: "copy", Arity: -3, Flags: server.Write, Needs: acl.Read | acl.Write, Keys: two, Since: "6.2.0", Plan: planCopy, Summary: "Copies a value, and when it ends, to another key."},
		{Name: "msetnx", Arity: -3, Flags: server.Write, Needs: acl.Write, Keys: pairs, Since: "1.0.1", Plan: planMSetNX, Summary: "Sets several keys if this leader shows none of them. It is one step at this leader: another may have set one of them meanwhile, and then each key's resolver says what stands."},
		{Name: "object", Arity: -2, Flags: server.Read, Needs: acl.Read, Keys: second, Since: "2.2.3", Plan: planObject, Summary: "Answers how a value would be kept (ENCODING), how many seconds ago it was written (IDLETIME: reads are not counted), and 1 (REFCOUNT).",
			Subs: map[string]int{
				"encoding": 3, "freq": 3, "help": 2, "idletime": 3, "refcount": 3,
			}, Help: []string{
				"ENCODING <key>", "    Answers int, embstr or raw, by the value's look and length.", "IDLETIME <key>",
				"    Answers how many seconds ago the value was written.", "REFCOUNT <key>", "    Answers 1.",
			}},
		{Name: "randomkey", Arity: 1, Flags: server.Read | server.Exclusive, Needs: acl.Read, Since: "1.0.0", Run: runRandomKey, Summary: "Answers some key. Every key can come up; those among many whose names begin alike come up less often."},
	}
}

func memoryCommands() []server.Command {
	return []server.Command{
		{Name: "memory", Arity: -2, Flags: server.Read, Needs: acl.Read, Keys: second, Since: "4.0.0", Plan: planMemory, Summary: "Answers about how many bytes a key takes in memory, values that are kept and not shown included (USAGE).",
			Subs: map[string]int{
				"doctor": 2, "help": 2, "malloc-stats": 2, "purge": 2, "stats": 2, "usage": -3,
			}, Help: []string{
				"USAGE <key> [SAMPLES <count>]", "    Answers about how many bytes the key takes in memory.",
			}},
		{Name: "flushall", Arity: -1, Flags: server.Write | server.Admin | server.Exclusive | server.AllKeys, Needs: acl.Write | acl.Admin, Since: "1.0.0", Run: runFlush, Summary: "Deletes every key that this leader shows, one after the other, as DEL does; all leaders, SUBSCRIBE and the ledger learn of each. A key that is written meanwhile, here or elsewhere, may stay."},
		{Name: "flushdb", Arity: -1, Flags: server.Write | server.Admin | server.Exclusive | server.AllKeys, Needs: acl.Write | acl.Admin, Since: "1.0.0", Run: runFlush, Summary: "Deletes every key, as FLUSHALL does: there is one database."},
	}
}

func kvdCommands() []server.Command {
	return []server.Command{
		{Name: "wait", Group: "server", Arity: 3, Flags: server.Blocking | server.Exclusive, Needs: acl.Anyone, Since: "3.0.0", Run: runWait, Summary: "Waits until other leaders durably hold this connection's last write, as the --sync of each promises it: synced under always and interval, handed to the operating system under never."},
		{Name: "kvd.get", Arity: -2, Flags: server.Read | server.Fast, Needs: acl.Read, Keys: one, Since: "1.0.0", Plan: planKvdGet, Summary: "Answers all values of a key, a token for writing over exactly those, and the resolver."},
		{Name: "kvd.set", Arity: -3, Flags: server.Write | server.Fast | server.NoMulti, Needs: acl.Write, Keys: one, Since: "1.0.0", Plan: planWrite(replica.Set, 3), Summary: "Sets a key over what the token was shown; without one, over what this leader shows."},
		{Name: "kvd.del", Arity: -2, Flags: server.Write | server.Fast | server.NoMulti, Needs: acl.Write, Keys: one, Since: "1.0.0", Plan: planWrite(replica.Remove, 2), Summary: "Removes what the token was shown of a key; without one, what this leader shows."},
		{Name: "kvd.incr", Arity: -3, Flags: server.Write | server.Fast | server.NoMulti, Needs: acl.Read | acl.Write, Keys: one, Since: "1.0.0", Plan: planKvdIncr, Summary: "Adds to the number of a key."},
		{Name: "kvd.resolve", Arity: 5, Flags: server.Write | server.Fast | server.NoMulti, Needs: acl.Write, Keys: one, Since: "1.0.0", Plan: planKvdResolve, Summary: "Puts one value in the place of exactly the siblings the token was shown."},
		{Name: "kvd.token", Arity: 1, Flags: server.Read | server.WhileLoading | server.Fast | server.Exclusive | server.NoMulti, Needs: acl.Anyone, Since: "1.0.0", Run: runToken, Summary: "Answers a token of everything this leader has applied."},
		{Name: "kvd.acks", Arity: -1, Flags: server.WhileLoading | server.Fast | server.Exclusive | server.NoMulti, Needs: acl.Anyone, Since: "1.0.0", Run: runAcks, Summary: "Lets every write of this connection be answered once so many leaders, this one included, durably hold it, or INDOUBT after so many milliseconds; without arguments, answers what is asked for."},
		{Name: "kvd.waitfor", Arity: 3, Flags: server.Blocking | server.Read | server.WhileLoading | server.Exclusive | server.NoMulti, Needs: acl.Anyone, Since: "1.0.0", Run: runWaitFor, Summary: "Waits until this leader has applied what the token has seen, at most so many milliseconds."},
		{Name: "kvd.policy", Arity: -1, Flags: server.Read | server.WhileLoading | server.Fast, Needs: acl.Anyone, Since: "1.0.0", Run: runPolicy, Summary: "Answers which resolver serves a key, or the whole policy."},
		{Name: "kvd.frontier", Arity: 1, Flags: server.Read | server.WhileLoading | server.Fast | server.Exclusive | server.NoMulti, Needs: acl.Anyone, Since: "1.0.0", Run: runFrontier, Summary: "Answers what this leader has applied, by origin."},
	}
}
