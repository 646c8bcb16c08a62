package console

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is bytes that somebody chose, for people: as they are where they can be read and
// mistaken for nothing else, or else quoted with escapes. It is text, and never markup.
type Text struct {
	Shown string `json:"shown"`
	// Link is all of them as a query has them; empty: they are too many for one, or are no
	// key.
	Link string `json:"link,omitempty"`
	Size int    `json:"size"` // bytes of all of them
}

// What is shown of a text, and what still has a link, in bytes.
const (
	maxShown = 256
	maxLink  = 4 << 10
)

// KeyText is a key, with its link.
func KeyText(key string) Text {
	t := ValueText([]byte(key))
	if len(key) <= maxLink {
		t.Link = escaped(key)
	}
	return t
}

// ValueText is the beginning of a value.
func ValueText(value []byte) Text {
	return Text{Shown: legible(value), Size: len(value)}
}

// legible is the beginning of some bytes as people can read them.
func legible(b []byte) string {
	short, more := string(b), ""
	if len(b) > maxShown {
		cut := maxShown
		for cut > maxShown-utf8.UTFMax && !utf8.RuneStart(b[cut]) {
			cut--
		}
		short, more = string(b[:cut]), fmt.Sprintf("… (%d bytes)", len(b))
	}
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == '\\' }
	if short == "" || !utf8.ValidString(short) || strings.ContainsFunc(short, odd) || strings.TrimSpace(short) != short {
		short = strconv.Quote(short)
	}
	return short + more
}

// escaped is bytes as a query has them: every byte but letters, digits, and a few signs
// as % and its number.
func escaped(key string) string {
	var b strings.Builder
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.:", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
