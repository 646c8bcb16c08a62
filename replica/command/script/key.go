package script

import (
	"math"
	"strconv"
	"time"

	"kvd/replica"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/wallclock"
)

// keyState is a key as a script sees it: what it shows, with what the script has made
// of it so far. All of that becomes one write.
type keyState struct {
	replica.Present
	pick    bool
	began   bool         // the key showed something before
	made    replica.Verb // what the script has done to the value; zero: nothing
	touched bool         // it has said when the value ends
	delta   int64        // that it has added, if made is Incr
}

// do decides by what the script sees, and lets it see what was decided.
func (s *keyState) do(d edit.Decider) (w replica.Write, err error) {
	if w, err = d(s.Present); err != nil {
		return w, err
	}
	switch w.Verb {
	case replica.Set:
		if w.Keep {
			w.Expires = s.Expires
		}
		s.Reading.Values, s.Expires, s.made = [][]byte{w.Value}, w.Expires, replica.Set
	case replica.Incr:
		return w, s.add(w.Delta)
	case replica.Touch:
		s.Expires, s.touched = w.Expires, true
	case replica.Remove:
		s.Reading.Values, s.Expires, s.made = nil, 0, replica.Remove
	}
	return w, nil
}

// add adds to the number that the script sees.
func (s *keyState) add(delta int64) error {
	n, ok := int64(0), true
	if len(s.Reading.Values) > 0 {
		n, ok = resp.ParseInt(s.Reading.Values[0])
	}
	switch {
	case !ok:
		return resolve.ErrNotInteger
	case delta > 0 && n > math.MaxInt64-delta, delta < 0 && n < math.MinInt64-delta:
		return resolve.ErrOverflow
	}
	s.Reading.Values = [][]byte{strconv.AppendInt(nil, n+delta, 10)}
	if s.made != 0 && s.made != replica.Incr {
		s.made = replica.Set
		return nil
	}
	s.made, s.delta = replica.Incr, s.delta+delta // both are within what was checked
	return nil
}

// write is what the script has come to. Additions stay an addition, so that a counter
// counts them beside those of other leaders.
func (s *keyState) write() (replica.Write, error) {
	switch {
	case s.made == replica.Remove && s.began:
		return replica.Write{Verb: replica.Remove}, nil
	case s.made == replica.Incr && (!s.touched || s.Expires != 0):
		w := replica.Write{Verb: replica.Incr, Delta: s.delta}
		if s.touched {
			w.Expires = s.Expires
		}
		return w, nil
	case s.made == replica.Incr, s.made == replica.Set:
		return replica.Write{Verb: replica.Set, Value: s.Reading.Values[0], Expires: s.Expires}, nil
	case s.made == 0 && s.touched:
		return replica.Write{Verb: replica.Touch, Expires: s.Expires}, nil
	}
	return edit.Nothing()
}

// first is the value that the script sees, as Lua is told: false if there is none.
func (s *keyState) first() luaValue {
	if len(s.Reading.Values) == 0 {
		return luaFlag(false)
	}
	return luaValue{kind: luaString, text: s.Reading.Values[0]}
}

// cost is how many bytes a command compares or copies. Others hand values on.
func (s *keyState) cost(args [][]byte) int {
	switch name := string(args[0]); {
	case name == "append":
		return len(s.first().text) + len(args[2])
	case name == "set" && len(args) > 4: // by a condition
		return len(s.first().text)
	}
	return 0
}

// redisCall is a command that a script calls.
type redisCall struct {
	edit.Words
	limit int // bytes of a value
}

// operation is a command that a script may call, and its arity.
type operation struct {
	arity int
	do    func(*redisCall, *keyState) (luaValue, error)
}

// operations is what a script can do to its key, by name.
var operations = map[string]operation{
	"get":       {2, func(_ *redisCall, s *keyState) (luaValue, error) { return s.first(), nil }},
	"strlen":    {2, func(_ *redisCall, s *keyState) (luaValue, error) { return luaInt(int64(len(s.first().text))), nil }},
	"exists":    {-2, func(_ *redisCall, s *keyState) (luaValue, error) { return luaInt(int64(len(s.Reading.Values))), nil }},
	"del":       {-2, scriptDel},
	"unlink":    {-2, scriptDel},
	"getdel":    {2, scriptGetDel},
	"set":       {-3, scriptSet},
	"setnx":     {3, scriptSetNX},
	"setex":     {4, scriptSetEX("EX")},
	"psetex":    {4, scriptSetEX("PX")},
	"getset":    {3, scriptGetSet},
	"append":    {3, scriptAppend},
	"incr":      {2, scriptAdd(1)},
	"decr":      {2, scriptAdd(-1)},
	"incrby":    {3, scriptAddBy(1)},
	"decrby":    {3, scriptAddBy(-1)},
	"expire":    {-3, scriptExpire("EX")},
	"pexpire":   {-3, scriptExpire("PX")},
	"expireat":  {-3, scriptExpire("EXAT")},
	"pexpireat": {-3, scriptExpire("PXAT")},
	"persist":   {2, scriptPersist},
	"ttl":       {2, scriptTTL(time.Second)},
	"pttl":      {2, scriptTTL(time.Millisecond)},
}

// count does what d decides, and answers whether that is a write.
func (s *keyState) count(d edit.Decider) (luaValue, error) {
	w, err := s.do(d)
	return luaInt(resp.Flag(w.Verb != replica.Get)), err
}

func scriptDel(_ *redisCall, s *keyState) (luaValue, error) { return s.count(edit.RemovePresent) }

func scriptGetDel(_ *redisCall, s *keyState) (luaValue, error) {
	was := s.first()
	_, err := s.do(edit.RemovePresent)
	return was, err
}

func scriptSet(k *redisCall, s *keyState) (luaValue, error) {
	o, err := k.ParseSet()
	if err != nil {
		return luaValue{}, err
	}
	was := s.first()
	w, err := s.do(o.Decide(k.Args[2], s.pick))
	switch {
	case o.Get:
		return was, err
	case w.Verb == replica.Get:
		return luaFlag(false), err
	}
	return luaValue{kind: luaStatus, text: []byte("OK")}, err
}

func scriptSetNX(k *redisCall, s *keyState) (luaValue, error) {
	return s.count(edit.Setting{Absent: true}.Decide(k.Args[2], s.pick))
}

func scriptSetEX(unit string) func(*redisCall, *keyState) (luaValue, error) {
	return func(k *redisCall, s *keyState) (luaValue, error) {
		ttl, err := k.ParseTTL(unit, 2)
		if err == nil {
			_, err = s.do(edit.Setting{TTL: ttl}.Decide(k.Args[3], s.pick))
		}
		return luaValue{kind: luaStatus, text: []byte("OK")}, err
	}
}

func scriptGetSet(k *redisCall, s *keyState) (luaValue, error) {
	was := s.first()
	_, err := s.do(edit.Setting{}.Decide(k.Args[2], s.pick))
	return was, err
}

func scriptAppend(k *redisCall, s *keyState) (luaValue, error) {
	w, err := s.do(edit.AppendTo(k.Args[2], k.limit, s.pick))
	return luaInt(int64(len(w.Value))), err
}

func scriptAdd(delta int64) func(*redisCall, *keyState) (luaValue, error) {
	return func(_ *redisCall, s *keyState) (luaValue, error) {
		_, err := s.do(edit.Add(delta))
		n, _ := resp.ParseInt(s.first().text)
		return luaInt(n), err
	}
}

func scriptAddBy(sign int64) func(*redisCall, *keyState) (luaValue, error) {
	return func(k *redisCall, s *keyState) (luaValue, error) {
		n, err := k.Int(2)
		switch {
		case err != nil:
			return luaValue{}, err
		case n == math.MinInt64:
			return luaValue{}, resp.Error("ERR decrement would overflow")
		}
		return scriptAdd(sign*n)(k, s)
	}
}

func scriptExpire(unit string) func(*redisCall, *keyState) (luaValue, error) {
	return func(k *redisCall, s *keyState) (luaValue, error) {
		n, err := k.Int(2)
		if err != nil {
			return luaValue{}, err
		}
		o, err := k.ParseExpire()
		if err != nil {
			return luaValue{}, err
		}
		ttl, ok := k.Scaled(n, unit)
		if !ok {
			return luaValue{}, k.BadTime()
		}
		return s.count(o.Decide(ttl, s.pick))
	}
}

func scriptPersist(_ *redisCall, s *keyState) (luaValue, error) { return s.count(edit.Persist(s.pick)) }

func scriptTTL(unit time.Duration) func(*redisCall, *keyState) (luaValue, error) {
	return func(_ *redisCall, s *keyState) (luaValue, error) {
		switch {
		case len(s.Reading.Values) == 0:
			return luaInt(-2), nil
		case s.Expires == 0:
			return luaInt(-1), nil
		}
		return luaInt(edit.Rounded(wallclock.Instant(edit.Left(s.Present)), unit)), nil
	}
}
