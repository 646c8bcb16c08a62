package resp

import "time"

// setting reads the options of SET from argument 3 on.
func (k *call) setting() (setting, error) {
	var o setting
	for i := 3; i < len(k.args); i++ {
		switch {
		case k.is(i, "NX") && !o.present:
			o.absent = true
		case k.is(i, "XX") && !o.absent:
			o.present = true
		case k.is(i, "GET"):
			o.get = true
		case k.is(i, "KEEPTTL") && o.life.kind == forever:
			o.keep = true
		default:
			unit, ok := k.unit(i)
			if i++; !ok || i == len(k.args) || o.keep || o.life.kind != forever {
				return setting{}, errSyntax
			}
			var err error
			if o.life, err = k.lifetime(unit, i); err != nil {
				return setting{}, err
			}
		}
	}
	return o, nil
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
	l, ok := scaled(n, scale(unit), len(unit) == len("EXAT"))
	if n <= 0 || !ok {
		return lifetime{}, k.badTime()
	}
	return l, nil
}

func (k *call) badTime() error {
	return refusal("ERR invalid expire time in '" + k.cmd.name + "' command")
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
			return o, refusal("ERR Unsupported option " + string(k.args[i]))
		}
	}
	switch {
	case o.none && (o.some || o.later || o.sooner):
		return o, refusal("ERR NX and XX, GT or LT options at the same time are not compatible")
	case o.later && o.sooner:
		return o, refusal("ERR GT and LT options at the same time are not compatible")
	}
	return o, nil
}
