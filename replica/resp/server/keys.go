package server

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/glob"
	"kvd/wallclock"
)

func keyCommands() []command {
	only, all := keySpec{1, 1, 1}, keySpec{1, -1, 1}
	return []command{
		{name: "del", arity: -2, flags: write, needs: acl.Write, keys: all, since: "1.0.0", plan: planDel, summary: "Removes keys."},
		{name: "unlink", arity: -2, flags: write | fast, needs: acl.Write, keys: all, since: "4.0.0", plan: planDel, summary: "Removes keys, as DEL does."},
		{name: "exists", arity: -2, flags: read | fast, needs: acl.Read, keys: all, since: "1.0.0", plan: planExists, summary: "Counts which of the keys show a value."},
		{name: "touch", arity: -2, flags: read | fast, needs: acl.Read, keys: all, since: "3.2.1", plan: planExists, summary: "Counts which of the keys show a value; when a key was last read is not kept."},
		{name: "type", arity: 2, flags: read | fast, needs: acl.Read, keys: only, since: "1.0.0", plan: planType, summary: "Answers string or none."},
		{name: "expire", arity: -3, flags: write | fast, needs: acl.Write, keys: only, since: "1.0.0", plan: planExpire("EX"), summary: "Lets a value end after seconds."},
		{name: "pexpire", arity: -3, flags: write | fast, needs: acl.Write, keys: only, since: "2.6.0", plan: planExpire("PX"), summary: "Lets a value end after milliseconds."},
		{name: "expireat", arity: -3, flags: write | fast, needs: acl.Write, keys: only, since: "1.2.0", plan: planExpire("EXAT"), summary: "Lets a value end at a Unix time in seconds."},
		{name: "pexpireat", arity: -3, flags: write | fast, needs: acl.Write, keys: only, since: "2.6.0", plan: planExpire("PXAT"), summary: "Lets a value end at a Unix time in milliseconds."},
		{name: "persist", arity: 2, flags: write | fast, needs: acl.Write, keys: only, since: "2.2.0", plan: planPersist, summary: "Takes away when a value ends."},
		{name: "ttl", arity: 2, flags: read | fast, needs: acl.Read, keys: only, since: "1.0.0", plan: planTTL(left, time.Second), summary: "Answers how long a value lasts, in seconds."},
		{name: "pttl", arity: 2, flags: read | fast, needs: acl.Read, keys: only, since: "2.6.0", plan: planTTL(left, time.Millisecond), summary: "Answers how long a value lasts, in milliseconds."},
		{name: "expiretime", arity: 2, flags: read | fast, needs: acl.Read, keys: only, since: "7.0.0", plan: planTTL(end, time.Second), summary: "Answers when a value ends, in seconds of Unix time."},
		{name: "pexpiretime", arity: 2, flags: read | fast, needs: acl.Read, keys: only, since: "7.0.0", plan: planTTL(end, time.Millisecond), summary: "Answers when a value ends, in milliseconds of Unix time."},
		{name: "scan", arity: -2, flags: read | alone, needs: acl.Read, since: "2.8.0", run: runScan, summary: "Walks over the keys in steps, in order."},
		{name: "keys", arity: 2, flags: read | alone, needs: acl.Read, since: "1.0.0", run: runKeys, summary: "Answers the keys that match a pattern, up to a limit."},
		{name: "dbsize", arity: 1, flags: read | alone, needs: acl.Read, since: "1.0.0", run: runDBSize, summary: "Answers how many keys there are."},
	}
}

func planDel(k *call) (render, error) {
	for _, key := range k.args[1:] {
		if err := k.decide(key, removePresent); err != nil {
			return nil, err
		}
	}
	return showCount, nil
}

func planExists(k *call) (render, error) { return showPresent, k.whether() }

func showPresent(w *resp.Writer, a *answer) {
	var n int64
	for i := range a.replies {
		n += min(1, int64(len(a.replies[i].Shown.Values)))
	}
	w.Int(n)
}

func planType(k *call) (render, error) {
	return showType, k.whether()
}

func showType(w *resp.Writer, a *answer) {
	if len(a.replies[0].Shown.Values) == 0 {
		w.Simple("none")
		return
	}
	w.Simple("string")
}

func planExpire(unit string) func(*call) (render, error) {
	return func(k *call) (render, error) {
		o, err := k.expiry()
		if err != nil {
			return nil, err
		}
		n, err := k.int(2)
		if err != nil {
			return nil, err
		}
		life, ok := k.scaled(n, unit)
		if !ok {
			return nil, k.badTime()
		}
		return showCount, k.decide(k.args[1], o.decide(life, k.picks(k.args[1])))
	}
}

func planPersist(k *call) (render, error) {
	return showCount, k.decide(k.args[1], persist(k.picks(k.args[1])))
}

// planTTL asks through Decide, because only there a reader learns the deadline
// and the clock it is measured by.
func planTTL(of func(replica.Present) wallclock.Instant, unit time.Duration) func(*call) (render, error) {
	show := func(w *resp.Writer, a *answer) {
		switch p := a.seen.present; {
		case len(p.Reading.Values) == 0:
			w.Int(-2)
		case p.Expires == 0:
			w.Int(-1)
		default:
			w.Int(rounded(of(p), unit))
		}
	}
	return func(k *call) (render, error) { return show, k.peek(k.args[1]) }
}

func left(p replica.Present) wallclock.Instant {
	return wallclock.Instant(p.Expires.Sub(p.Now.Midpoint()))
}

func end(p replica.Present) wallclock.Instant { return p.Expires }

// rounded counts whole milliseconds, and rounds those to seconds, as Redis does.
func rounded(i wallclock.Instant, unit time.Duration) int64 {
	ms := max(0, int64(i)/int64(time.Millisecond))
	if unit == time.Second {
		return (ms + 500) / 1000
	}
	return ms
}

// runScan answers one step of a scan.
func runScan(k *call) error {
	id, ok := parseCursor(string(k.args[1]))
	if !ok {
		return resp.Error("ERR invalid cursor")
	}
	o, err := k.scanOptions()
	if err != nil {
		return err
	}
	from, err := k.srv.position(id, k.rights())
	if err != nil {
		return err
	}
	var keys []string
	next := ""
	if o.strings {
		if keys, next, err = k.scan(from, o); err != nil {
			return err
		}
	}
	k.w.Array(2)
	k.w.Text(strconv.FormatUint(k.srv.cursors.put(next), 10))
	writeKeys(k.w, keys)
	return nil
}

// scan is one step of a scan. For who may not see every key it ends at one that he may:
// its cursor would tell of another, and so would what is found from that on. So it may
// take as long as KEYS.
func (k *call) scan(from string, o scanOptions) (keys []string, next string, err error) {
	r := k.rights()
	if r.Everywhere() {
		return k.srv.keys.Scan(from, o.count, o.match)
	}
	at := ""
	match := func(key string) bool {
		if !r.Reaches(key) {
			return false
		}
		at = key
		return o.match == nil || o.match(key)
	}
	for at == "" {
		if keys, next, err = k.srv.keys.Scan(from, o.count, match); err != nil || next == "" {
			return keys, "", err
		}
		from = next
	}
	return keys, at, nil
}

// parseCursor takes what Redis takes: any number of 64 bits, with a sign or without.
func parseCursor(text string) (uint64, bool) {
	if n, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, 64); err == nil || text == "" {
		return n, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return uint64(n), err == nil
}

func writeKeys(w *resp.Writer, keys []string) {
	w.Array(len(keys))
	for _, key := range keys {
		w.Text(key)
	}
}

type scanOptions struct {
	count   int
	match   func(string) bool
	strings bool // TYPE admits what we hold
}

func (k *call) scanOptions() (scanOptions, error) {
	o := scanOptions{count: 10, strings: true}
	for i := 2; i < len(k.args); i += 2 {
		if i+1 == len(k.args) {
			return o, resp.ErrSyntax
		}
		var err error
		switch {
		case k.is(i, "COUNT"):
			o.count, err = k.count(i + 1)
		case k.is(i, "MATCH"):
			o.match, err = k.pattern(i + 1)
		case k.is(i, "TYPE"):
			o.strings = k.is(i+1, "STRING")
		default:
			err = resp.ErrSyntax
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// count reads how many keys to look at, and bounds it.
func (k *call) count(i int) (int, error) {
	n, err := k.int(i)
	if err != nil {
		return 0, err
	}
	if n < 1 {
		return 0, resp.ErrSyntax
	}
	return int(min(n, int64(k.srv.cfg.Limits.Keys))), nil
}

// pattern reads a glob; nil matches all.
func (k *call) pattern(i int) (func(string) bool, error) {
	p := string(k.args[i])
	switch {
	case p == "*":
		return nil, nil
	case len(p) > glob.MaxLen:
		return nil, resp.Error("ERR the pattern is longer than " + strconv.Itoa(glob.MaxLen) + " bytes")
	}
	return func(key string) bool {
		// As in Redis, whose patterns end with the key: * stands for every key, and any
		// other pattern that could stand for nothing does not stand for the empty one.
		return glob.Match(p, key) && (key != "" || p == "*" || p == "")
	}, nil
}

// runKeys answers all keys, or an error if they are too many: it never answers a
// part as if it were the whole.
func runKeys(k *call) error {
	match, err := k.pattern(1)
	if err != nil {
		return err
	}
	match = k.shown(match)
	limit, bytes := k.srv.cfg.Limits.Keys, int64(0)
	defer func() { k.giveBack(bytes) }()
	var keys []string
	for from := ""; ; {
		part, next, err := k.srv.keys.Scan(from, limit, match)
		if err != nil {
			return err
		}
		if keys = append(keys, part...); len(keys) > limit {
			return resp.Error("ERR more than " + strconv.Itoa(limit) + " keys match; use SCAN")
		}
		found := int64(0)
		for _, key := range part {
			found += int64(len(key))
		}
		if err := k.reserve(found, k.srv.cfg.Arrive); err != nil {
			return fmt.Errorf("%w; use SCAN", err)
		}
		if bytes += found; bytes > int64(k.srv.cfg.Limits.Command) {
			return resp.Error("ERR more than " + strconv.Itoa(k.srv.cfg.Limits.Command) + " bytes of keys match; use SCAN")
		}
		if from = next; next == "" {
			break
		}
	}
	writeKeys(k.w, keys)
	return nil
}

func runDBSize(k *call) error {
	n, err := k.srv.keys.Size()
	if err == nil {
		k.w.Int(n)
	}
	return err
}
