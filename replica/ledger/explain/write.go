package explain

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/wallclock"
)

// what is the write in one word or two: its value, or that it deletes.
func what(w *ledger.Write) string {
	switch {
	case w.Kind == 0:
		return "a write that is no longer in the log (" + w.Dot.String() + ")"
	case w.Expired():
		return "the end of its time to live"
	case w.Kind == resolve.Delete:
		return "a deletion"
	}
	const brief = 40
	text := quoted(w.Value[:min(len(w.Value), brief)])
	if w.Size > brief || w.Size > len(w.Value) {
		text += fmt.Sprintf("… (%d bytes)", w.Size)
	}
	return text
}

// how says of an end by whose word it came: no client asked for it.
func how(w *ledger.Write, now wallclock.Instant) string {
	text := "its time to live ended at " + dated(w.Expires, now)
	if w.Ended != nil {
		text += fmt.Sprintf(", and %s deleted it when the time that it and its peers agree on was %s", w.Leader, dated(w.Ended.At, now))
	}
	return text
}

func from(w *ledger.Write) string {
	if w.Expired() {
		return what(w) + ", as told by " + w.Leader
	}
	return what(w) + " from " + whose(w)
}

func whose(w *ledger.Write) string {
	return cmp.Or(w.Author, "a client") + " at " + w.Leader
}

// quoted is a value as people read it: a number bare, all else in quotes, so that
// it cannot be mistaken for a word of the sentence.
func quoted(v []byte) string {
	if _, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return string(v)
	}
	return strconv.Quote(string(v))
}

// Word is a key as people read it: bare if it cannot be mistaken for more than one
// word, else quoted.
func Word(s string) string {
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
