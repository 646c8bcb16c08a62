package resp

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Args are a command's arguments, its name first.
type Args [][]byte

// Is reports whether argument i is the word, which is in upper case, in any case.
func (a Args) Is(i int, word string) bool { return SameWord(a[i], word) }

// Int reads argument i. The error is ErrNotInteger.
func (a Args) Int(i int) (int64, error) {
	n, ok := ParseInt(a[i])
	if !ok {
		return 0, ErrNotInteger
	}
	return n, nil
}

// Texts is copies of the arguments from from on.
func (a Args) Texts(from int) []string {
	texts := make([]string, 0, len(a)-from)
	for _, b := range a[from:] {
		texts = append(texts, string(b))
	}
	return texts
}

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

// SameWord compares with an ASCII word without case.
func SameWord(b []byte, word string) bool {
	return len(b) == len(word) && strings.EqualFold(string(b), word)
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
			if i := strings.IndexByte(escaped, c); i >= 0 {
				dst = append(dst, '\\', escapes[i])
			} else {
				dst = fmt.Appendf(dst, `\x%02x`, c)
			}
		}
	}
	return append(dst, '"')
}

// What has a letter behind a backslash, in this order.
const escaped, escapes = "\n\r\t\b\a", "nrtba"

// Flag is 1 or 0, as replies say yes and no.
func Flag(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// Error is an error in the protocol's words: a code in capitals, which programs look
// at, then a sentence for people.
type Error string

func (e Error) Error() string { return string(e) }

// Refuse is an error that the client is told as it is: a code in capitals, which
// programs look at, then a sentence for people.
func Refuse(code, format string, args ...any) error {
	return Error(code + " " + fmt.Sprintf(format, args...))
}

// Errors of Redis that many commands answer.
const (
	ErrSyntax     = Error("ERR syntax error")
	ErrNotInteger = Error("ERR value is not an integer or out of range")
)

// WrongArity is Redis' answer to too few or too many arguments.
func WrongArity(name string) error {
	return Error("ERR wrong number of arguments for '" + name + "' command")
}

// Conflict is the answer to a plain command on a key that shows siblings.
func Conflict(n int) error {
	return Error("CONFLICT " + strconv.Itoa(n) + " siblings; use KVD.GET")
}

// ErrDraining is what an Engine wraps when it takes no more requests because
// its leader is about to stop.
var ErrDraining = errors.New("this leader is draining")
