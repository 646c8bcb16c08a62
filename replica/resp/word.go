package resp

import "bytes"

// ParseInt reads a decimal number that is written as one is printed: no plus sign,
// no blanks, no zeros before it, as Redis does.
func ParseInt(b []byte) (int64, bool) {
	digits := b
	if len(b) > 0 && b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if len(digits) < len(b) {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n < 1<<63
}

// SameWord compares without case; word is in upper case.
func SameWord(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// Brief is as much of a word as errors repeat: at most n bytes, up to the first
// that is zero.
func Brief(word []byte, n int) string {
	word = word[:min(len(word), n)]
	if i := bytes.IndexByte(word, 0); i >= 0 {
		word = word[:i]
	}
	return string(word)
}

// Quote appends bytes as Redis quotes them for people.
func Quote(dst, b []byte) []byte {
	dst = append(dst, '"')
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ' && c <= '~':
			dst = append(dst, c)
		default:
			dst = quoteByte(dst, c)
		}
	}
	return append(dst, '"')
}

func quoteByte(dst []byte, c byte) []byte {
	switch c {
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case '\a':
		return append(dst, `\a`...)
	case '\b':
		return append(dst, `\b`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'x', hex[c>>4], hex[c&15])
}

// Flag is 1 or 0, as replies say yes and no.
func Flag(on bool) int64 {
	if on {
		return 1
	}
	return 0
}
