package command

import (
	"kvd/replica"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/wallclock"
)

type moving struct {
	value   []byte
	there   bool
	expires wallclock.Instant
	blocked bool // the other key shows something that is to stay
}

const errNoKey = resp.Error("ERR no such key")

// moveFrom adds an Update that reads the value of a key. If must, its absence is an
// error.
func moveFrom(k *server.Call, key []byte, must bool) (*moving, error) {
	m := new(moving)
	err := k.Decide(key, edit.WithOne(k.Picks(key), func(p replica.Present, value []byte, there bool) (replica.Write, error) {
		if *m = (moving{value: value, there: there, expires: p.Expires}); must && !there {
			return replica.Write{}, errNoKey
		}
		return edit.Nothing()
	}))
	if err == nil {
		k.Last().Keeps = true
	}
	return m, err
}

// moveTo adds an Update that writes the value to a key; absent: only if that shows
// nothing.
func moveTo(k *server.Call, m *moving, key []byte, absent bool) error {
	return k.Decide(key, func(p replica.Present) (replica.Write, error) {
		m.blocked = absent && len(p.Reading.Values) > 0
		if m.blocked || !m.there {
			return edit.Nothing()
		}
		return replica.Write{Verb: replica.Set, Value: m.value, Expires: m.expires}, nil
	})
}

// moveOff adds an Update that removes what was moved.
func moveOff(k *server.Call, m *moving, key []byte) error {
	return k.Decide(key, func(p replica.Present) (replica.Write, error) {
		if m.blocked {
			return edit.Nothing()
		}
		return edit.RemovePresent(p)
	})
}

// move adds what moves a value: three requests, or one that only looks, where
// both keys are the same.
func move(k *server.Call, absent bool) error {
	from := k.Mark()
	m, err := moveFrom(k, k.Args[1], true)
	if err != nil || string(k.Args[1]) == string(k.Args[2]) {
		return err
	}
	if err := moveTo(k, m, k.Args[2], absent); err != nil {
		return err
	}
	err = moveOff(k, m, k.Args[1])
	k.Together(from)
	return err
}

func planRename(k *server.Call) (batch.Render, error) { return showOK, move(k, false) }

func planRenameNX(k *server.Call) (batch.Render, error) { return showMoved, move(k, true) }

func showMoved(w *resp.Writer, a *batch.Answer) {
	w.Int(resp.Flag(len(a.Replies) > 1 && !a.Replies[1].Dot.IsZero()))
}

// redisDatabases is how many databases there are in Redis unless somebody changes
// it: one beyond them is a mistake before all others, another one than ours is not.
const redisDatabases = 16

const errDatabase = resp.Error("ERR DB index is out of range")

func planCopy(k *server.Call) (batch.Render, error) {
	replace, db := false, int64(0)
	for i := 3; i < len(k.Args); i++ {
		switch {
		case k.Is(i, "REPLACE"):
			replace = true
		case k.Is(i, "DB") && i+1 < len(k.Args):
			i++
			var err error
			if db, err = k.Int(i); err != nil {
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
	if string(k.Args[1]) == string(k.Args[2]) {
		return nil, resp.Error("ERR source and destination objects are the same")
	}
	from := k.Mark()
	m, err := moveFrom(k, k.Args[1], false)
	if err == nil {
		err = moveTo(k, m, k.Args[2], !replace)
		k.Together(from)
	}
	return showMoved, err
}

// planMSetNX looks at all keys, then sets them if none was there.
func planMSetNX(k *server.Call) (batch.Render, error) {
	if len(k.Args)%2 == 0 {
		return nil, resp.WrongArity("msetnx")
	}
	from, there := k.Mark(), new(bool)
	for i := 1; i < len(k.Args); i += 2 {
		first := i == 1
		if err := k.Decide(k.Args[i], func(p replica.Present) (replica.Write, error) {
			*there = !first && *there || len(p.Reading.Values) > 0
			return edit.Nothing()
		}); err != nil {
			return nil, err
		}
	}
	for i := 1; i < len(k.Args); i += 2 {
		value := k.Bytes(i + 1)
		if err := k.Decide(k.Args[i], func(replica.Present) (replica.Write, error) {
			if *there {
				return edit.Nothing()
			}
			return replica.Write{Verb: replica.Set, Value: value}, nil
		}); err != nil {
			return nil, err
		}
	}
	k.Together(from)
	return func(w *resp.Writer, _ *batch.Answer) { w.Int(int64(1 - resp.Flag(*there))) }, nil
}
