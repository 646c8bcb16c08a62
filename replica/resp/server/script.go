package server

import (
	"crypto/sha1"
	"encoding/hex"
	"sync"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
)

// Scripts are a way of clients to compare and change a key in one step: how locks are
// released, extended and counted. A script here may do that to one key, without loops,
// so that what it costs is bounded by its length, and by maxWork where values are large; all it does to the key becomes one
// write. Whatever else a script says is refused before any of it is done.

func scriptCommandRows() []command {
	key := keySpec{3, 0, 1}
	const what = "Runs a script that compares and changes one string key, without loops: what clients release and extend locks by. Other scripts are refused." + betweenLeaders
	return []command{
		{name: "eval", arity: -3, flags: write, needs: acl.Read | acl.Write, keys: key, since: "2.6.0", plan: planEval(false), summary: what},
		{name: "evalsha", arity: -3, flags: write, needs: acl.Read | acl.Write, keys: key, since: "2.6.0", plan: planEvalSHA(false), summary: "Runs a script that was run or loaded before, as EVAL does."},
		{name: "eval_ro", arity: -3, flags: read, needs: acl.Read, keys: key, since: "7.0.0", plan: planEval(true), summary: "Runs a script that changes nothing, as EVAL does."},
		{name: "evalsha_ro", arity: -3, flags: read, needs: acl.Read, keys: key, since: "7.0.0", plan: planEvalSHA(true), summary: "Runs a script that changes nothing and was run or loaded before, as EVAL does."},
		{name: "script", arity: -2, flags: family, needs: acl.Write, since: "2.6.0", run: runScript, summary: "Loads, finds and forgets scripts that EVALSHA runs."},
	}
}

// scriptWay is what to do instead of a script that cannot be run.
const scriptWay = "here a script compares and changes one string key, without loops; a lock is taken by SET key token NX PX ms, released by DELIFEQ key token and extended by SET key token IFEQ token PX ms (a lock kept in a hash, as Redisson's RLock, is not possible: use a bucket's setIfAbsent and these)"

// maxScripts is how many scripts a server remembers, the newest ones. A client whose
// script was forgotten is answered NOSCRIPT and sends it again.
const maxScripts = 256

// maxScriptBytes is how long their sources are together. What is made of a source takes
// a hundred times as much, and more.
const maxScriptBytes = 256 << 10

type scriptHash [sha1.Size]byte

// scripts is those that EVALSHA can name.
type scripts struct {
	parsing sync.Mutex // held while a source is read: one that nests deeply takes some megabytes

	mu    sync.Mutex
	known map[scriptHash]*script
	ring  []scriptHash
	bytes int // of the sources
}

// find is the script of a hash, nil if it is not known.
func (s *scripts) find(h scriptHash) *script {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[h]
}

// load reads a source, if it is new, and remembers it.
func (s *scripts) load(source []byte) (*script, scriptHash, error) {
	h := scriptHash(sha1.Sum(source))
	if known := s.find(h); known != nil {
		return known, h, nil
	}
	s.parsing.Lock()
	parsed, err := parseScript(string(source))
	s.parsing.Unlock()
	if err != nil {
		return nil, h, resp.Error("ERR this script cannot be run: " + err.Error() + "; " + scriptWay)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[scriptHash]*script{}
	}
	if s.known[h] != nil {
		return parsed, h, nil
	}
	for len(s.ring) == maxScripts || s.bytes+parsed.size > maxScriptBytes {
		s.bytes -= s.known[s.ring[0]].size
		delete(s.known, s.ring[0])
		s.ring = s.ring[1:]
	}
	s.known[h], s.ring, s.bytes = parsed, append(s.ring, h), s.bytes+parsed.size
	return parsed, h, nil
}

func (s *scripts) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.ring, s.bytes = nil, nil, 0
}

// parseHash reads a hash in hexadecimal.
func parseHash(b []byte) (h scriptHash, ok bool) {
	if len(b) != hex.EncodedLen(len(h)) {
		return h, false
	}
	_, err := hex.Decode(h[:], b)
	return h, err == nil
}

// scriptCall is a script with what it was given.
type scriptCall struct {
	*conn
	script     *script
	keys, argv [][]byte
}

// scriptArgs splits what follows a script into keys and arguments.
func (k *call) scriptArgs() (keys, argv [][]byte, err error) {
	n, err := k.int(2)
	switch {
	case err != nil:
		return nil, nil, err
	case n > int64(len(k.args)-3):
		return nil, nil, resp.Error("ERR Number of keys can't be greater than number of args")
	case n < 0:
		return nil, nil, resp.Error("ERR Number of keys can't be negative")
	}
	var all [][]byte
	for i := 3; i < len(k.args); i++ {
		all = append(all, k.bytes(i))
	}
	return all[:n], all[n:], nil
}

func planEval(readOnly bool) func(*call) (render, error) {
	return func(k *call) (render, error) {
		keys, argv, err := k.scriptArgs()
		if err != nil {
			return nil, err
		}
		s, _, err := k.srv.scripts.load(k.args[1])
		if err != nil {
			return nil, err
		}
		return k.eval(&scriptCall{k.conn, s, keys, argv}, readOnly)
	}
}

func planEvalSHA(readOnly bool) func(*call) (render, error) {
	const unknown = resp.Error("NOSCRIPT No matching script. Please use EVAL.")
	return func(k *call) (render, error) {
		if len(k.args[1]) != hex.EncodedLen(sha1.Size) {
			return nil, unknown
		}
		keys, argv, err := k.scriptArgs()
		if err != nil {
			return nil, err
		}
		var s *script
		if h, ok := parseHash(k.args[1]); ok {
			s = k.srv.scripts.find(h)
		}
		if s == nil {
			return nil, unknown
		}
		return k.eval(&scriptCall{k.conn, s, keys, argv}, readOnly)
	}
}

// eval runs a script where its key is decided on; one that was given no key at once.
func (k *call) eval(c *scriptCall, readOnly bool) (render, error) {
	var reply luaValue
	show := func(w *resp.Writer, _ *answer) { reply.write(w) }
	switch len(c.keys) {
	case 0:
		var err error
		reply, err = (&frame{scriptCall: c}).run()
		return show, err
	case 1:
	default:
		return nil, resp.Error("ERR this script is given several keys; " + scriptWay)
	}
	pick := k.picks(c.keys[0])
	err := k.decide(c.keys[0], func(p replica.Present) (replica.Write, error) {
		_, there, err := one(p.Reading, pick)
		if err != nil {
			return replica.Write{}, err
		}
		p.Reading.Values = p.Reading.Values[:flagOf(there)]
		f := &frame{scriptCall: c, key: keyState{Present: p, pick: pick, began: there}}
		if reply, err = f.run(); err != nil {
			return replica.Write{}, err
		}
		w, err := f.key.write()
		if readOnly && w.Verb != replica.Get {
			return replica.Write{}, resp.Error("ERR Write commands are not allowed from read-only scripts.")
		}
		return w, err
	})
	if err == nil {
		k.b.reqs[len(k.b.reqs)-1].Keeps = true
	}
	return show, err
}

func runScript(k *call) error {
	switch {
	case k.is(1, "LOAD"):
		if err := k.subArity(3, 3); err != nil {
			return err
		}
		_, h, err := k.srv.scripts.load(k.args[2])
		if err == nil {
			k.w.Text(hex.EncodeToString(h[:]))
		}
		return err
	case k.is(1, "EXISTS"):
		if err := k.subArity(3, len(k.args)); err != nil {
			return err
		}
		k.w.Array(len(k.args) - 2)
		for _, a := range k.args[2:] {
			h, ok := parseHash(a)
			k.w.Int(flagOf(ok && k.srv.scripts.find(h) != nil))
		}
	case k.is(1, "FLUSH"):
		if len(k.args) > 3 || len(k.args) == 3 && !k.is(2, "SYNC") && !k.is(2, "ASYNC") {
			return resp.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		}
		k.srv.scripts.forget()
		k.w.Simple("OK")
	case k.is(1, "KILL") && len(k.args) == 2:
		return resp.Error("NOTBUSY No scripts in execution right now.")
	default:
		return k.unknownSub()
	}
	return nil
}
