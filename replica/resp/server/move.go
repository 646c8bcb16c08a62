package server

import (
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/wallclock"
)

// moveCommands write several keys in one step at one leader.
func moveCommands() []command {
	const each = " Both keys change in one step at this leader; another may apply the two writes one after the other, and each key's resolver judges its own."
	two := keySpec{1, 2, 1}
	return []command{
		{name: "rename", arity: 3, flags: write, needs: acl.Read | acl.Write, keys: two, since: "1.0.0", plan: planRename, summary: "Moves a value, and when it ends, to another key." + each},
		{name: "renamenx", arity: 3, flags: write | fast, needs: acl.Read | acl.Write, keys: two, since: "1.0.0", plan: planRenameNX, summary: "Moves a value to a key of which this leader shows nothing." + each},
		{name: "copy", arity: -3, flags: write, needs: acl.Read | acl.Write, keys: two, since: "6.2.0", plan: planCopy, summary: "Copies a value, and when it ends, to another key."},
		{name: "msetnx", arity: -3, flags: write, needs: acl.Write, keys: keySpec{1, -1, 2}, since: "1.0.1", plan: planMSetNX, summary: "Sets several keys if this leader shows none of them. It is one step at this leader: another may have set one of them meanwhile, and then each key's resolver says what stands."},
	}
}

// moving is a value on its way to another key.
type moving struct {
	value   []byte
	there   bool
	expires wallclock.Instant
	blocked bool // the other key shows something that is to stay
}

const errNoKey = resp.Error("ERR no such key")

// pickUp adds an Update that reads the value of a key. If must, its absence is an
// error.
func (k *call) pickUp(key []byte, must bool) (*moving, error) {
	m, pick := new(moving), k.picks(key)
	err := k.decide(key, func(p replica.Present) (replica.Write, error) {
		var err error
		if m.value, m.there, err = one(p.Reading, pick); err != nil {
			return replica.Write{}, err
		}
		if m.expires, m.blocked = p.Expires, false; must && !m.there {
			return replica.Write{}, errNoKey
		}
		return nothing()
	})
	if err == nil {
		k.b.reqs[len(k.b.reqs)-1].Keeps = true
	}
	return m, err
}

// putDown adds an Update that writes the value to a key; absent: only if that shows
// nothing.
func (k *call) putDown(m *moving, key []byte, absent bool) error {
	return k.decide(key, func(p replica.Present) (replica.Write, error) {
		m.blocked = absent && len(p.Reading.Values) > 0
		if m.blocked || !m.there {
			return nothing()
		}
		return replica.Write{Verb: replica.Set, Value: m.value, Expires: m.expires}, nil
	})
}

// takeOff adds an Update that removes what was moved.
func (k *call) takeOff(m *moving, key []byte) error {
	return k.decide(key, func(p replica.Present) (replica.Write, error) {
		if m.blocked {
			return nothing()
		}
		return removePresent(p)
	})
}

// move adds what moves a value: three requests, or one that only looks, where
// both keys are the same.
func (k *call) move(absent bool) error {
	from := len(k.b.reqs)
	m, err := k.pickUp(k.args[1], true)
	if err != nil || string(k.args[1]) == string(k.args[2]) {
		return err
	}
	if err := k.putDown(m, k.args[2], absent); err != nil {
		return err
	}
	err = k.takeOff(m, k.args[1])
	k.together(from)
	return err
}

func planRename(k *call) (render, error) { return showOK, k.move(false) }

func planRenameNX(k *call) (render, error) { return showMoved, k.move(true) }

// showMoved renders whether the second request wrote.
func showMoved(w *resp.Writer, a *answer) {
	w.Int(flagOf(len(a.replies) > 1 && !a.replies[1].Dot.IsZero()))
}

// redisDatabases is how many databases there are in Redis unless somebody changes
// it: one beyond them is a mistake before all others, another one than ours is not.
const redisDatabases = 16

const errDatabase = resp.Error("ERR DB index is out of range")

func planCopy(k *call) (render, error) {
	replace, db := false, int64(0)
	for i := 3; i < len(k.args); i++ {
		switch {
		case k.is(i, "REPLACE"):
			replace = true
		case k.is(i, "DB") && i+1 < len(k.args):
			i++
			var err error
			if db, err = k.int(i); err != nil {
				return nil, err
			}
			if db < 0 || db >= redisDatabases {
				return nil, errDatabase
			}
		default:
			return nil, resp.ErrSyntax
		}
	}
	if db != 0 {
		return nil, errDatabase
	}
	if string(k.args[1]) == string(k.args[2]) {
		return nil, resp.Error("ERR source and destination objects are the same")
	}
	from := len(k.b.reqs)
	m, err := k.pickUp(k.args[1], false)
	if err == nil {
		err = k.putDown(m, k.args[2], !replace)
		k.together(from)
	}
	return showMoved, err
}

// planMSetNX looks at all keys, then sets them if none was there.
func planMSetNX(k *call) (render, error) {
	if len(k.args)%2 == 0 {
		return nil, resp.WrongArity("msetnx")
	}
	from, there := len(k.b.reqs), new(bool)
	for i := 1; i < len(k.args); i += 2 {
		first := i == 1
		if err := k.decide(k.args[i], func(p replica.Present) (replica.Write, error) {
			*there = !first && *there || len(p.Reading.Values) > 0
			return nothing()
		}); err != nil {
			return nil, err
		}
	}
	for i := 1; i < len(k.args); i += 2 {
		value := k.bytes(i + 1)
		if err := k.decide(k.args[i], func(replica.Present) (replica.Write, error) {
			if *there {
				return nothing()
			}
			return replica.Write{Verb: replica.Set, Value: value}, nil
		}); err != nil {
			return nil, err
		}
	}
	k.together(from)
	return func(w *resp.Writer, _ *answer) { w.Int(int64(1 - flagOf(*there))) }, nil
}
