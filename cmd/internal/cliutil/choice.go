package cliutil

import (
	"fmt"
	"slices"
	"strings"
)

// OneOf refuses a value that is none of the known ones, and names the nearest.
func OneOf(given string, known ...string) error {
	if slices.Contains(known, given) {
		return nil
	}
	return fmt.Errorf("%q is none of %s%s", given, series(known), guess(given, known))
}

// series is names as a sentence has them.
func series(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return strings.Join(names, "")
}

// Meant ends the error about a name that is none of the known ones with the nearest
// one, if there is any. Nil stays nil.
func Meant(err error, given string, known []string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w%s", err, guess(given, known))
}

// guess ends a sentence with what was probably meant, if anything.
func guess(given string, known []string) string {
	if near := Nearest(given, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// MeantOr is the way on from a name that is none of the known ones: the nearest one, or
// else what is given.
func MeantOr(given string, known []string, otherwise string) string {
	if near := Nearest(given, known); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}
