package cliutil

import (
	"strings"

	"github.com/urfave/cli/v2"
)

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
