package script

import (
	"fmt"
	"maps"
	"slices"

	"kvd/scenarios/script/internal/spell"
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

func (e *Error) Error() string {
	read := "nothing more"
	if e.Read != "" {
		read = fmt.Sprintf("%q", spell.Shorten(e.Read))
	}
	text := fmt.Sprintf("%s:%d:%d: read %s, expected %s", e.File, e.Line, e.Column, read, e.Expected)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
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
