package page

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxValue is how many characters of a value a page has.
const maxValue = 64

// Shorten leaves out the middle of a long value and says how much there was: elements of a
// set that is separated by commas, or bytes. Bytes that are no text become U+FFFD.
func Shorten(v string) string {
	v = strings.ToValidUTF8(v, "\uFFFD")
	if utf8.RuneCountInString(v) <= maxValue {
		return v
	}
	size := fmt.Sprintf(" (%d bytes)", len(v))
	if n := strings.Count(v, ",") + 1; n > 1 {
		size = fmt.Sprintf(" (%d elements)", n)
	}
	const head, tail = maxValue / 4, maxValue / 4
	runes := []rune(v)
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:]) + size
}
