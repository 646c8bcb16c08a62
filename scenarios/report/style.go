package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kvd/scenarios"
	"kvd/wallclock"
)

// Widths used when a Style states none, in columns.
const (
	tableWidth   = 120
	pictureWidth = 100
	mostWidth    = 200 // of a picture on a wide terminal
	leastWidth   = 60  // narrower than this nothing can be read
)

// Style is how text is laid out. The zero Style is plain text of usual width.
type Style struct {
	Colour bool // losses in red; only for terminals
	Width  int  // columns there are; zero: enough, so each rendering is as it is best read
}

func (s Style) width(usual int) int {
	if s.Width > 0 {
		return max(leastWidth, min(s.Width, usual))
	}
	return usual
}

// whole is all columns that there are, up to what eyes can follow.
func (s Style) whole(usual int) int {
	if s.Width > 0 {
		return max(leastWidth, min(s.Width, mostWidth))
	}
	return usual
}

// red marks what was lost or broken.
func (s Style) red(text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m"
}

// trueTime is a moment since the scenario's zero, to the microsecond.
func trueTime(d time.Duration) string {
	if d < 1000*time.Second {
		return fmt.Sprintf("%.6fs", d.Seconds())
	}
	h, rest := d/time.Hour, d%time.Hour
	return fmt.Sprintf("%d:%02d:%09.6f", h, rest/time.Minute, (rest % time.Minute).Seconds())
}

// span is a length of time without digits nobody reads.
func span(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 10*unit {
			return d.Round(unit / 1000 * 100).String()
		}
	}
	return d.String()
}

// clock is what a wall clock showed, with the error it claims.
func clock(v wallclock.Interval) string {
	text := v.Midpoint().Time().Format("15:04:05.000000")
	if v.HalfWidth() > 0 {
		text += " ±" + v.HalfWidth().String()
	}
	return text
}

// shown is what a reader is shown, siblings side by side, in about limit
// columns.
func shown(values []string, limit int) string {
	if len(values) == 0 {
		return "–"
	}
	short := make([]string, len(values))
	for i, v := range values {
		short[i] = cut(v, max(3, limit/len(values)-3))
	}
	all := strings.Join(short, " | ")
	if width(all) > limit && len(values) > 2 {
		return fmt.Sprintf("%s | … (%d values)", short[0], len(values))
	}
	return all
}

// cut shortens one value and says how much there was: elements of a set, or
// bytes.
func cut(v string, limit int) string {
	v = clean(v)
	switch {
	case v == "":
		return `""`
	case width(v) <= limit:
		return v
	}
	if n := strings.Count(v, ",") + 1; n > 1 {
		return fmt.Sprintf("[%d elements]", n)
	}
	return fmt.Sprintf("[%d bytes]", len(v))
}

func begin(text string, limit int) string {
	runes := []rune(clean(text))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-1]) + "…"
}

func clean(text string) string { return strings.Map(printable, strings.ToValidUTF8(text, "�")) }

// printable keeps values from moving the cursor.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '·'
	}
	return r
}

// inWords is agreed for a sentence.
func inWords(r *scenarios.Result, key string, limit int) string {
	leaders := sortedKeys(r.Values)
	var texts, each []string
	for _, n := range leaders {
		text := shown(r.Values[n][key], limit)
		texts, each = append(texts, text), append(each, text+" at "+n)
	}
	if len(slices.Compact(texts)) <= 1 {
		return agreed(r, key, limit)
	}
	return list(each)
}

// agreed is what the leaders show of a key: once if all agree, by leader if
// they do not.
func agreed(r *scenarios.Result, key string, limit int) string {
	leaders := sortedKeys(r.Values)
	texts := make([]string, len(leaders))
	same := true
	for i, n := range leaders {
		texts[i] = shown(r.Values[n][key], limit)
		same = same && strings.Join(r.Values[n][key], "\x00") == strings.Join(r.Values[leaders[0]][key], "\x00")
	}
	if len(texts) == 0 {
		return "–"
	}
	if same {
		return texts[0]
	}
	for i, n := range leaders {
		texts[i] = n + ":" + texts[i]
	}
	return strings.Join(texts, ",")
}

func width(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

func padLeft(s string, n int) string { return strings.Repeat(" ", max(0, n-width(s))) + s }

// wrap breaks text between words into lines of at most n columns.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && width(line)+1+width(word) > n {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func titled(name, title string) string {
	if title == "" {
		return name
	}
	return name + ": " + title
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// thousands groups digits so that long numbers can be read.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func list(names []string) string {
	switch len(names) {
	case 0:
		return "none"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
