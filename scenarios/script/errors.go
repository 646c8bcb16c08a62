package script

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xrash/smetrics"
)

// Error is one mistake in a script.
type Error struct {
	File     string
	Line     int    // in the whole archive, from 1
	Column   int    // in bytes, from 1
	Read     string // as it is written in the script; empty: the line or the file ended
	Expected string
	Hint     string // what to do about it, may be empty
	Text     string // the line as it is written; empty: the mistake is in no line

	once bool // others that expect the same have the same cause
}

// quotedBytes is how much of what was read a message repeats.
const quotedBytes = 48

func (e *Error) Error() string {
	read := "nothing more"
	if e.Read != "" {
		read = fmt.Sprintf("%q", shorten(e.Read))
	}
	text := fmt.Sprintf("%s:%d:%d: read %s, expected %s", e.File, e.Line, e.Column, read, e.Expected)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

func shorten(text string) string {
	if len(text) <= quotedBytes {
		return text
	}
	return strings.ToValidUTF8(text[:quotedBytes], "") + "..."
}

// oneOf words the expectation of one name out of several.
func oneOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

// meant is the nearest of the names, or "" when none is near.
func meant(read string, names []string) string {
	best, nearest := "", 3
	for _, name := range names {
		if d := distance(read, name); d < nearest && d < len(name) {
			best, nearest = name, d
		}
	}
	return best
}

// didYouMean asks whether the nearest of the names was meant; "": none is near.
func didYouMean(read string, names []string) string {
	if best := meant(read, names); best != "" {
		return "did you mean " + best + "?"
	}
	return ""
}

// distance is Levenshtein's; words too long to be a slip are merely far.
func distance(a, b string) int {
	if len(a) > quotedBytes || len(b) > quotedBytes {
		return quotedBytes
	}
	return smetrics.WagnerFischer(a, b, 1, 1, 1)
}

// namesOf renders names of a string type for a message.
func namesOf[T ~string](values []T) []string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	return names
}

func sortedKeys[V any](set map[string]V) []string { return slices.Sorted(maps.Keys(set)) }
