package server

import (
	"math"
	"strconv"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/resolve"
)

// rangeCommands look at, or write over, a part of a value.
func rangeCommands() []command {
	only := keySpec{1, 1, 1}
	return []command{
		{name: "getrange", arity: 4, flags: read, needs: acl.Read, keys: only, since: "2.4.0", plan: planGetRange, summary: "Answers a part of a value."},
		{name: "substr", arity: 4, flags: read, needs: acl.Read, keys: only, since: "1.0.0", plan: planGetRange, summary: "Answers a part of a value, as GETRANGE does."},
		{name: "setrange", arity: 4, flags: write, needs: acl.Write, keys: only, since: "2.2.0", plan: planSetRange, summary: "Writes over a part of a value. The whole value is what is replicated: of two leaders that write different parts at once, one may lose, as the key's resolver says."},
	}
}

// stretch is a part of a value as clients name it: first and last, below zero
// counted from the end.
type stretch struct{ first, last int64 }

// within is the part of n units that the stretch covers, from and to (exclusive);
// false: none.
func (s stretch) within(n int64) (from, to int64, ok bool) {
	if s.first < 0 && s.last < 0 && s.first > s.last {
		return 0, 0, false
	}
	return s.clamped(n)
}

// clamped is within, but that an end before the first unit means that unit even
// where the begin lies behind it.
func (s stretch) clamped(n int64) (from, to int64, ok bool) {
	if s.first < 0 {
		s.first = max(0, s.first+n)
	}
	if s.last < 0 {
		s.last = max(0, s.last+n)
	}
	s.last = min(s.last, n-1)
	return s.first, s.last + 1, s.first <= s.last
}

// stretch reads arguments i and i+1.
func (k *call) stretch(i int) (stretch, error) {
	first, err := k.int(i)
	if err != nil {
		return stretch{}, err
	}
	last, err := k.int(i + 1)
	return stretch{first, last}, err
}

func planGetRange(k *call) (render, error) {
	s, err := k.stretch(2)
	if err != nil {
		return nil, err
	}
	return k.read(func(w *resp.Writer, value []byte, _ bool) error {
		from, to, ok := s.within(int64(len(value)))
		if !ok {
			from, to = 0, 0
		}
		w.Bulk(value[from:to])
		return nil
	})
}

// read adds a Get of argument 1, of whose one value show makes the reply. On an
// error it has written nothing.
func (k *call) read(show func(w *resp.Writer, value []byte, there bool) error) (render, error) {
	_, err := k.ask(replica.Get, k.args[1])
	return func(w *resp.Writer, a *answer) {
		r := a.replies[0].Shown
		value, there, err := one(r, len(r.Values) > 1 && a.pick(a.reqs[0].Key))
		if err == nil {
			err = show(w, value, there)
		}
		if err != nil {
			w.Error(errorText(err))
		}
	}, err
}

// compute adds an Update whose render writes a number that Decide came to.
func (k *call) compute(key []byte, d func(p replica.Present, n *int64) (replica.Write, error)) (render, error) {
	s := new(seen)
	k.seen = s
	return showComputed, k.decide(key, func(p replica.Present) (replica.Write, error) { return d(p, &s.number) })
}

func showComputed(w *resp.Writer, a *answer) { w.Int(a.seen.number) }

func planSetRange(k *call) (render, error) {
	at, err := k.int(2)
	switch {
	case err != nil:
		return nil, err
	case at < 0:
		return nil, resp.Error("ERR offset is out of range")
	}
	part, limit, pick := k.bytes(3), k.srv.cfg.Limits.Bulk, k.picks(k.args[1])
	return k.compute(k.args[1], func(p replica.Present, n *int64) (replica.Write, error) {
		old, _, err := one(p.Reading, pick)
		*n = int64(len(old))
		if err != nil || len(part) == 0 {
			return replica.Write{Verb: replica.Get}, err
		}
		value, err := overlay(old, at, part, limit)
		*n = int64(len(value))
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, err
	})
}

// overlay is a copy of old with part from at on; zero bytes fill what lies between.
func overlay(old []byte, at int64, part []byte, limit int) ([]byte, error) {
	if at > math.MaxInt64-int64(len(part)) || at+int64(len(part)) > int64(limit) {
		return nil, tooLong(limit)
	}
	value := make([]byte, max(len(old), int(at)+len(part)))
	copy(value, old)
	copy(value[at:], part)
	return value, nil
}

// tooLong is the answer to a command that would make a value beyond the limit.
func tooLong(limit int) error {
	return resp.Error("ERR string exceeds maximum allowed size (" + strconv.Itoa(limit) + " bytes)")
}

// theOne is the value of a key that shows one, empty if it shows none.
func theOne(r resolve.Reading, pick bool) ([]byte, error) {
	value, _, err := one(r, pick)
	return value, err
}
