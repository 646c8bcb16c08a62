package cliutil

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// Nearest is the name most like the one read, or "" when none is near enough to
// have been meant: a few letters off, two of them swapped, in capitals, or its
// beginning.
func Nearest(read string, names []string) string {
	read = strings.ToLower(read)
	best, nearest := "", max(1, len(read)/3)
	for _, name := range names {
		if d := apart(read, name); d <= nearest && d < len(name) && (best == "" || d < nearest) {
			best, nearest = name, d
		}
	}
	if best == "" && len(read) > 2 {
		best = begun(read, names)
	}
	return best
}

// apart is how many letters lie between two names; neighbours that changed
// places are one.
func apart(a, b string) int {
	d := smetrics.WagnerFischer(a, b, 1, 1, 1)
	if d != 2 || len(a) != len(b) {
		return d
	}
	for i := range len(a) - 1 {
		if a[i] == b[i+1] && a[i+1] == b[i] && a[:i] == b[:i] && a[i+2:] == b[i+2:] {
			return 1
		}
	}
	return d
}

// begun is the only name that begins so, or "".
func begun(read string, names []string) string {
	found := ""
	for _, name := range names {
		switch {
		case !strings.HasPrefix(name, read):
		case found != "":
			return ""
		default:
			found = name
		}
	}
	return found
}

// OneOf refuses a value that is none of the known ones, and names the nearest.
func OneOf(given string, known ...string) error {
	if slices.Contains(known, given) {
		return nil
	}
	return fmt.Errorf("%q is none of %s%s", given, Series(known), guess(given, known))
}

// Series is words as a sentence has them: n1, n2 and n3.
func Series(names []string) string {
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

// Synonyms are words that other programs have for what this one can do, each with
// what to say here instead. A key is a word, or a flag with its dashes, after the
// commands that it may follow: "keys", "context list", "--json". None is a command
// or a flag of ours.
type Synonyms map[string]string

// synonymsKey is where a program keeps them.
const synonymsKey = "synonyms"

// In lets the program answer to the words with what was meant.
func (s Synonyms) In(app *cli.App) *cli.App {
	if app.Metadata == nil {
		app.Metadata = map[string]any{}
	}
	app.Metadata[synonymsKey] = s
	return app
}

func synonymsOf(app *cli.App) Synonyms {
	s, _ := app.Metadata[synonymsKey].(Synonyms) // none: nil
	return s
}

// meaning is what to say instead of a word after these commands: what is said of
// it there, or anywhere. Empty: nobody knows.
func (s Synonyms) meaning(commands []string, word string) string {
	word = strings.ToLower(word)
	if means := s[strings.Join(append(commands[:len(commands):len(commands)], word), " ")]; means != "" {
		return means
	}
	if strings.HasPrefix(word, "-") {
		return s[word]
	}
	return ""
}

// DidYouMean begins the way on with what was probably meant; meant may be empty.
func DidYouMean(meant, next string) string {
	if meant == "" {
		return next
	}
	return "did you mean " + meant + "? " + next
}
