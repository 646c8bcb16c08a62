package compat

import (
	"slices"
	"strconv"
)

func w(words ...string) []string { return words }

// forms is how the commands are written. Their weights are how often.
func forms() []form {
	return slices.Concat(stringForms(), rangeForms(), keyForms(), connectionForms(), serverForms())
}

func key(g *gen) []string      { return w(g.key()) }
func keyValue(g *gen) []string { return w(g.key(), g.value()) }
func none(*gen) []string       { return nil }

func stringForms() []form {
	return []form{
		{"GET", 8, key},
		{"SET", 14, setForm},
		{"SETNX", 3, keyValue},
		{"SETEX", 3, func(g *gen) []string { return w(g.key(), g.seconds(), g.value()) }},
		{"PSETEX", 3, func(g *gen) []string { return w(g.key(), g.millis(), g.value()) }},
		{"GETSET", 3, keyValue},
		{"GETDEL", 2, key},
		{"GETEX", 6, getexForm},
		{"APPEND", 4, keyValue},
		{"STRLEN", 3, key},
		{"MGET", 3, (*gen).several},
		{"MSET", 4, pairsForm},
		{"MSETNX", 4, pairsForm},
		{"INCR", 4, key},
		{"DECR", 3, key},
		{"INCRBY", 4, func(g *gen) []string { return w(g.key(), g.number()) }},
		{"DECRBY", 3, func(g *gen) []string { return w(g.key(), g.number()) }},
		{"INCRBYFLOAT", 4, func(g *gen) []string { return w(g.key(), g.float()) }},
	}
}

func setForm(g *gen) []string {
	return append(keyValue(g), g.some(w("NX"), w("XX"), w("GET"), w("KEEPTTL"), w("EX", g.seconds()), w("PX", g.millis()), w("EXAT", g.at()), w("PXAT", g.atMillis()))...)
}

func getexForm(g *gen) []string {
	return append(key(g), g.some(w("PERSIST"), w("EX", g.seconds()), w("PX", g.millis()), w("EXAT", g.at()), w("PXAT", g.atMillis()))...)
}

func pairsForm(g *gen) []string {
	all := keyValue(g)
	for g.IntN(2) == 0 {
		all = append(all, keyValue(g)...)
	}
	return all
}

func rangeForms() []form {
	return []form{
		{"GETRANGE", 4, func(g *gen) []string { return w(g.key(), g.offset(), g.offset()) }},
		{"SUBSTR", 2, func(g *gen) []string { return w(g.key(), g.offset(), g.offset()) }},
		{"SETRANGE", 4, func(g *gen) []string { return w(g.key(), g.place(), g.value()) }},
		{"GETBIT", 3, func(g *gen) []string { return w(g.key(), g.bit()) }},
		{"SETBIT", 4, func(g *gen) []string {
			return w(g.key(), g.bit(), g.one("0", "1", "0", "1", "0", "1", "2", "-1", "x", ""))
		}},
		{"BITCOUNT", 4, func(g *gen) []string { return append(key(g), g.bitRange(2)...) }},
		{"BITPOS", 4, func(g *gen) []string { return append(w(g.key(), g.one("0", "1", "0", "1", "2")), g.bitRange(1)...) }},
		{"BITOP", 3, func(g *gen) []string {
			return append(w(g.one("AND", "OR", "XOR", "NOT", "NAND"), g.key()), g.several()...)
		}},
		{"LCS", 2, func(g *gen) []string {
			return append(w(g.key(), g.key()), g.some(w("LEN"), w("IDX"), w("MINMATCHLEN", g.number()), w("WITHMATCHLEN"))...)
		}},
	}
}

// bit is the offset of a bit.
func (g *gen) bit() string {
	if g.IntN(6) == 0 {
		return g.one("-1", "4294967296", "9223372036854775808", "abc", "", "+1", "1.5")
	}
	return strconv.Itoa(g.IntN(200))
}

// bitRange is a range of bytes or bits, most often whole.
func (g *gen) bitRange(least int) []string {
	all := w(g.offset(), g.offset())
	switch g.IntN(4) {
	case 0:
		return nil
	case 1:
		return append(all, g.one("BIT", "BYTE", "bit", "BITS"))
	case 2:
		return all[:least]
	}
	return all
}

func keyForms() []form {
	expire := func(n func(*gen) string) func(*gen) []string {
		return func(g *gen) []string {
			return append(w(g.key(), n(g)), g.some(w("NX"), w("XX"), w("GT"), w("LT"))...)
		}
	}
	return []form{
		{"DEL", 4, (*gen).several},
		{"UNLINK", 2, (*gen).several},
		{"EXISTS", 3, (*gen).several},
		{"TOUCH", 2, (*gen).several},
		{"TYPE", 2, key},
		{"RENAME", 4, func(g *gen) []string { return w(g.key(), g.key()) }},
		{"RENAMENX", 4, func(g *gen) []string { return w(g.key(), g.key()) }},
		{"COPY", 5, func(g *gen) []string {
			return append(w(g.key(), g.key()), g.some(w("REPLACE"), w("DB", g.one("0", "0", "1", "16", "x", "-1")))...)
		}},
		{"EXPIRE", 5, expire((*gen).seconds)},
		{"PEXPIRE", 5, expire((*gen).millis)},
		{"EXPIREAT", 5, expire((*gen).at)},
		{"PEXPIREAT", 5, expire((*gen).atMillis)},
		{"PERSIST", 3, key},
		{"TTL", 3, key},
		{"PTTL", 3, key},
		{"EXPIRETIME", 3, key},
		{"PEXPIRETIME", 3, key},
		{"SCAN", 4, scanForm},
		{"KEYS", 3, func(g *gen) []string { return w(g.pattern()) }},
		{"DBSIZE", 2, none},
		{"RANDOMKEY", 1, none},
		{"OBJECT", 3, func(g *gen) []string {
			return w(g.one("ENCODING", "REFCOUNT", "IDLETIME", "FREQ", "HELP", "NONE"), g.key())
		}},
		{"MEMORY", 1, func(g *gen) []string { return append(w("USAGE", g.key()), g.some(w("SAMPLES", g.number()))...) }},
		{"FLUSHDB", 1, func(g *gen) []string { return g.some(w("SYNC"), w("ASYNC"), w("NOW")) }},
		{"FLUSHALL", 1, func(g *gen) []string { return g.some(w("SYNC"), w("ASYNC"), w("NOW")) }},
		{"WATCH", 1, (*gen).several},
		{"UNWATCH", 1, none},
	}
}

func scanForm(g *gen) []string {
	return append(w(g.one("0", "0", "0", "0", "0", "-1", "abc", "")), g.some(w("COUNT", g.one("1", "2", "10", "1000", "0", "-1", "x")), w("MATCH", g.pattern()), w("TYPE", g.one("string", "STRING", "list", "none")))...)
}

func connectionForms() []form {
	return []form{
		{"PING", 2, func(g *gen) []string { return g.some(w("hello"), w("")) }},
		{"ECHO", 2, func(g *gen) []string { return w(g.value()) }},
		{"SELECT", 2, func(g *gen) []string {
			return w(g.one("0", "0", "0", "-1", "16", "x", "", "1.5", "9223372036854775808"))
		}},
		{"HELLO", 2, helloForm},
		{"AUTH", 1, func(g *gen) []string { return g.some(w("x"), w("default"), w("default", "x"), w("ann", "x")) }},
		{"RESET", 1, none},
		{"QUIT", 1, none},
		{"MULTI", 1, none},
		{"EXEC", 1, none},
		{"DISCARD", 1, none},
		{"SUBSCRIBE", 1, channelsForm},
		{"UNSUBSCRIBE", 1, func(g *gen) []string { return g.some(w("ch1"), w("ch2"), w("ch3")) }},
		{"PSUBSCRIBE", 1, channelsForm},
		{"PUNSUBSCRIBE", 1, func(g *gen) []string { return g.some(w("ch1"), w("ch2"), w("ch3")) }},
		{"PUBLISH", 1, func(g *gen) []string { return w("nobody", g.value()) }},
		{"PUBSUB", 2, func(g *gen) []string {
			return g.one2(w("CHANNELS"), w("CHANNELS", "ch*"), w("CHANNELS", "none", "more"), w("NUMSUB"), w("NUMSUB", "ch1", "ch2"), w("NUMPAT"), w("NUMPAT", "x"), w("NONE"))
		}},
		{"READONLY", 1, none},
		{"CLUSTER", 1, func(g *gen) []string { return g.one2(w("INFO"), w("SLOTS"), w("NODES"), w("KEYSLOT", "a"), w("NONE")) }},
		{"ACL", 1, func(g *gen) []string { return g.one2(w("WHOAMI"), w("WHOAMI", "x"), w("NONE")) }},
		{"CLIENT", 4, clientForm},
	}
}

// one2 is one of the lists of words.
func (g *gen) one2(lists ...[]string) []string { return lists[g.IntN(len(lists))] }

func channelsForm(g *gen) []string { return append(w("ch1"), g.some(w("ch2"), w("ch3"), w("ch1"))...) }

func helloForm(g *gen) []string {
	if g.IntN(3) == 0 {
		return nil
	}
	return append(w(g.one("2", "3", "2", "3", "1", "4", "x", "")), g.some(w("SETNAME", g.one("me", "a b", "")), w("AUTH", "default", "x"), w("AUTH"), w("NONE"))...)
}

func clientForm(g *gen) []string {
	return g.one2(w("ID"), w("GETNAME"), w("SETNAME", g.one("me", "", "a b", "a\nb")), w("INFO"), w("LIST"), w("LIST", "TYPE", g.one("normal", "pubsub", "none", "master")),
		w("LIST", "ID", g.one("0", "x", "-1")), w("KILL", "127.0.0.1:1"), w("KILL", "ID", g.one("0", "x", "99999999")), w("KILL", "ADDR"), w("NO-EVICT", g.one("ON", "OFF", "x")),
		w("NONE"), w("GETNAME", "x"), w("ID", "x"), w("SETNAME"), w("KILL", "TYPE", g.one("none", "pubsub")))
}

// scripts is what clients release and extend locks by.
var scripts = []string{
	`if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`,
	`if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("pexpire",KEYS[1],ARGV[2]) else return 0 end`,
	"local token = redis.call('get', KEYS[1])\nif not token or token ~= ARGV[1] then\n    return 0\nend\nredis.call('del', KEYS[1])\nreturn 1",
	"return redis.call('get', KEYS[1])",
	"return redis.call('incrby', KEYS[1], ARGV[1])",
}

// keysAndArgs is one key and two arguments of a script, mostly.
func (g *gen) keysAndArgs() []string {
	return w(g.one("1", "1", "1", "1", "0", "-1", "x", "9"), g.key(), g.one("hello", "10", "world", "a"), g.millis())
}

func serverForms() []form {
	return []form{
		{"TIME", 1, none},
		{"LASTSAVE", 1, none},
		{"INFO", 1, func(g *gen) []string { return g.some(w("server"), w("none"), w("all")) }},
		{"CONFIG", 2, func(g *gen) []string {
			return g.one2(w("GET"), w("GET", "maxclients"), w("GET", "none"), w("SET"), w("NONE"), w("SET", "none", "1"))
		}},
		{"COMMAND", 1, func(g *gen) []string {
			return g.one2(w("COUNT"), w("GETKEYS", "MSET", "a", "b", "c", "d"), w("GETKEYS", "GET"), w("GETKEYS", "PING"), w("GETKEYS", "NONE", "a"), w("COUNT", "x"), w("NONE"), w("GETKEYS"), w("INFO", "get"), w("GETKEYS", g.one("GET", "DEL", "EXISTS"), "a", "b"))
		}},
		{"WAIT", 1, func(g *gen) []string { return w(g.one("0", "0", "-1", "x"), g.one("0", "1", "-1", "x")) }},
		{"ROLE", 1, none},
		{"SLOWLOG", 1, func(g *gen) []string { return g.one2(w("LEN", "x"), w("NONE"), w("GET", "x"), w("RESET", "x")) }},
		{"LATENCY", 1, func(g *gen) []string {
			return g.one2(w("LATEST", "x"), w("HISTORY", "none"), w("HISTORY"), w("NONE"), w("GRAPH"))
		}},
		{"EVAL", 4, func(g *gen) []string { return append(w(scripts[g.IntN(len(scripts))]), g.keysAndArgs()...) }},
		{"EVAL_RO", 1, func(g *gen) []string { return append(w(scripts[g.IntN(len(scripts))]), g.keysAndArgs()...) }},
		{"EVALSHA", 1, func(g *gen) []string {
			return append(w(g.one("0123456789012345678901234567890123456789", "x")), g.keysAndArgs()...)
		}},
		{"EVALSHA_RO", 1, func(g *gen) []string {
			return append(w(g.one("0123456789012345678901234567890123456789", "x")), g.keysAndArgs()...)
		}},
		{"SCRIPT", 2, func(g *gen) []string {
			return g.one2(w("LOAD", scripts[g.IntN(len(scripts))]), w("EXISTS", "x", "0123456789012345678901234567890123456789"), w("FLUSH"), w("FLUSH", g.one("SYNC", "ASYNC", "x")), w("NONE"), w("EXISTS"))
		}},
	}
}
