package script

import (
	"math"
	"strconv"
	"time"

	"kvd/replica"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/resolve"
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

func (s *keyState) add(delta int64) error {
	n, ok := int64(0), true
	if len(s.Reading.Values) > 0 {
		n, ok = resp.ParseInt(s.Reading.Values[0])
	}
	switch {
	case delta == math.MinInt64:
		return edit.ErrDecrement
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

type operation struct {
	arity int
	do    func(edit.Words, *keyState) (luaValue, error)
}

// reads is what only looks at the key, and SET, whose reply depends on its options.
var reads = map[string]operation{
	"get":    {2, func(_ edit.Words, s *keyState) (luaValue, error) { return s.first(), nil }},
	"strlen": {2, func(_ edit.Words, s *keyState) (luaValue, error) { return luaInt(int64(len(s.first().text))), nil }},
	"exists": {-2, func(_ edit.Words, s *keyState) (luaValue, error) { return luaInt(int64(len(s.Reading.Values))), nil }},
	"ttl":    {2, lifetime(time.Second)},
	"pttl":   {2, lifetime(time.Millisecond)},
	"set": {-3, func(k edit.Words, s *keyState) (luaValue, error) {
		o, err := k.ParseSet()
		if err != nil {
			return luaValue{}, err
		}
		return s.answer(o.Reply(), o.Decide(k.Bytes(2), s.pick))
	}},
}

func lifetime(unit time.Duration) func(edit.Words, *keyState) (luaValue, error) {
	return func(_ edit.Words, s *keyState) (luaValue, error) {
		return luaInt(edit.Lifetime(s.Present, false, unit)), nil
	}
}

func operationOf(name string) (operation, bool) {
	if op, ok := reads[name]; ok {
		return op, true
	}
	e, ok := edit.Operations[name]
	return operation{e.Arity, func(k edit.Words, s *keyState) (luaValue, error) {
		d, err := e.Parse(k)
		if err != nil {
			return luaValue{}, err
		}
		return s.answer(e.Reply, d)
	}}, ok
}

// answer does what d decides, and gives what the script is told of it.
func (s *keyState) answer(reply edit.Reply, d edit.Decider) (luaValue, error) {
	was := s.first()
	w, err := s.do(d)
	switch {
	case err != nil:
		return luaValue{}, err
	case reply == edit.Count:
		return luaInt(resp.Flag(w.Verb != replica.Get)), nil
	case reply == edit.Was:
		return was, nil
	case reply == edit.Length:
		return luaInt(int64(len(w.Value))), nil
	case reply == edit.Number:
		n, _ := resp.ParseInt(s.first().text)
		return luaInt(n), nil
	case reply == edit.Wrote && w.Verb == replica.Get:
		return luaFlag(false), nil
	}
	return luaValue{kind: luaStatus, text: []byte("OK")}, nil
}
