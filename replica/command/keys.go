package command

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvd/replica"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/glob"
	"kvd/replica/resp/server"
)

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

func planType(k *server.Call) (batch.Render, error) { return showType, askExists(k) }

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
		n := new(int64)
		return showNoted(n), k.Decide(k.Args[1], func(p replica.Present) (replica.Write, error) {
			*n = edit.Lifetime(p, absolute, unit)
			return edit.Nothing()
		})
	}
}

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

// cursors turns positions of scans into numbers, because clients parse cursors as
// numbers. A position is the key that was looked at last, and its number is a hash of
// it: so a cursor is never too old, and means the same after a restart and at
// another leader. Where the newest positions stand is remembered; a number that is
// not among them is looked for among the keys.
type cursors struct {
	mu    sync.Mutex
	most  int               // how many are remembered
	known map[uint64]string // by number
	order []uint64          // in which they came
	bytes int               // of what is remembered
}

// maxCursorBytes bounds the keys that are remembered.
const maxCursorBytes = 4 << 20

// maxCursors is how many unfinished scans are remembered, the newest ones. Others are
// looked for.
const maxCursors = 4096

func newCursors(most int) *cursors {
	return &cursors{most: most, known: map[uint64]string{}}
}

// cursorOf is a position's number. The empty one, the begin and the end, is 0.
// Numbers stay below 2^53, so that clients without integers keep them exact. The hash
// is FNV-1a, which is the same everywhere.
func cursorOf(at string) uint64 {
	if at == "" {
		return 0
	}
	h := uint64(14695981039346656037)
	for i := range len(at) {
		h = (h ^ uint64(at[i])) * 1099511628211
	}
	return max(1, (h^h>>53)&(1<<53-1))
}

func (c *cursors) put(at string) uint64 {
	id := cursorOf(at)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.known[id]; id == 0 || known {
		return id
	}
	if len(c.order) == c.most || c.bytes+len(at) > maxCursorBytes {
		c.forget(len(at))
	}
	c.known[id] = at
	c.order = append(c.order, id)
	c.bytes += len(at)
	return id
}

// forget makes place for one more, of n bytes: a half of all goes, the oldest.
func (c *cursors) forget(n int) {
	keep := c.order[(len(c.order)+1)/2:]
	for len(keep) > 0 && c.bytesOf(keep)+n > maxCursorBytes {
		keep = keep[(len(keep)+1)/2:]
	}
	for _, id := range c.order[:len(c.order)-len(keep)] {
		c.bytes -= len(c.known[id])
		delete(c.known, id)
	}
	c.order = append([]uint64(nil), keep...)
}

func (c *cursors) bytesOf(ids []uint64) (n int) {
	for _, id := range ids {
		n += len(c.known[id])
	}
	return n
}

// get is the position of a number, if it is remembered; 0 is the begin.
func (c *cursors) get(id uint64) (string, bool) {
	if id == 0 {
		return "", true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.known[id]
	return at, ok
}

// position is where a cursor stands. One that stands for no key that is stored any
// more, or for one that the client may not read, begins again: then keys are given twice, and
// none is left out.
func (c *cursors) position(k *server.Call, id uint64) (string, error) {
	r := k.Rights()
	if at, ok := c.get(id); ok && (id == 0 || r.Reaches(at)) {
		return at, nil
	}
	at, _, err := k.Keys().Find(func(key string) bool { return r.Reaches(key) && cursorOf(key) == id })
	return at, err
}
