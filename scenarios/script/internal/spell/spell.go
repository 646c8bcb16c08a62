// Package spell is how words and values of scripts are written, and what a person meant who
// wrote another word. It reads no lines, and knows neither verbs nor scenarios.
package spell

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/xrash/smetrics"
)

// MaxNameBytes bounds a name of ours, and maxBytes what a message repeats of what was read.
const (
	MaxNameBytes = 64
	maxBytes     = 48
)

// Shorten is what a message repeats of the text.
func Shorten(text string) string {
	if len(text) <= maxBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxBytes], "") + "..."
}

// OneOf words the expectation of one name out of several.
func OneOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

// Nearest is the nearest of the names, or "" when none is near.
func Nearest(read string, names []string) string {
	best, nearest := "", 3
	for _, name := range names {
		if d := distance(read, name); d < nearest && d < len(name) {
			best, nearest = name, d
		}
	}
	return best
}

// DidYouMean asks whether the nearest of the names was meant; "": none is near.
func DidYouMean(read string, names []string) string {
	if best := Nearest(read, names); best != "" {
		return "did you mean " + best + "?"
	}
	return ""
}

// distance is Levenshtein's; words too long to be a slip are merely far.
func distance(a, b string) int {
	if len(a) > maxBytes || len(b) > maxBytes {
		return maxBytes
	}
	return smetrics.WagnerFischer(a, b, 1, 1, 1)
}

// Duration writes d as Go does, in ASCII and without idle units: 1m, not
// 1m0s.
func Duration(d time.Duration) string {
	text := strings.Replace(d.String(), "µs", "us", 1)
	for _, idle := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, idle) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// Signed writes d with its sign.
func Signed(d time.Duration) string {
	if d < 0 {
		return Duration(d)
	}
	return "+" + Duration(d)
}

// Quote writes content so that it reads back as one word with the same
// text: bare when every character of it shows.
func Quote(text string) string {
	if text == "" || text == "=" || text[0] == '#' || !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		return strconv.Quote(text)
	}
	return text
}

// hidden reports whether a character must be quoted to be seen or to be read.
func hidden(r rune) bool {
	return r == ' ' || r == '"' || !unicode.IsPrint(r)
}

// IsBlank reports whether the byte separates words.
func IsBlank(c byte) bool { return c == ' ' || c == '\t' }

// BlankAt is the index of the first blank, or the end of the text.
func BlankAt(text string) int {
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return i
	}
	return len(text)
}

// IsName reports whether the text names something of ours: a letter or digit,
// then letters, digits, hyphens and underscores, all ASCII.
func IsName(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '_') {
			return false
		}
	}
	return text != "" && len(text) <= MaxNameBytes
}

// IsText reports whether r may be in a script: no control characters but
// tab and newline, so that what people see is what is there.
func IsText(r rune) bool {
	return r == '\t' || r == '\n' || !unicode.IsControl(r)
}
