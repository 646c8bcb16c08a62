package command

import (
	"math"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/replica/resp/spec"
)

// rangeCommands look at, or write over, a part of a value.
func rangeCommands() []server.Command {
	only := spec.KeySpec{First: 1, Last: 1, Step: 1}
	return []server.Command{
		{Name: "getrange", Arity: 4, Flags: spec.Read, Needs: acl.Read, Keys: only, Since: "2.4.0", Plan: planGetRange, Summary: "Answers a part of a value."},
		{Name: "substr", Arity: 4, Flags: spec.Read, Needs: acl.Read, Keys: only, Since: "1.0.0", Plan: planGetRange, Summary: "Answers a part of a value, as GETRANGE does."},
		{Name: "setrange", Arity: 4, Flags: spec.Write, Needs: acl.Write, Keys: only, Since: "2.2.0", Plan: planSetRange, Summary: "Writes over a part of a value. The whole value is what is replicated: of two leaders that write different parts at once, one may lose, as the key's resolver says."},
	}
}

// span is a part of a value as clients name it: first and last, below zero
// counted from the end.
type span struct{ first, last int64 }

// within is the part of n units that the stretch covers, from and to (exclusive);
// false: none.
func (s span) within(n int64) (from, to int64, ok bool) {
	if s.first < 0 && s.last < 0 && s.first > s.last {
		return 0, 0, false
	}
	return s.clamped(n)
}

// clamped is within, but that an end before the first unit means that unit even
// where the begin lies behind it.
func (s span) clamped(n int64) (from, to int64, ok bool) {
	if s.first < 0 {
		s.first = max(0, s.first+n)
	}
	if s.last < 0 {
		s.last = max(0, s.last+n)
	}
	s.last = min(s.last, n-1)
	return s.first, s.last + 1, s.first <= s.last
}

// parseRange reads arguments i and i+1.
func parseRange(k *server.Call, i int) (span, error) {
	first, err := k.Int(i)
	if err != nil {
		return span{}, err
	}
	last, err := k.Int(i + 1)
	return span{first, last}, err
}

func planGetRange(k *server.Call) (batch.Render, error) {
	s, err := parseRange(k, 2)
	if err != nil {
		return nil, err
	}
	return readOne(k, func(w *resp.Writer, value []byte, _ bool) error {
		from, to, ok := s.within(int64(len(value)))
		if !ok {
			from, to = 0, 0
		}
		w.Bulk(value[from:to])
		return nil
	})
}

func planSetRange(k *server.Call) (batch.Render, error) {
	at, err := k.Int(2)
	switch {
	case err != nil:
		return nil, err
	case at < 0:
		return nil, resp.Error("ERR offset is out of range")
	}
	part, limit, n := k.Bytes(3), k.Config().Limits.Bulk, &k.Note().Number
	return showComputed, k.Decide(k.Args[1], edit.WithOne(k.Picks(k.Args[1]), func(_ replica.Present, old []byte, _ bool) (replica.Write, error) {
		if *n = int64(len(old)); len(part) == 0 {
			return edit.Nothing()
		}
		value, err := overlay(old, at, part, limit)
		*n = int64(len(value))
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, err
	}))
}

// overlay is a copy of old with part from at on; zero bytes fill what lies between.
func overlay(old []byte, at int64, part []byte, limit int) ([]byte, error) {
	if at > math.MaxInt64-int64(len(part)) || at+int64(len(part)) > int64(limit) {
		return nil, edit.TooLong(limit)
	}
	value := make([]byte, max(len(old), int(at)+len(part)))
	copy(value, old)
	copy(value[at:], part)
	return value, nil
}
