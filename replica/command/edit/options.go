package edit

import (
	"strings"
	"time"

	"kvd/replica/resp"
)

// Words are what operations are read from: a command's arguments, and what bounds them.
type Words struct {
	resp.Args
	Call
	Clock func() time.Time // that deadlines are reckoned from
	Limit int              // bytes of a value
}

// Call is whose arguments they are.
type Call interface {
	Bytes(i int) []byte    // an argument that the core may keep
	Picks(key []byte) bool // whether of siblings the first is worked on
}

func (k Words) pick() bool { return k.Picks(k.Args[1]) }

// ParseSet reads the options of SET from argument 3 on. Of one given twice the last
// holds; a lifetime is looked at when all options are known to be words of SET.
func (k Words) ParseSet() (Setting, error) {
	var o Setting
	var l TTLOption
	for i := 3; i < len(k.Args); i++ {
		switch {
		case k.Is(i, "NX") && !o.present && o.Compare.Kind == AnyValue:
			o.Absent = true
		case k.Is(i, "XX") && !o.Absent && o.Compare.Kind == AnyValue:
			o.present = true
		case k.Is(i, "GET"):
			o.Get = true
		case k.Is(i, "KEEPTTL") && l.Unit == "":
			o.keep = true
		case k.Compares(i) && !o.Absent && !o.present && o.Compare.Kind == AnyValue:
			var err error
			if o.Compare, err = k.ParseCondition(i); err != nil {
				return Setting{}, err
			}
			i++
		case !o.keep && k.takeTTL(&l, i):
			i++
		default:
			return Setting{}, resp.ErrSyntax
		}
	}
	ttl, err := k.TTLOf(l)
	o.TTL = ttl
	return o, err
}

// Reply is what SET with the options answers.
func (o Setting) Reply() Reply {
	if o.Get {
		return Was
	}
	return Wrote
}

// ParseGetEx reads the options of GETEX from argument 2 on, in the same way.
func (k Words) ParseGetEx() (l TTLOption, persists bool, err error) {
	for i := 2; i < len(k.Args); i++ {
		switch {
		case k.Is(i, "PERSIST") && l.Unit == "":
			persists = true
		case !persists && k.takeTTL(&l, i):
			i++
		default:
			return TTLOption{}, false, resp.ErrSyntax
		}
	}
	return l, persists, nil
}

// TTLOption is a lifetime as it was given: its unit, and which argument it is.
type TTLOption struct {
	Unit string
	at   int
}

// takeTTL takes argument i and the next for a lifetime, unless one of another unit
// was given.
func (k Words) takeTTL(l *TTLOption, i int) bool {
	for _, unit := range [...]string{"EX", "PX", "EXAT", "PXAT"} {
		if k.Is(i, unit) && i+1 < len(k.Args) && (l.Unit == "" || l.Unit == unit) {
			*l = TTLOption{unit, i + 1}
			return true
		}
	}
	return false
}

// TTLOf is for ever where none was given.
func (k Words) TTLOf(l TTLOption) (TTL, error) {
	if l.Unit == "" {
		return TTL{}, nil
	}
	return k.ttl(l.Unit, l.at, false)
}

// ttl reads argument i; past: it may be zero and less.
func (k Words) ttl(unit string, i int, past bool) (TTL, error) {
	n, err := k.Int(i)
	if err != nil {
		return TTL{}, err
	}
	l, ok := scaled(n, scale(unit), len(unit) == len("EXAT"), k.Clock().UnixMilli())
	if n <= 0 && !past || !ok {
		return TTL{}, resp.Error("ERR invalid expire time in '" + strings.ToLower(string(k.Args[0])) + "' command")
	}
	return l, nil
}

func scale(unit string) time.Duration {
	if unit[0] == 'P' {
		return time.Millisecond
	}
	return time.Second
}

// ParseExpire reads the options of EXPIRE from argument 3 on.
func (k Words) ParseExpire() (Expiry, error) {
	var o Expiry
	for i := 3; i < len(k.Args); i++ {
		switch {
		case k.Is(i, "NX"):
			o.none = true
		case k.Is(i, "XX"):
			o.some = true
		case k.Is(i, "GT"):
			o.later = true
		case k.Is(i, "LT"):
			o.sooner = true
		default:
			return o, resp.Error("ERR Unsupported option " + resp.Brief(k.Args[i], len(k.Args[i])))
		}
	}
	switch {
	case o.none && (o.some || o.later || o.sooner):
		return o, resp.Error("ERR NX and XX, GT or LT options at the same time are not compatible")
	case o.later && o.sooner:
		return o, resp.Error("ERR GT and LT options at the same time are not compatible")
	}
	return o, nil
}
