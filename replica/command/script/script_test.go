package script

import (
	"strings"
	"testing"
	"time"

	"kvd/replica"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/wallclock"
)

// FuzzScript: whatever a script says, it is refused or it ends, and what it comes to
// is a write that the core takes.
func FuzzScript(f *testing.F) {
	for _, seed := range []string{
		"if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end",
		"local t = redis.call('pttl', KEYS[1]) if t < 0 then return nil end redis.call('pexpire', KEYS[1], t + ARGV[2]) return 1",
		"for i, key in ipairs(KEYS) do redis.call('incrby', key, 3) end return #KEYS, 1",
		"return -(1+2)*3/0 == nil and not 'x' or tostring(tonumber('1'))", "--[[ a", "if", "return 'a\\", "local a, b = 1 a = b;",
		strings.Repeat("(", 100), "return " + strings.Repeat("not ", 100) + "1",
	} {
		f.Add(seed)
	}
	limits := Limits{1 << 20, time.Now}
	f.Fuzz(func(t *testing.T, source string) {
		s, err := parseScript(source)
		if err != nil {
			return
		}
		p := replica.Present{Reading: resolve.Reading{Values: [][]byte{[]byte("7")}}, Now: wallclock.Around(1e18, 0)}
		call := &invocation{limits, s, [][]byte{[]byte("k")}, [][]byte{[]byte("7"), []byte("8")}}
		run := &frame{invocation: call, key: keyState{Present: p, began: true}}
		v, err := run.run()
		if err != nil {
			return
		}
		w, err := run.key.write()
		if err == nil && (w.Verb < replica.Get || w.Verb > replica.Incr && w.Verb != replica.Touch) {
			t.Errorf("it comes to %+v", w)
		}
		out := resp.Buffer()
		v.write(&out)
		if text := string(out.Bytes()); v.kind != luaString && strings.Count(text, "\r\n") != 1 {
			t.Errorf("the reply is %q", text)
		}
	})
}

// TestScriptsThatCannotBeRun: each is refused before anything of it is done, with the
// line, and what it is there.
func TestScriptsThatCannotBeRun(t *testing.T) {
	for source, want := range map[string]string{
		"local a = 1\n\nwhile a do end":                  "line 3: 'while' is not supported",
		"repeat until true":                              "line 1: 'repeat' is not supported",
		"for i = 1, 2 do end":                            "line 1: 'for i =' is not supported",
		"for k, v in pairs(KEYS) do end":                 "line 1: a loop is not supported, but for index, key in ipairs(KEYS)",
		"for i, k in ipairs(ARGV) do end":                "line 1: a loop is not supported, but for index, key in ipairs(KEYS)",
		"local KEYS = 1 for i, k in ipairs(KEYS) do end": "line 1: a loop is not supported, but for index, key in ipairs(KEYS)",
		"for i, k in ipairs(KEYS) do break end":          "line 1: 'break' is not supported",
		"function f() end":                               "line 1: 'function' is not supported",
		"local function f() return f() end":              "line 1: 'function' is not supported",
		"goto a":                                         "line 1: 'goto' is not supported",
		"::a::":                                          "line 1: '::a::' is not supported",
		"local a = {}":                                   "line 1: '{' is not supported",
		"return ...":                                     "line 1: '...' is not supported",
		"return 5 % 3":                                   "line 1: '%' is not supported",
		"return 5 ^ 3":                                   "line 1: '^' is not supported",
		"return 'a'\n..'b'":                              "line 1: '..' is not supported",
		"return #'a'":                                    "line 1: '#' is not supported",
		"return 0x10":                                    "line 1: '0x10' is not supported",
		"return 1e999":                                   "line 1: '1e999' is not supported",
		"return 1, 2":                                    "line 1: a return of several values is not supported",
		"local a, b = 1 a, b = b, a":                     "line 1: an assignment of several values is not supported",
		"local a = 1, 2":                                 "line 1: there are more values than names",
		"a = 1":                                          "line 1: 'a' is not supported",
		"KEYS[1] = 'a'":                                  "line 1: 'KEYS' is not supported",
		"do local a = 1 end return a":                    "line 1: 'a' is not supported",
		"local a = a":                                    "line 1: 'a' is not supported",
		"return KEYS":                                    "line 1: 'KEYS' is not supported",
		"local i = 1 return ARGV[i]":                     "line 1: what stands in ARGV[...] is no whole number above 0",
		"return KEYS[0]":                                 "line 1: what stands in KEYS[...] is no whole number above 0",
		"return KEYS[99999999999]":                       "line 1: what stands in KEYS[...] is no whole number above 0",
		"return KEYS.n":                                  "line 1: what stands in KEYS[...] is no whole number above 0",
		"return redis.sha1hex('a')":                      "line 1: 'redis.sha1hex' is not supported",
		"return cjson.encode(1)":                         "line 1: 'cjson' is not supported",
		"return KEYS[1]:len()":                           "line 1: ':len' is not supported",
		"local f = redis.call":                           "line 1: 'redis.call' is not supported",
		"local redis = 1 redis.call('get', KEYS[1])":     "line 1: 'redis.call' is not supported",
		"local tonumber = 1 return tonumber('1')":        "line 1: 'tonumber' is not supported",
		"return tonumber('a', 10)":                       "line 1: 'tonumber' is given 2 arguments, and takes 1",
		"return redis.call('get')":                       "line 1: a call needs the name of a command and a key",
		"return redis.call(ARGV[1], KEYS[1])":            "line 1: a call needs the name of a command and a key",
		"return redis.call('hset', KEYS[1])":             "line 1: the command 'hset' is not supported",
		"return redis.call('get', KEYS[1]).ok":           "line 1: 'redis.call' is not supported",
		"return (1)(2)":                                  "line 1: '1' is not supported",
		"return\n(":                                      "line 2: it ends too early",
		"if 1 then\n":                                    "line 2: it ends too early",
		"return 'a\n'":                                   "line 1: a string does not end",
		"--[[ a":                                         "line 1: it ends too early",
		"return 1 2":                                     "line 1: '2' is not expected here",
		"return !1":                                      "line 1: '!': Invalid token",
		"1 + 1":                                          "line 1: '1' is not expected here",
		"return " + strings.Repeat("not ", maxDepth) + "1": "line 1: it nests too deeply",
	} {
		_, err := parseScript(source)
		if err == nil || err.Error() != want {
			t.Errorf("%s\n\tis refused: %v\n\twant:       %s", source, err, want)
		}
	}
}

// TestScriptsMayNestAsTheyLike: no source that is taken makes the stack overflow.
func TestScriptsMayNestAsTheyLike(t *testing.T) {
	for _, part := range []string{"(", "not ", "- ", "#", "{", "{{},", "a.", "a[", "f(", "f'", "do ", "if 1 then ", "if 1 then else", "elseif 1 then ", "while 1 do ", "repeat ", "for i,k in ipairs(KEYS) do ", "f=function() ", "1+", "1^", "1..", "a,", "[", "[=", "::a", "\\"} {
		all := strings.Repeat(part, maxScript/len(part))
		for _, head := range []string{"", "return "} {
			if s, err := parseScript((head + all)[:min(maxScript, len(head+all))]); err == nil {
				t.Errorf("%q in itself is taken, as %d statements", head+part, len(s.body))
			}
		}
	}
	n := maxScript/2 - len("return 1")
	for _, source := range []string{
		"return " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"return " + strings.Repeat("1 and ", maxDepth-2) + "1",
		strings.Repeat("do ", maxDepth-2) + "return 1 " + strings.Repeat("end ", maxDepth-2),
		"if nil then " + strings.Repeat("elseif nil then ", maxDepth-3) + "else return 1 end",
	} {
		s, err := parseScript(source)
		if err != nil {
			t.Errorf("%.40s...: %v", source, err)
			continue
		}
		if v, err := (&frame{invocation: &invocation{script: s}}).run(); err != nil || v.n != 1 {
			t.Errorf("%.40s... gives %v, %v", source, v.n, err)
		}
	}
}

// TestScriptsWorkWithinBounds: however large values are, what a run compares and copies
// of them is bounded.
func TestScriptsWorkWithinBounds(t *testing.T) {
	limits := Limits{1000, time.Now}
	large := []byte(strings.Repeat("v", 600))
	for source, want := range map[string]string{
		"redis.call('append', KEYS[1], ARGV[1])":                                                "ERR string exceeds maximum allowed size (1000 bytes)",
		"redis.call('append', KEYS[1], 'x') redis.call('append', KEYS[1], 'x')":                 "",
		strings.Repeat("redis.call('append', KEYS[1], 'x') ", 7):                                "ERR the script compares or copies more than 4000 bytes of values; do that in several commands",
		"local v = redis.call('get', KEYS[1])" + strings.Repeat(" v = v == ARGV[1]", 9):         "",
		"local v = redis.call('get', KEYS[1]) local b" + strings.Repeat(" b = v <= ARGV[1]", 7): "ERR the script compares or copies more than 4000 bytes of values; do that in several commands",
		strings.Repeat("redis.call('set', KEYS[1], ARGV[1], 'IFEQ', ARGV[1]) ", 7):              "ERR the script compares or copies more than 4000 bytes of values; do that in several commands",
		strings.Repeat("redis.call('set', KEYS[1], ARGV[1]) ", 9):                               "",
		"return tonumber(ARGV[1])":                                                              "",
	} {
		s, err := parseScript(source)
		if err != nil {
			t.Fatal(err)
		}
		p := replica.Present{Reading: resolve.Reading{Values: [][]byte{large}}, Now: wallclock.Around(1e18, 0)}
		run := &frame{invocation: &invocation{limits, s, [][]byte{[]byte("k")}, [][]byte{append([]byte{}, large...)}}, key: keyState{Present: p, began: true}}
		if _, err := run.run(); err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%.80s: %v, want %q", source, err, want)
		}
	}
}

// TestScriptsAreForgottenOldestFirst: what a server remembers is bounded.
func TestScriptsAreForgottenOldestFirst(t *testing.T) {
	var s Cache
	_, first, err := s.load([]byte("return 0"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxScripts {
		if _, _, err := s.load([]byte("return 1" + strings.Repeat(" ", i))); err != nil {
			t.Fatal(err)
		}
	}
	if s.find(first) != nil || len(s.known) != maxScripts || len(s.order) != maxScripts {
		t.Errorf("%d scripts are known, the first among them: %t", len(s.known), s.find(first) != nil)
	}
	for i := range 2 * maxScriptBytes / maxScript {
		source := []byte("return " + strings.Repeat(" ", maxScript-20-i) + "2")
		if _, h, err := s.load(source); err != nil || s.find(h) == nil {
			t.Fatal(err)
		}
		if s.bytes > maxScriptBytes || len(s.known) != len(s.order) {
			t.Fatalf("%d scripts of %d bytes are known", len(s.known), s.bytes)
		}
	}
	if _, _, err := s.load([]byte("return " + strings.Repeat(" ", maxScript))); err == nil {
		t.Error("a source beyond the limit was taken")
	}
}

// TestScriptsAddAsCounters: what a script adds stays an addition, with the end that it
// gave the key.
func TestScriptsAddAsCounters(t *testing.T) {
	limits := Limits{1 << 20, func() time.Time { return time.Unix(1e9, 0) }}
	for source, want := range map[string]replica.Write{
		"redis.call('incr', KEYS[1]) redis.call('incrby', KEYS[1], 4)":                                   {Verb: replica.Incr, Delta: 5},
		"redis.call('incr', KEYS[1]) redis.call('pexpire', KEYS[1], 1000)":                               {Verb: replica.Incr, Delta: 1, Expires: 1e18 + 1e9},
		"redis.call('set', KEYS[1], 3) redis.call('decr', KEYS[1])":                                      {Verb: replica.Set, Value: []byte("2")},
		"redis.call('incr', KEYS[1]) redis.call('del', KEYS[1])":                                         {Verb: replica.Remove},
		"redis.call('pexpire', KEYS[1], 1000)":                                                           {Verb: replica.Touch, Expires: 1e18 + 1e9},
		"redis.call('get', KEYS[1])":                                                                     {Verb: replica.Get},
		"redis.call('pexpire', KEYS[1], -5)":                                                             {Verb: replica.Remove},
		"redis.call('del', KEYS[1]) redis.call('incr', KEYS[1])":                                         {Verb: replica.Set, Value: []byte("1")},
		"redis.call('pexpire', KEYS[1], 1000) redis.call('persist', KEYS[1]) redis.call('get', KEYS[1])": {Verb: replica.Touch},
		"redis.call('set', KEYS[1], 'w', 'IFEQ', '7')":                                                   {Verb: replica.Set, Value: []byte("w")},
		"redis.call('set', KEYS[1], 'w', 'IFEQ', '8')":                                                   {Verb: replica.Get},
	} {
		s, err := parseScript(source)
		if err != nil {
			t.Fatal(err)
		}
		p := replica.Present{Reading: resolve.Reading{Values: [][]byte{[]byte("7")}}, Now: wallclock.Around(1e18, 0)}
		run := &frame{invocation: &invocation{limits, s, [][]byte{[]byte("k")}, nil}, key: keyState{Present: p, began: true}}
		if v, err := run.run(); err != nil || v.kind != luaNil {
			t.Fatalf("%s returns %+v, %v", source, v, err)
		}
		w, err := run.key.write()
		if err != nil || w.Verb != want.Verb || w.Delta != want.Delta || w.Expires != want.Expires || string(w.Value) != string(want.Value) {
			t.Errorf("%s comes to %+v, want %+v", source, w, want)
		}
	}
}
