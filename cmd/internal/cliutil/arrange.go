package cliutil

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// Arrange is args with every flag moved ahead of the positional arguments of
// the command it belongs to, in the form --name=value. Everything after "--" is
// positional, and so is a number that begins with a minus. What else begins with
// a minus must be a flag of the chosen command or of one above it. Who asks for
// help is given that of the commands named, and nothing else is looked at; who
// asks for the version, that. The error is a *Problem. args, which begin with the
// program's name, stay as they are.
func Arrange(app *cli.App, args []string) ([]string, error) {
	a := arranger{levels: []level{{flags: app.Flags, commands: app.Commands}}, program: app.Name, synonyms: synonymsOf(app)}
	if len(args) == 0 {
		return []string{app.Name}, nil
	}
	a.rest = args[1:]
	for len(a.rest) > 0 {
		if err := a.next(); err != nil {
			return nil, err
		}
	}
	if err := a.leftOver(); err != nil {
		return nil, err
	}
	return a.line(args[0]), nil
}

// level is the program or a command, and what was said to it.
type level struct {
	name     string
	command  *cli.Command // nil: the program, or help
	flags    []cli.Flag
	commands []*cli.Command
	given    []string // its flags as given, arranged
}

type arranger struct {
	program     string
	levels      []level // the program, then the commands chosen, deepest last
	positionals []string
	rest        []string
	synonyms    Synonyms
	help        bool // somebody asks for it, by flag or by name
	version     bool
}

// line puts everything back together.
func (a *arranger) line(program string) []string {
	out := []string{program}
	switch {
	case a.help:
		return append(append(out, a.chosen()...), "--help")
	case a.version:
		return append(out, "--"+versionFlag)
	}
	for i, l := range a.levels {
		if i > 0 {
			out = append(out, l.name)
		}
		out = append(out, l.given...)
	}
	if len(a.positionals) > 0 {
		out = append(append(out, "--"), a.positionals...)
	}
	return out
}

// next takes one argument, and a flag's value with it.
func (a *arranger) next() error {
	arg := a.rest[0]
	a.rest = a.rest[1:]
	switch {
	case arg == "--":
		a.positionals = append(a.positionals, a.rest...)
		a.rest = nil
		return nil
	case !looksLikeFlag(arg):
		return a.word(arg)
	case strings.HasPrefix(arg, "--"):
		return a.flag(arg, strings.TrimPrefix(arg, "--"))
	}
	name, _, _ := strings.Cut(arg[1:], "=")
	if f, _ := a.find(name); f != nil {
		return a.flag(arg, arg[1:])
	}
	return a.letters(arg)
}

func looksLikeFlag(arg string) bool {
	if len(arg) < 2 || arg[0] != '-' {
		return false
	}
	_, err := strconv.ParseFloat(arg, 64)
	return err != nil
}

// word is a command while commands are to be chosen, and data afterwards.
func (a *arranger) word(arg string) error {
	last := &a.levels[len(a.levels)-1]
	if len(last.commands) == 0 || len(a.positionals) > 0 {
		a.positionals = append(a.positionals, arg)
		return nil
	}
	for _, c := range last.commands {
		if c.HasName(arg) {
			a.levels = append(a.levels, level{name: arg, command: c, flags: c.Flags, commands: c.Subcommands})
			return nil
		}
	}
	if arg == "help" || arg == "h" {
		a.help = true
		return nil
	}
	return a.unknownCommand(arg, last.commands)
}

func (a *arranger) unknownCommand(arg string, commands []*cli.Command) error {
	var names []string
	for _, c := range commands {
		names = append(names, c.Names()...)
	}
	meant := a.synonyms.meaning(a.chosen(), arg)
	if near := Nearest(arg, names); meant == "" && near != "" {
		meant = a.path() + " " + near
	}
	return Usage(fmt.Sprintf("unknown command %q", arg), fmt.Sprintf("%s has no command of that name", a.path()),
		DidYouMean(meant, a.path()+" help lists them"))
}

func (a *arranger) chosen() []string {
	var names []string
	for _, l := range a.levels[1:] {
		names = append(names, l.name)
	}
	return names
}

func (a *arranger) path() string {
	return strings.Join(append([]string{a.program}, a.chosen()...), " ")
}

// leftOver refuses arguments where the command says that it takes none: what is
// ignored was meant.
func (a *arranger) leftOver() error {
	c := a.levels[len(a.levels)-1].command
	if c == nil || c.ArgsUsage != "" || len(c.Subcommands) > 0 || len(a.positionals) == 0 || a.help || a.version {
		return nil
	}
	return Usage(a.path()+" takes no arguments", "read: "+strings.Join(a.positionals, " "), a.path()+" --help says what it takes")
}

// find looks for a flag, and the level that it belongs to, from the deepest level up. Help
// is known everywhere.
func (a *arranger) find(name string) (cli.Flag, *level) {
	for i := len(a.levels) - 1; i >= 0; i-- {
		for _, f := range a.levels[i].flags {
			if slices.Contains(f.Names(), name) {
				return f, &a.levels[i]
			}
		}
	}
	if slices.Contains(cli.HelpFlag.Names(), name) {
		return cli.HelpFlag, &a.levels[len(a.levels)-1]
	}
	return nil, nil
}

func takesValue(f cli.Flag) bool {
	doc, ok := f.(cli.DocGenerationFlag)
	return ok && doc.TakesValue()
}

// flag takes --name, --name=value or --name value; text is arg without dashes.
func (a *arranger) flag(arg, text string) error {
	name, value, has := strings.Cut(text, "=")
	f, at := a.find(name)
	if f == nil {
		return a.unknownFlag(arg)
	}
	if takesValue(f) && !has {
		if len(a.rest) == 0 {
			return Usage(fmt.Sprintf("flag %s needs a value", arg), "the command line ends there", a.path()+" --help says which")
		}
		value, has = a.rest[0], true
		a.rest = a.rest[1:]
	}
	a.give(at, name, value, has)
	return nil
}

// give notes what a flag was given.
func (a *arranger) give(at *level, name, value string, has bool) {
	on := !has || value == "true"
	a.help = a.help || on && slices.Contains(cli.HelpFlag.Names(), name)
	a.version = a.version || on && name == versionFlag
	text := "--" + name
	if has {
		text += "=" + value
	}
	at.given = append(at.given, text)
}

// letters takes -abc: flags of one letter side by side; one that takes a value
// takes what follows it, as in -ojson.
func (a *arranger) letters(arg string) error {
	for text := arg[1:]; text != ""; text = text[1:] {
		f, at := a.find(text[:1])
		switch {
		case f == nil:
			return a.unknownFlag(arg)
		case takesValue(f) && len(text) == 1:
			return a.flag("-"+text, text)
		case takesValue(f):
			a.give(at, text[:1], strings.TrimPrefix(text[1:], "="), true)
			return nil
		}
		a.give(at, text[:1], "", false)
	}
	return nil
}

func (a *arranger) unknownFlag(arg string) error {
	var names []string
	for _, l := range a.levels {
		for _, f := range l.flags {
			names = append(names, f.Names()...)
		}
	}
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	meant := a.synonyms.meaning(a.chosen(), dashed(name))
	if near := Nearest(name, names); meant == "" && near != "" {
		meant = dashed(near)
	}
	return Usage(fmt.Sprintf("unknown flag %s", arg), fmt.Sprintf("%s has no flag of that name", a.path()),
		DidYouMean(meant, a.path()+" --help lists them; after -- everything is taken as it stands"))
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
