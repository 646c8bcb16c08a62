package command

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/glob"
	"kvd/replica/resp/server"
	"kvd/replica/resp/spec"
)

func keyCommands(c *cursors) []server.Command {
	only, all := spec.KeySpec{First: 1, Last: 1, Step: 1}, spec.KeySpec{First: 1, Last: -1, Step: 1}
	return []server.Command{
		{Name: "del", Arity: -2, Flags: spec.Write, Needs: acl.Write, Keys: all, Since: "1.0.0", Plan: planDel, Summary: "Removes keys."},
		{Name: "unlink", Arity: -2, Flags: spec.Write | spec.Fast, Needs: acl.Write, Keys: all, Since: "4.0.0", Plan: planDel, Summary: "Removes keys, as DEL does."},
		{Name: "exists", Arity: -2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: all, Since: "1.0.0", Plan: planExists, Summary: "Counts which of the keys show a value."},
		{Name: "touch", Arity: -2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: all, Since: "3.2.1", Plan: planExists, Summary: "Counts which of the keys show a value; when a key was last read is not kept."},
		{Name: "type", Arity: 2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: only, Since: "1.0.0", Plan: planType, Summary: "Answers string or none."},
		{Name: "expire", Arity: -3, Flags: spec.Write | spec.Fast, Needs: acl.Write, Keys: only, Since: "1.0.0", Plan: planEdit("expire"), Summary: "Lets a value end after seconds."},
		{Name: "pexpire", Arity: -3, Flags: spec.Write | spec.Fast, Needs: acl.Write, Keys: only, Since: "2.6.0", Plan: planEdit("pexpire"), Summary: "Lets a value end after milliseconds."},
		{Name: "expireat", Arity: -3, Flags: spec.Write | spec.Fast, Needs: acl.Write, Keys: only, Since: "1.2.0", Plan: planEdit("expireat"), Summary: "Lets a value end at a Unix time in seconds."},
		{Name: "pexpireat", Arity: -3, Flags: spec.Write | spec.Fast, Needs: acl.Write, Keys: only, Since: "2.6.0", Plan: planEdit("pexpireat"), Summary: "Lets a value end at a Unix time in milliseconds."},
		{Name: "persist", Arity: 2, Flags: spec.Write | spec.Fast, Needs: acl.Write, Keys: only, Since: "2.2.0", Plan: planEdit("persist"), Summary: "Takes away when a value ends."},
		{Name: "ttl", Arity: 2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: only, Since: "1.0.0", Plan: planTTL(false, time.Second), Summary: "Answers how long a value lasts, in seconds."},
		{Name: "pttl", Arity: 2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: only, Since: "2.6.0", Plan: planTTL(false, time.Millisecond), Summary: "Answers how long a value lasts, in milliseconds."},
		{Name: "expiretime", Arity: 2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: only, Since: "7.0.0", Plan: planTTL(true, time.Second), Summary: "Answers when a value ends, in seconds of Unix time."},
		{Name: "pexpiretime", Arity: 2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: only, Since: "7.0.0", Plan: planTTL(true, time.Millisecond), Summary: "Answers when a value ends, in milliseconds of Unix time."},
		{Name: "scan", Arity: -2, Flags: spec.Read | spec.Exclusive, Needs: acl.Read, Since: "2.8.0", Run: c.runScan, Summary: "Walks over the keys in steps, in order."},
		{Name: "keys", Arity: 2, Flags: spec.Read | spec.Exclusive, Needs: acl.Read, Since: "1.0.0", Run: runKeys, Summary: "Answers the keys that match a pattern, up to a limit."},
		{Name: "dbsize", Arity: 1, Flags: spec.Read | spec.Exclusive, Needs: acl.Read, Since: "1.0.0", Run: runDBSize, Summary: "Answers how many keys there are that the client may read."},
	}
}

func planDel(k *server.Call) (batch.Render, error) {
	for _, key := range k.Args[1:] {
		if err := k.Decide(key, edit.RemovePresent); err != nil {
			return nil, err
		}
	}
	return showCount, nil
}

func planExists(k *server.Call) (batch.Render, error) { return showPresent, askExists(k) }

func showPresent(w *resp.Writer, a *batch.Answer) {
	var n int64
	for i := range a.Replies {
		n += min(1, int64(len(a.Replies[i].Shown.Values)))
	}
	w.Int(n)
}

func planType(k *server.Call) (batch.Render, error) {
	return showType, askExists(k)
}

func showType(w *resp.Writer, a *batch.Answer) {
	if len(a.Replies[0].Shown.Values) == 0 {
		w.Simple("none")
		return
	}
	w.Simple("string")
}

// planTTL asks through Decide, because only there a reader learns the deadline
// and the clock it is measured by.
func planTTL(absolute bool, unit time.Duration) func(*server.Call) (batch.Render, error) {
	return func(k *server.Call) (batch.Render, error) {
		n := &k.Note().Number
		return showComputed, k.Decide(k.Args[1], func(p replica.Present) (replica.Write, error) {
			*n = edit.Lifetime(p, absolute, unit)
			return edit.Nothing()
		})
	}
}

// runScan answers one step of a scan.
func (c *cursors) runScan(k *server.Call) error {
	id, ok := parseCursor(string(k.Args[1]))
	if !ok {
		return resp.Error("ERR invalid cursor")
	}
	o, err := parseScan(k)
	if err != nil {
		return err
	}
	from, err := c.position(k, id)
	if err != nil {
		return err
	}
	var keys []string
	next := ""
	if o.strings {
		if keys, next, err = scan(k, from, o); err != nil {
			return err
		}
	}
	k.Out.Array(2)
	k.Out.Text(strconv.FormatUint(c.put(next), 10))
	k.Out.Texts(keys)
	return nil
}

// scan is one step of a scan. For who may not see every key it ends at one that he may:
// its cursor would tell of another, and so would what is found from that on. So it may
// take as long as KEYS.
func scan(k *server.Call, from string, o scanOptions) (keys []string, next string, err error) {
	r := k.Rights()
	if r.Everywhere() {
		return k.Keys().Scan(from, o.count, o.match)
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
		if keys, next, err = k.Keys().Scan(from, o.count, match); err != nil || next == "" {
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

type scanOptions struct {
	count   int
	match   func(string) bool
	strings bool // TYPE admits what we hold
}

func parseScan(k *server.Call) (scanOptions, error) {
	o := scanOptions{count: 10, strings: true}
	for i := 2; i < len(k.Args); i += 2 {
		if i+1 == len(k.Args) {
			return o, resp.ErrSyntax
		}
		var err error
		switch {
		case k.Is(i, "COUNT"):
			o.count, err = parseCount(k, i+1)
		case k.Is(i, "MATCH"):
			o.match, err = parsePattern(k, i+1)
		case k.Is(i, "TYPE"):
			o.strings = k.Is(i+1, "STRING")
		default:
			err = resp.ErrSyntax
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// parseCount reads how many keys to look at, and bounds it.
func parseCount(k *server.Call, i int) (int, error) {
	n, err := k.Int(i)
	if err != nil {
		return 0, err
	}
	if n < 1 {
		return 0, resp.ErrSyntax
	}
	return int(min(n, int64(k.Config().Limits.Keys))), nil
}

// parsePattern reads a glob; nil matches all.
func parsePattern(k *server.Call, i int) (func(string) bool, error) {
	p := string(k.Args[i])
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
func runKeys(k *server.Call) error {
	match, err := parsePattern(k, 1)
	if err != nil {
		return err
	}
	match = k.Readable(match)
	limit, bytes := k.Config().Limits.Keys, int64(0)
	defer func() { k.Release(bytes) }()
	var keys []string
	for from := ""; ; {
		part, next, err := k.Keys().Scan(from, limit, match)
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
		if err := k.Reserve(found); err != nil {
			return fmt.Errorf("%w; use SCAN", err)
		}
		if bytes += found; bytes > int64(k.Config().Limits.Command) {
			return resp.Error("ERR more than " + strconv.Itoa(k.Config().Limits.Command) + " bytes of keys match; use SCAN")
		}
		if from = next; next == "" {
			break
		}
	}
	k.Out.Texts(keys)
	return nil
}

// runDBSize counts the keys that the client may read. Where those are not all it takes as
// long as KEYS.
func runDBSize(k *server.Call) error {
	n, err := k.Keys().Size()
	if r := k.Rights(); !r.Everywhere() {
		n, err = countKeys(k.Keys(), r.Reaches)
	}
	if err == nil {
		k.Out.Int(n)
	}
	return err
}

// countPage is how many keys are looked at at a time.
const countPage = 1000

// countKeys counts the keys that match, without holding them all.
func countKeys(all server.Keys, match func(string) bool) (n int64, err error) {
	for from := ""; ; {
		keys, next, err := all.Scan(from, countPage, match)
		if n += int64(len(keys)); err != nil || next == "" {
			return n, err
		}
		from = next
	}
}
