package script

import (
	"crypto/sha1"
	"encoding/hex"
	"sync"
	"time"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
)

// Commands is the rows of scripts. They remember the scripts of one server.
func Commands() []server.Command {
	s := new(Cache)
	key := server.KeySpec{First: 3, Step: 1}
	const what = "Runs a script that compares and changes one string key, without loops: what clients release and extend locks by. Other scripts are refused." + edit.BetweenLeaders
	return []server.Command{
		{Name: "eval", Arity: -3, Flags: server.Write, Needs: acl.Read | acl.Write, Keys: key, Since: "2.6.0", Plan: s.planEval(false), Summary: what},
		{Name: "evalsha", Arity: -3, Flags: server.Write, Needs: acl.Read | acl.Write, Keys: key, Since: "2.6.0", Plan: s.planEvalSHA(false), Summary: "Runs a script that was run or loaded before, as EVAL does."},
		{Name: "eval_ro", Arity: -3, Flags: server.Read, Needs: acl.Read, Keys: key, Since: "7.0.0", Plan: s.planEval(true), Summary: "Runs a script that changes nothing, as EVAL does."},
		{Name: "evalsha_ro", Arity: -3, Flags: server.Read, Needs: acl.Read, Keys: key, Since: "7.0.0", Plan: s.planEvalSHA(true), Summary: "Runs a script that changes nothing and was run or loaded before, as EVAL does."},
		{Name: "script", Arity: -2, Needs: acl.Write, Since: "2.6.0", Runs: server.Runs{"load": s.runLoad, "exists": s.runExists, "flush": s.runFlush, "kill": runKill}, Summary: "Loads, finds and forgets scripts that EVALSHA runs.",
			Subs: map[string]int{
				"debug": 3, "exists": -3, "flush": -2, "help": 2, "kill": 2, "load": 3,
			}, Help: []string{
				"EXISTS <sha1> ...", "    Answers which scripts are known.", "FLUSH [ASYNC|SYNC]", "    Forgets all scripts.", "LOAD <script>",
				"    Makes a script known to EVALSHA.",
			}},
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

type hash [sha1.Size]byte

// Cache is those that EVALSHA can name.
type Cache struct {
	parsing sync.Mutex // held while a source is read: one that nests deeply takes some megabytes

	mu    sync.Mutex
	known map[hash]*script
	order []hash
	bytes int // of the sources
}

func (s *Cache) find(h hash) *script {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[h]
}

// load reads a source, if it is new, and remembers it.
func (s *Cache) load(source []byte) (*script, hash, error) {
	h := hash(sha1.Sum(source))
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
		s.known = map[hash]*script{}
	}
	if s.known[h] != nil {
		return parsed, h, nil
	}
	for len(s.order) == maxScripts || s.bytes+parsed.size > maxScriptBytes {
		s.bytes -= s.known[s.order[0]].size
		delete(s.known, s.order[0])
		s.order = s.order[1:]
	}
	s.known[h], s.order, s.bytes = parsed, append(s.order, h), s.bytes+parsed.size
	return parsed, h, nil
}

func (s *Cache) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.order, s.bytes = nil, nil, 0
}

func parseHash(b []byte) (h hash, ok bool) {
	if len(b) != hex.EncodedLen(len(h)) {
		return h, false
	}
	_, err := hex.Decode(h[:], b)
	return h, err == nil
}

// Limits bound what a script makes of its key.
type Limits struct {
	Bulk  int              // bytes of a value
	Clock func() time.Time // that deadlines are reckoned from
}

type invocation struct {
	limits     Limits
	script     *script
	keys, argv [][]byte
}

func splitArgs(k *server.Call) (keys, argv [][]byte, err error) {
	n, err := k.Int(2)
	switch {
	case err != nil:
		return nil, nil, err
	case n > int64(len(k.Args)-3):
		return nil, nil, resp.Error("ERR Number of keys can't be greater than number of args")
	case n < 0:
		return nil, nil, resp.Error("ERR Number of keys can't be negative")
	}
	var all [][]byte
	for i := 3; i < len(k.Args); i++ {
		all = append(all, k.Bytes(i))
	}
	return all[:n], all[n:], nil
}

func (c *Cache) planEval(readOnly bool) func(*server.Call) (batch.Render, error) {
	return func(k *server.Call) (batch.Render, error) {
		keys, argv, err := splitArgs(k)
		if err != nil {
			return nil, err
		}
		s, _, err := c.load(k.Args[1])
		if err != nil {
			return nil, err
		}
		return eval(k, &invocation{limitsOf(k), s, keys, argv}, readOnly)
	}
}

func (c *Cache) planEvalSHA(readOnly bool) func(*server.Call) (batch.Render, error) {
	const unknown = resp.Error("NOSCRIPT No matching script. Please use EVAL.")
	return func(k *server.Call) (batch.Render, error) {
		if len(k.Args[1]) != hex.EncodedLen(sha1.Size) {
			return nil, unknown
		}
		keys, argv, err := splitArgs(k)
		if err != nil {
			return nil, err
		}
		var s *script
		if h, ok := parseHash(k.Args[1]); ok {
			s = c.find(h)
		}
		if s == nil {
			return nil, unknown
		}
		return eval(k, &invocation{limitsOf(k), s, keys, argv}, readOnly)
	}
}

// eval runs a script where its key is decided on; one that was given no key at once.
func eval(k *server.Call, c *invocation, readOnly bool) (batch.Render, error) {
	var reply luaValue
	show := func(w *resp.Writer, _ *batch.Answer) { reply.write(w) }
	switch len(c.keys) {
	case 0:
		var err error
		reply, err = (&frame{invocation: c}).run()
		return show, err
	case 1:
	default:
		return nil, resp.Error("ERR this script is given several keys; " + scriptWay)
	}
	pick := k.Picks(c.keys[0])
	err := k.Decide(c.keys[0], edit.WithOne(pick, func(p replica.Present, _ []byte, there bool) (w replica.Write, err error) {
		p.Reading.Values = p.Reading.Values[:resp.Flag(there)]
		f := &frame{invocation: c, key: keyState{Present: p, pick: pick, began: there}}
		if reply, err = f.run(); err != nil {
			return replica.Write{}, err
		}
		if w, err = f.key.write(); readOnly && w.Verb != replica.Get {
			return replica.Write{}, resp.Error("ERR Write commands are not allowed from read-only scripts.")
		}
		return w, err
	}))
	if err == nil {
		k.Last().Keeps = true
	}
	return show, err
}

func limitsOf(k *server.Call) Limits { return Limits{k.Config().Limits.Bulk, k.Config().Clock} }

func (s *Cache) runLoad(k *server.Call) error {
	_, h, err := s.load(k.Args[2])
	if err == nil {
		k.Out.Text(hex.EncodeToString(h[:]))
	}
	return err
}

func (s *Cache) runExists(k *server.Call) error {
	k.Out.Array(len(k.Args) - 2)
	for _, a := range k.Args[2:] {
		h, ok := parseHash(a)
		k.Out.Int(resp.Flag(ok && s.find(h) != nil))
	}
	return nil
}

func (s *Cache) runFlush(k *server.Call) error {
	if len(k.Args) > 3 || len(k.Args) == 3 && !k.Is(2, "SYNC") && !k.Is(2, "ASYNC") {
		return resp.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
	}
	s.forget()
	return k.OK()
}

func runKill(*server.Call) error {
	return resp.Error("NOTBUSY No scripts in execution right now.")
}
