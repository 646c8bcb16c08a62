package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/scenarios/script/internal/spell"
)

func words(parts ...string) string {
	said := parts[:0:0]
	for _, part := range parts {
		if part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, " ")
}

// stated writes name=value, or nothing when the line leaves the value alone.
func stated[T any](name string, o Opt[T], format func(T) string) string {
	if !o.Set {
		return ""
	}
	return name + "=" + format(o.Value)
}

// prefixed writes text behind prefix, or nothing when there is no text.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func durationUnlessZero(name string, d time.Duration) string {
	return stated(name, Opt[time.Duration]{d, d != 0}, spell.Duration)
}

func (t At) String() string { return "at " + spell.Duration(t.Time) }

func (t After) String() string {
	plus := ""
	if t.Plus != 0 {
		plus = spell.Signed(t.Plus)
	}
	return words("after", t.Label, prefixed("seen by ", t.SeenBy), plus)
}

func (t Every) String() string {
	return words("every", spell.Duration(t.Period), fmt.Sprintf("times=%d", t.Times), durationUnlessZero("from", t.From))
}

func (o ClientOp) String() string { return words(o.body(), prefixed("as ", o.Label)) }

func (o ClientOp) body() string {
	return words(o.Client, string(o.Kind), o.object(), durationUnlessZero("pause", o.Pause), o.under(), durationUnlessZero("timeout", o.Timeout), prefixed("retry=", o.Retry))
}

// under is the lock that an operation is done under.
func (o ClientOp) under() string {
	how := "under "
	if o.Fenced {
		how = "fenced "
	}
	if o.Locks() {
		return ""
	}
	return prefixed(how, o.Lock)
}

func (o ClientOp) object() string {
	key := spell.Quote(o.Key)
	switch o.Kind {
	case OpSet, OpAppend:
		return key + " " + spell.Quote(o.Value)
	case OpUpdate:
		return fmt.Sprintf("%s %+d", key, o.Amount)
	case OpIncr:
		if o.Amount != 1 {
			return fmt.Sprintf("%s by %d", key, o.Amount)
		}
	case OpExpire:
		return key + " " + spell.Duration(o.TTL)
	case OpGoto:
		return o.Leader
	case OpLock:
		kind := ""
		if o.Redlock {
			kind = redlock
		}
		return words(o.Lock, durationUnlessZero("ttl", o.TTL), stated("wait", o.Wait, spell.Duration), kind)
	case OpUnlock:
		return o.Lock
	}
	return key
}

func (p Path) String() string {
	switch {
	case p.All():
		return AllLeaders
	case p.Reply:
		return p.To + "<" + p.From
	}
	return p.From + ">" + p.To
}

func (f LinkFault) String() string {
	return words("link", f.Path.String(),
		stated("delay", f.Delay, spell.Duration),
		stated("jitter", f.Jitter, spell.Duration),
		stated("loss", f.Loss, formatRate),
		stated("duplicate", f.Duplicate, formatRate),
		stated("reorder", f.Reorder, formatRate))
}

func (f ClockFault) String() string {
	return words("clock", f.Leader,
		stated("offset", f.Offset, spell.Signed),
		stated("drift", f.DriftPPM, func(ppm int64) string { return fmt.Sprintf("%dppm", ppm) }),
		stated("error", f.Error, spell.Duration),
		stated("step", f.Step, spell.Signed),
		stated("freeze", f.Freeze, spell.Duration),
		stated("strobe", f.Strobe, formatStrobe))
}

func (p Partition) String() string {
	sides := make([]string, len(p.Sides))
	for i, side := range p.Sides {
		sides[i] = strings.Join(side, " ")
	}
	return "partition " + strings.Join(sides, " | ")
}

func (c Cut) String() string { return "cut " + c.Path.String() }

func (h Heal) String() string {
	if h.Path.All() {
		return "heal"
	}
	return "heal " + h.Path.String()
}

func (p Pause) String() string { return "pause " + p.Leader + " " + spell.Duration(p.For) }
func (c Crash) String() string {
	return words("crash", c.Leader, prefixed("unsynced=", string(c.Unsynced)))
}
func (r Restart) String() string { return "restart " + r.Leader }
func (w Wipe) String() string    { return "wipe " + w.Leader }
func (b Backup) String() string  { return "backup " + b.Leader + " as " + b.Name }
func (r Restore) String() string { return "restore " + r.Leader + " from " + r.Name }
func (d DiskFault) String() string {
	return "disk " + d.Leader + " " + string(d.State)
}
func (r Rot) String() string    { return "rot " + r.Leader }
func (f Forget) String() string { return "forget " + f.Leader }
func (c Clone) String() string  { return "clone " + c.From + " to " + c.To }

// text is the client's line without its verb.
func (c Client) text() string {
	session := ""
	if c.Session {
		session = "session"
	}
	return words(c.Name, "at="+c.At, session, durationUnlessZero("timeout", c.Timeout), prefixed("retry=", c.Retry))
}

// String is the check's canonical line without padding and notes.
func (c Check) String() string {
	return words("check", string(c.Name), c.object(), prefixed("for ", strings.Join(c.For, " ")))
}

func (c Check) object() string {
	switch c.Name {
	case CheckLost, CheckDurability:
		key := ""
		if c.Key != "" {
			key = spell.Quote(c.Key)
		}
		return words(key, fmt.Sprintf("= %d", c.Count))
	case CheckLog:
		return fmt.Sprintf("<= %d", c.Count)
	case CheckAcked:
		return "= accounted"
	case CheckSession:
		return c.Client + " " + string(c.Guarantee)
	case CheckNoResurrection, CheckNoOvercount:
		return spell.Quote(c.Key)
	case CheckValue:
		return spell.Quote(c.Key) + " = " + c.value()
	case CheckVisible:
		return c.First + " before " + c.Then
	}
	return ""
}

func (c Check) value() string {
	switch {
	case !c.Value.Set:
		return absent
	case c.Value.Value == absent:
		return `"` + absent + `"`
	}
	return spell.Quote(c.Value.Value)
}

func (p Policy) text() string {
	prefix := spell.Quote(p.Prefix)
	if at := strings.LastIndexByte(prefix, ','); at >= 0 && isPolicyOption(prefix[at+1:]+"=") && prefix[0] != '"' {
		prefix = strconv.Quote(p.Prefix) // bare it would look like an option
	}
	text := prefix + "=" + p.Resolver
	if p.Pick {
		text += "," + optionRead + "=pick"
	}
	if p.CommitWait {
		text += "," + optionWait
	}
	if p.Doomed != "" {
		text += "," + optionDoomed + "=" + p.Doomed
	}
	return text
}

// String is the settings as a line has them, without the verb.
func (s Settings) String() string {
	return words(stated("gate-ops", s.GateOps, strconv.Itoa), stated("window-ops", s.WindowOps, strconv.Itoa),
		stated("batch-ops", s.BatchOps, strconv.Itoa), stated("waiting", s.Waiting, strconv.Itoa), stated("max-siblings", s.MaxSiblings, strconv.Itoa),
		stated("history", s.History, strconv.Itoa), stated("pinned", s.Pinned, strconv.Itoa),
		prefixed("quarantine=", string(s.Quarantine)), stated("quarantine-beyond", s.QuarantineBeyond, spell.Duration),
		stated("max-drift", s.MaxDrift, spell.Duration), stated("token-wait", s.TokenWait, spell.Duration))
}
