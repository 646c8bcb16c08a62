package server

import (
	"time"

	"kvd/replica/resp"
)

// setting reads the options of SET from argument 3 on. Of one given twice the last
// holds; a lifetime is looked at when all options are known to be words of SET.
func (k *call) setting() (setting, error) {
	var o setting
	var l lifeOption
	for i := 3; i < len(k.args); i++ {
		switch {
		case k.is(i, "NX") && !o.present && o.compare.kind == anyValue:
			o.absent = true
		case k.is(i, "XX") && !o.absent && o.compare.kind == anyValue:
			o.present = true
		case k.is(i, "GET"):
			o.get = true
		case k.is(i, "KEEPTTL") && l.unit == "":
			o.keep = true
		case k.compares(i) && !o.absent && !o.present && o.compare.kind == anyValue:
			var err error
			if o.compare, err = k.condition(i); err != nil {
				return setting{}, err
			}
			i++
		case !o.keep && k.takeLife(&l, i):
			i++
		default:
			return setting{}, resp.ErrSyntax
		}
	}
	life, err := k.lifetimeOf(l)
	o.life = life
	return o, err
}

// getting reads the options of GETEX from argument 2 on, in the same way.
func (k *call) getting() (l lifeOption, persists bool, err error) {
	for i := 2; i < len(k.args); i++ {
		switch {
		case k.is(i, "PERSIST") && l.unit == "":
			persists = true
		case !persists && k.takeLife(&l, i):
			i++
		default:
			return lifeOption{}, false, resp.ErrSyntax
		}
	}
	return l, persists, nil
}

// lifeOption is a lifetime as it was given: its unit, and which argument it is.
type lifeOption struct {
	unit string
	at   int
}

// takeLife takes argument i and the next for a lifetime, unless one of another unit
// was given.
func (k *call) takeLife(l *lifeOption, i int) bool {
	unit, ok := k.unit(i)
	if !ok || i+1 == len(k.args) || l.unit != "" && l.unit != unit {
		return false
	}
	*l = lifeOption{unit, i + 1}
	return true
}

// lifetimeOf is for ever where none was given.
func (k *call) lifetimeOf(l lifeOption) (lifetime, error) {
	if l.unit == "" {
		return lifetime{}, nil
	}
	return k.lifetime(l.unit, l.at)
}

// unit is the unit that argument i names: EX PX EXAT PXAT.
func (k *call) unit(i int) (string, bool) {
	for _, u := range [...]string{"EX", "PX", "EXAT", "PXAT"} {
		if k.is(i, u) {
			return u, true
		}
	}
	return "", false
}

// lifetime reads argument i, which must be above zero.
func (k *call) lifetime(unit string, i int) (lifetime, error) {
	n, err := k.int(i)
	if err != nil {
		return lifetime{}, err
	}
	l, ok := k.scaled(n, unit)
	if n <= 0 || !ok {
		return lifetime{}, k.badTime()
	}
	return l, nil
}

// scaled is n of a unit as a lifetime; false: out of range.
func (k *call) scaled(n int64, unit string) (lifetime, bool) {
	return scaled(n, scale(unit), len(unit) == len("EXAT"), k.srv.cfg.Clock().UnixMilli())
}

func (k *call) badTime() error {
	return resp.Error("ERR invalid expire time in '" + k.cmd.name + "' command")
}

func scale(unit string) time.Duration {
	if unit[0] == 'P' {
		return time.Millisecond
	}
	return time.Second
}

// expiry reads the options of EXPIRE from argument 3 on.
func (k *call) expiry() (expiry, error) {
	var o expiry
	for i := 3; i < len(k.args); i++ {
		switch {
		case k.is(i, "NX"):
			o.none = true
		case k.is(i, "XX"):
			o.some = true
		case k.is(i, "GT"):
			o.later = true
		case k.is(i, "LT"):
			o.sooner = true
		default:
			return o, resp.Error("ERR Unsupported option " + resp.Brief(k.args[i], len(k.args[i])))
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
