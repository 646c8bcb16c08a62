package cliutil

import (
	"fmt"
	"slices"
	"strings"

	"kvd/resolve"
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

// Resolver reads the name of a resolver. The error names the nearest one.
func Resolver(name string) (resolve.ID, error) {
	id, err := resolve.ParseID(name)
	if err != nil {
		err = fmt.Errorf("%w%s", err, guess(name, resolve.All.Names()))
	}
	return id, err
}

// guess ends a sentence with what was probably meant, if anything.
func guess(given string, known []string) string {
	if near := Nearest(given, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
