package edit

import (
	"math"
	"strconv"
	"time"

	"kvd/replica"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/wallclock"
)

// Decider is the type of Request.Decide.
type Decider = func(replica.Present) (replica.Write, error)

// Nothing leaves the key as it is.
func Nothing() (replica.Write, error) { return replica.Write{Verb: replica.Get}, nil }

// One is the value a plain command works on. A key with siblings has none,
// unless the first may be picked.
func One(r resolve.Reading, pick bool) (value []byte, present bool, err error) {
	switch n := len(r.Values); {
	case n == 0:
		return nil, false, nil
	case n > 1 && !pick:
		return nil, false, resp.Conflict(n)
	}
	return r.Values[0], true, nil
}

// RemovePresent removes what the key shows, if anything. No tombstone is written
// for a key that shows nothing.
func RemovePresent(p replica.Present) (replica.Write, error) {
	if len(p.Reading.Values) == 0 {
		return Nothing()
	}
	return replica.Write{Verb: replica.Remove}, nil
}

// Add is an addition. It keeps the deadline by itself, as INCR does: a counter with
// a window must not live for ever because it was counted up.
func Add(delta int64) Decider {
	return func(p replica.Present) (replica.Write, error) {
		return replica.Write{Verb: replica.Incr, Delta: delta}, nil
	}
}

// AppendTo puts tail behind the value.
func AppendTo(tail []byte, limit int, pick bool) Decider {
	return WithOne(pick, func(_ replica.Present, old []byte, _ bool) (replica.Write, error) {
		if len(old)+len(tail) > limit {
			return replica.Write{}, TooLong(limit)
		}
		value := append(append(make([]byte, 0, len(old)+len(tail)), old...), tail...)
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, nil
	})
}

// TakeAway removes the value that is there to be shown.
func TakeAway(pick bool) Decider {
	return WithOne(pick, func(p replica.Present, _ []byte, _ bool) (replica.Write, error) { return RemovePresent(p) })
}

// Setting is the options of SET.
type Setting struct {
	Absent, present bool // NX, XX
	Get             bool
	keep            bool // KEEPTTL
	TTL             TTL
	Compare         Condition // IFEQ, IFNE
}

// Plain reports whether the options ask nothing of what the key shows.
func (o Setting) Plain() bool {
	return !o.Absent && !o.present && !o.Get && !o.keep && o.TTL.kind != fromNow && o.Compare.Kind == AnyValue
}

// Decide sets the value, or leaves the key as it is where a condition does not hold.
func (o Setting) Decide(value []byte, pick bool) Decider {
	return func(p replica.Present) (replica.Write, error) {
		there := len(p.Reading.Values) > 0
		if o.Get {
			if _, _, err := One(p.Reading, pick); err != nil {
				return replica.Write{}, err
			}
		}
		fits, err := o.Compare.holds(p.Reading, pick)
		if err != nil {
			return replica.Write{}, err
		}
		if o.Absent && there || o.present && !there || !fits {
			return Nothing()
		}
		return replica.Write{Verb: replica.Set, Value: value, Expires: o.TTL.Deadline(p.Now), Keep: o.keep}, nil
	}
}

// TTL is when a value shall end.
type TTL struct {
	kind TTLKind
	n    int64 // nanoseconds: a duration, or an instant
}

// TTLKind says what a TTL counts.
type TTLKind uint8

const (
	forever TTLKind = iota
	fromNow         // EX PX
	until           // EXAT PXAT
	never           // one of these, too far away
)

// maxFromNow keeps now plus any duration within an Instant.
const maxFromNow = math.MaxInt64 / 2

// Deadline is the instant by the leader's clock; zero: never.
func (l TTL) Deadline(now wallclock.Interval) wallclock.Instant {
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
func scaled(n int64, unit time.Duration, absolute bool, now int64) (TTL, bool) {
	ms := int64(unit / time.Millisecond)
	if n > math.MaxInt64/ms || n < math.MinInt64/ms {
		return TTL{}, false
	}
	if n *= ms; !absolute && n > math.MaxInt64-now {
		return TTL{}, false
	}
	l, most := TTL{kind: fromNow}, int64(maxFromNow)
	if absolute {
		l.kind, most = until, math.MaxInt64
	}
	switch most /= int64(time.Millisecond); {
	case n > most:
		return TTL{kind: never}, true
	case n < -most:
		n = -most // it is over
	}
	l.n = n * int64(time.Millisecond)
	return l, true
}

// Expiry is the options of EXPIRE: NX XX GT LT.
type Expiry struct{ none, some, later, sooner bool }

// allows reports whether a value that ends at old may end at next; zero is never.
func (o Expiry) allows(old, next wallclock.Instant) bool {
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

// Decide changes when the value ends, and nothing of the value: beside another's
// write it takes nothing away. A deadline that has passed removes.
func (o Expiry) Decide(l TTL, pick bool) Decider {
	return WithOne(pick, func(p replica.Present, _ []byte, there bool) (replica.Write, error) {
		next := l.Deadline(p.Now)
		if next == 0 && l.kind != never {
			next = -1 // 1970, which an Instant cannot name
		}
		if !there || !o.allows(p.Expires, next) {
			return Nothing()
		}
		if next != 0 && next <= p.Now.Midpoint() {
			return replica.Write{Verb: replica.Remove}, nil
		}
		return replica.Write{Verb: replica.Touch, Expires: next}, nil
	})
}

// IfShown is d where the key shows a value; a command that is wrong is told so there
// alone, as by Redis, which looks at the key first.
func IfShown(pick bool, wrong error, d Decider) Decider {
	return WithOne(pick, func(p replica.Present, _ []byte, there bool) (replica.Write, error) {
		switch {
		case !there:
			return Nothing()
		case wrong != nil:
			return replica.Write{}, wrong
		}
		return d(p)
	})
}

// Persist takes the deadline away, and nothing else.
func Persist(pick bool) Decider {
	return WithOne(pick, func(p replica.Present, _ []byte, there bool) (replica.Write, error) {
		if !there || p.Expires == 0 {
			return Nothing()
		}
		return replica.Write{Verb: replica.Touch}, nil
	})
}

// TooLong is the answer to a command that would make a value beyond the limit.
func TooLong(limit int) error {
	return resp.Error("ERR string exceeds maximum allowed size (" + strconv.Itoa(limit) + " bytes)")
}

// Lifetime is how long the value lasts from now, or until which Unix time, as Redis says
// it: whole milliseconds, and those rounded to seconds; -1: for ever; -2: there is none.
func Lifetime(p replica.Present, absolute bool, unit time.Duration) int64 {
	switch {
	case len(p.Reading.Values) == 0:
		return -2
	case p.Expires == 0:
		return -1
	}
	left := time.Duration(p.Expires)
	if !absolute {
		left = p.Expires.Sub(p.Now.Midpoint())
	}
	ms := max(0, left.Milliseconds())
	if unit == time.Second {
		return (ms + 500) / 1000
	}
	return ms
}
