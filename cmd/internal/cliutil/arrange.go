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
// a minus must be a flag of the chosen command or of one above it. The error is
// a *Problem. args, which begin with the program's name, stay as they are.
func Arrange(app *cli.App, args []string) ([]string, error) {
	a := arranger{levels: []level{{flags: app.Flags, commands: app.Commands}}, program: app.Name}
	if len(args) == 0 {
		return []string{app.Name}, nil
	}
	a.rest = args[1:]
	for len(a.rest) > 0 {
		if err := a.next(); err != nil {
			return nil, err
		}
	}
	return a.line(args[0]), nil
}

// level is the program or a command, and what was said to it.
type level struct {
	name     string
	flags    []cli.Flag
	commands []*cli.Command
	given    []string // its flags as given, arranged
}

// arranger is one command line being read.
type arranger struct {
	program     string
	levels      []level // the program, then the commands chosen, deepest last
	positionals []string
	rest        []string
}

// line puts everything back together.
func (a *arranger) line(program string) []string {
	out := []string{program}
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
	if name, _, _ := strings.Cut(arg[1:], "="); a.find(name) != nil {
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
			a.levels = append(a.levels, level{name: arg, flags: c.Flags, commands: c.Subcommands})
			return nil
		}
	}
	if arg == "help" || arg == "h" {
		a.levels = append(a.levels, level{name: arg, commands: last.commands})
		return nil
	}
	return a.unknownCommand(arg, last.commands)
}

func (a *arranger) unknownCommand(arg string, commands []*cli.Command) error {
	var names []string
	for _, c := range commands {
		names = append(names, c.Names()...)
	}
	next := fmt.Sprintf("%s help lists them", a.path())
	if near := Nearest(arg, names); near != "" {
		next = fmt.Sprintf("did you mean %s %s? %s", a.path(), near, next)
	}
	return Usage(fmt.Sprintf("unknown command %q", arg), fmt.Sprintf("%s has no command of that name", a.path()), next)
}

// path is the commands chosen so far, without help.
func (a *arranger) path() string {
	path := a.program
	for _, l := range a.levels[1:] {
		if l.name != "help" && l.name != "h" {
			path += " " + l.name
		}
	}
	return path
}

// owned is a flag and the level it belongs to.
type owned struct {
	cli.Flag
	level *level
}

// takesValue says whether an argument follows.
func (o *owned) takesValue() bool {
	doc, ok := o.Flag.(cli.DocGenerationFlag)
	return ok && doc.TakesValue()
}

// find looks for a flag from the deepest level up. Help is known everywhere.
func (a *arranger) find(name string) *owned {
	for i := len(a.levels) - 1; i >= 0; i-- {
		for _, f := range a.levels[i].flags {
			if slices.Contains(f.Names(), name) {
				return &owned{f, &a.levels[i]}
			}
		}
	}
	if slices.Contains(cli.HelpFlag.Names(), name) {
		return &owned{cli.HelpFlag, &a.levels[len(a.levels)-1]}
	}
	return nil
}

// flag takes --name, --name=value or --name value; text is arg without dashes.
func (a *arranger) flag(arg, text string) error {
	name, value, has := strings.Cut(text, "=")
	f := a.find(name)
	if f == nil {
		return a.unknownFlag(arg)
	}
	if f.takesValue() && !has {
		if len(a.rest) == 0 {
			return Usage(fmt.Sprintf("flag %s needs a value", arg), "the command line ends there", a.path()+" --help says which")
		}
		value, has = a.rest[0], true
		a.rest = a.rest[1:]
	}
	f.give(name, value, has)
	return nil
}

func (o *owned) give(name, value string, has bool) {
	text := "--" + name
	if has {
		text += "=" + value
	}
	o.level.given = append(o.level.given, text)
}

// letters takes -abc: flags of one letter side by side; one that takes a value
// takes what follows it, as in -ojson.
func (a *arranger) letters(arg string) error {
	for text := arg[1:]; text != ""; {
		f := a.find(text[:1])
		if f == nil {
			return a.unknownFlag(arg)
		}
		if f.takesValue() {
			return a.valued(f, text)
		}
		f.give(text[:1], "", false)
		text = text[1:]
	}
	return nil
}

// valued gives a one-letter flag the rest of its argument, or the next one.
func (a *arranger) valued(f *owned, text string) error {
	if len(text) == 1 {
		return a.flag("-"+text, text)
	}
	f.give(text[:1], strings.TrimPrefix(text[1:], "="), true)
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
	next := fmt.Sprintf("%s --help lists them; after -- everything is taken as it stands", a.path())
	if near := Nearest(name, names); near != "" {
		next = fmt.Sprintf("did you mean %s? %s", dashed(near), next)
	}
	return Usage(fmt.Sprintf("unknown flag %s", arg), fmt.Sprintf("%s has no flag of that name", a.path()), next)
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
