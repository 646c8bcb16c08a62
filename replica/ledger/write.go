package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Write is one accepted write as answers carry it.
type Write struct {
	Dot     logical.Dot
	Kind    resolve.Kind // zero: nothing of it is left here but its dot
	Value   []byte       // what a register held afterwards, cut to Config.Value
	Size    int          // of the whole value
	Delta   int64
	Expires wallclock.Instant

	Wall    wallclock.Interval
	HLC     logical.HLC
	Lamport logical.Lamport

	Ended *resolve.Ended // the write deletes what had reached its deadline, Expires; nil: it does not, or the log holds it no more

	Leader   string // where it was accepted
	Client   uint64 // zero: unknown, what is left of it does not say or it named none
	Author   string // Client, as people read it
	Parents  []logical.Dot
	LogEntry bool // the log still holds it
}

// write gathers what is left of d: from the log, else from the ledger's row and
// the object.
func (q *asked) write(d logical.Dot) Write {
	w := Write{Dot: d, Leader: q.leader(d.Origin)}
	if op, ok := q.Op(d); ok {
		w.Kind, w.Delta, w.Expires, w.LogEntry = op.Kind, op.Delta.Clamp(), op.Expires, true
		w.Wall, w.HLC, w.Lamport = op.Stamps()
		w.Parents, w.Ended = op.Parents, op.Ended
		w.Value, w.Size, w.Client = op.Value, q.ops[d].size, op.Client
	} else {
		q.remains(&w)
	}
	w.Author = q.author(w.Client)
	return w
}

// remains fills in what the row keeps, which is all but the end of a long value,
// or else what the object still has: it does not know the client, and nothing of a
// value that only a counter keeps.
func (q *asked) remains(w *Write) {
	kept, ok := q.kept(w.Dot)
	if ok {
		kept.Dot, kept.Leader = w.Dot, w.Leader
		*w = kept
	}
	if i, found := q.object.Find(w.Dot); found {
		v := &q.object.Versions[i]
		switch {
		case ok && len(v.Value) <= len(w.Value):
		case ok:
			w.Value = v.Value
		case v.Value != nil || v.Deleted():
			w.Kind, w.Expires, w.Wall, w.HLC, w.Lamport = v.Kind, v.Expires, v.Wall, v.HLC, v.Lamport
			w.Value, w.Size = v.Value, len(v.Value)
		}
	}
	w.Value = cut(w.Value, q.cfg.Value)
}

// kept is what the ledger's own row knows of the write.
func (q *asked) kept(d logical.Dot) (Write, bool) {
	k, ok := q.ledger.(Keeper)
	if !ok || len(q.losses(d)) == 0 {
		return Write{}, false
	}
	w, ok, err := k.Evidence(q.object.Key, d)
	q.fail(err)
	return w, ok && err == nil
}

// cut bounds a value.
func cut(v []byte, limit int) []byte { return v[:min(len(v), limit):min(len(v), limit)] }

func (a *Account) leader(o logical.Origin) string {
	if a.cfg.Names.Leader != nil {
		if n := a.cfg.Names.Leader(o); n != "" {
			return n
		}
	}
	return "leader " + o.String()
}

func (a *Account) author(client uint64) string {
	if client == 0 {
		return ""
	}
	if a.cfg.Names.Client != nil {
		if n := a.cfg.Names.Client(client); n != "" {
			return "client " + n
		}
	}
	return "client " + strconv.FormatUint(client, 10)
}

// what is the write in one word or two: its value, or that it deletes.
func (w *Write) what() string {
	switch {
	case w.Kind == 0:
		return "a write that is no longer in the log (" + w.Dot.String() + ")"
	case w.ended():
		return "the end of its time to live"
	case w.Kind == resolve.Delete:
		return "a deletion"
	}
	const brief = 40
	text := quoted(cut(w.Value, brief))
	if w.Size > brief || w.Size > len(w.Value) {
		text += fmt.Sprintf("… (%d bytes)", w.Size)
	}
	return text
}

// ended reports whether the write deletes what had reached its deadline.
func (w *Write) ended() bool { return w.Ended != nil || w.Kind == resolve.Delete && w.Expires != 0 }

// how says of an end by whose word it came: no client asked for it.
func (w *Write) how(now wallclock.Instant) string {
	text := "its time to live ended at " + dated(w.Expires, now)
	if w.Ended != nil {
		text += fmt.Sprintf(", and %s deleted it when the time that it and its peers agree on was %s", w.Leader, dated(w.Ended.At, now))
	}
	return text
}

// from is the write with its author.
func (w *Write) from() string {
	if w.ended() {
		return w.what() + ", as told by " + w.Leader
	}
	return w.what() + " from " + w.whose()
}

// whose is who wrote it, and where.
func (w *Write) whose() string {
	author := w.Author
	if author == "" {
		author = "a client"
	}
	return author + " at " + w.Leader
}

// quoted is a value as people read it: a number bare, all else in quotes, so that
// it cannot be mistaken for a word of the sentence.
func quoted(v []byte) string {
	if _, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return string(v)
	}
	return strconv.Quote(string(v))
}

// word is a key as people read it: bare if it cannot be mistaken for more than one
// word, else quoted.
func word(v []byte) string {
	s := string(v)
	odd := func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.IsSpace(r) || strings.ContainsRune(`"'.,;:`, r)
	}
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, odd) {
		return strconv.Quote(s)
	}
	return s
}

// clock is an instant as people read it: the time of day in UTC, to the
// millisecond and further if there is more.
func clock(i wallclock.Instant) string {
	s := strings.TrimRight(i.Time().Format("15:04:05.000000000"), "0")
	if pad := len("15:04:05.000") - len(s); pad > 0 {
		s += strings.Repeat("0", pad)
	}
	return s
}

// dated is the same with the day in front when it is another day than that of
// the other instant.
func dated(i, other wallclock.Instant) string {
	const day = 24 * time.Hour
	if i.Time().Truncate(day).Equal(other.Time().Truncate(day)) {
		return clock(i)
	}
	return i.Time().Format("2006-01-02 ") + clock(i)
}
