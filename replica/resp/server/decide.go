package server

import (
	"math"
	"strconv"
	"time"

	"kvd/replica"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/wallclock"
)

// The functions here become replica.Request.Decide. They are pure: what they
// answer follows from what the key shows, the leader's clock as it is handed to
// them, and the command's own arguments.

// decider is the type of Request.Decide.
type decider = func(replica.Present) (replica.Write, error)

// nothing leaves the key as it is.
func nothing() (replica.Write, error) { return replica.Write{Verb: replica.Get}, nil }

// conflict is the answer to a plain command on a key that shows siblings.
func conflict(n int) error {
	return resp.Error("CONFLICT " + strconv.Itoa(n) + " siblings; use KVD.GET")
}

// one is the value a plain command works on. A key with siblings has none,
// unless the first may be picked.
func one(r resolve.Reading, pick bool) (value []byte, present bool, err error) {
	switch n := len(r.Values); {
	case n == 0:
		return nil, false, nil
	case n > 1 && !pick:
		return nil, false, conflict(n)
	}
	return r.Values[0], true, nil
}

// removePresent removes what the key shows, if anything. No tombstone is written
// for a key that shows nothing.
func removePresent(p replica.Present) (replica.Write, error) {
	if len(p.Reading.Values) == 0 {
		return nothing()
	}
	return replica.Write{Verb: replica.Remove}, nil
}

// add is an addition. It keeps the deadline by itself, as INCR does: a counter with
// a window must not live for ever because it was counted up.
func add(delta int64) decider {
	return func(p replica.Present) (replica.Write, error) {
		return replica.Write{Verb: replica.Incr, Delta: delta}, nil
	}
}

// appendTo puts tail behind the value.
func appendTo(tail []byte, limit int, pick bool) decider {
	return func(p replica.Present) (replica.Write, error) {
		old, _, err := one(p.Reading, pick)
		if err != nil {
			return replica.Write{}, err
		}
		if len(old)+len(tail) > limit {
			return replica.Write{}, tooLong(limit)
		}
		value := append(append(make([]byte, 0, len(old)+len(tail)), old...), tail...)
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, nil
	}
}

// takeAway removes the value that is there to be shown.
func takeAway(pick bool) decider {
	return func(p replica.Present) (replica.Write, error) {
		if _, _, err := one(p.Reading, pick); err != nil {
			return replica.Write{}, err
		}
		return removePresent(p)
	}
}

// setting is the options of SET.
type setting struct {
	absent, present bool // NX, XX
	get             bool
	keep            bool // KEEPTTL
	life            lifetime
	compare         condition // IFEQ, IFNE
}

// plain reports whether the options ask nothing of what the key shows.
func (o setting) plain() bool {
	return !o.absent && !o.present && !o.get && !o.keep && o.life.kind != fromNow && o.compare.kind == anyValue
}

func (o setting) decide(value []byte, pick bool) decider {
	return func(p replica.Present) (replica.Write, error) {
		there := len(p.Reading.Values) > 0
		if o.get {
			if _, _, err := one(p.Reading, pick); err != nil {
				return replica.Write{}, err
			}
		}
		fits, err := o.compare.holds(p.Reading, pick)
		if err != nil {
			return replica.Write{}, err
		}
		if o.absent && there || o.present && !there || !fits {
			return nothing()
		}
		return replica.Write{Verb: replica.Set, Value: value, Expires: o.life.deadline(p.Now), Keep: o.keep}, nil
	}
}

// lifetime is when a value shall end.
type lifetime struct {
	kind lifeKind
	n    int64 // nanoseconds: a duration, or an instant
}

type lifeKind uint8

const (
	forever lifeKind = iota
	fromNow          // EX PX
	until            // EXAT PXAT
	never            // one of these, too far away
)

// maxFromNow keeps now plus any duration within an Instant.
const maxFromNow = math.MaxInt64 / 2

// deadline is the instant by the leader's clock; zero: never.
func (l lifetime) deadline(now wallclock.Interval) wallclock.Instant {
	switch l.kind {
	case fromNow:
		return now.Midpoint().Add(time.Duration(l.n))
	case until:
		return wallclock.Instant(l.n)
	}
	return 0
}

// scaled is n units as a lifetime; false: beyond what Redis takes, whose times are
// milliseconds of 64 bits. An end later than any Instant, in the year 2262, is none. Now
// is milliseconds of Unix time.
func scaled(n int64, unit time.Duration, absolute bool, now int64) (lifetime, bool) {
	ms := int64(unit / time.Millisecond)
	if n > math.MaxInt64/ms || n < math.MinInt64/ms {
		return lifetime{}, false
	}
	if n *= ms; !absolute && n > math.MaxInt64-now {
		return lifetime{}, false
	}
	l, most := lifetime{kind: fromNow}, int64(maxFromNow)
	if absolute {
		l.kind, most = until, math.MaxInt64
	}
	switch most /= int64(time.Millisecond); {
	case n > most:
		return lifetime{kind: never}, true
	case n < -most:
		n = -most // it is over
	}
	l.n = n * int64(time.Millisecond)
	return l, true
}

// expiry is the options of EXPIRE: NX XX GT LT.
type expiry struct{ none, some, later, sooner bool }

// allows reports whether a value that ends at old may end at next; zero is never.
func (o expiry) allows(old, next wallclock.Instant) bool {
	switch {
	case o.none && old != 0, o.some && old == 0:
		return false
	case o.later: // no deadline is later than any
		return old != 0 && (next == 0 || next > old)
	case o.sooner:
		return old == 0 || next != 0 && next < old
	}
	return true
}

// decide changes when the value ends, and nothing of the value: beside another's
// write it takes nothing away. A deadline that has passed removes.
func (o expiry) decide(l lifetime, pick bool) decider {
	return func(p replica.Present) (replica.Write, error) {
		_, there, err := one(p.Reading, pick)
		if err != nil {
			return replica.Write{}, err
		}
		next := l.deadline(p.Now)
		if next == 0 && l.kind != never {
			next = -1 // 1970, which an Instant cannot name
		}
		if !there || !o.allows(p.Expires, next) {
			return nothing()
		}
		if next != 0 && next <= p.Now.Midpoint() {
			return replica.Write{Verb: replica.Remove}, nil
		}
		return replica.Write{Verb: replica.Touch, Expires: next}, nil
	}
}

// ifShown is d where the key shows a value; a command that is wrong is told so there
// alone, as by Redis, which looks at the key first.
func ifShown(pick bool, wrong error, d decider) decider {
	return func(p replica.Present) (replica.Write, error) {
		_, there, err := one(p.Reading, pick)
		switch {
		case err != nil:
			return replica.Write{}, err
		case !there:
			return nothing()
		case wrong != nil:
			return replica.Write{}, wrong
		}
		return d(p)
	}
}

// persist takes the deadline away, and nothing else.
func persist(pick bool) decider {
	return func(p replica.Present) (replica.Write, error) {
		_, there, err := one(p.Reading, pick)
		if err != nil {
			return replica.Write{}, err
		}
		if !there || p.Expires == 0 {
			return nothing()
		}
		return replica.Write{Verb: replica.Touch}, nil
	}
}

// flagOf is 1 or 0.
func flagOf(on bool) int64 {
	if on {
		return 1
	}
	return 0
}
