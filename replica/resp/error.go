package resp

import (
	"fmt"
	"strconv"
)

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
