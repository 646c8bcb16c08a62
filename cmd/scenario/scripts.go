package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
)

// stdin names standard input on a command line.
const stdin = "-"

// chosen is a scenario somebody asked for.
type chosen struct {
	*script.Scenario
	text []byte // as it was read
	path string // the file it came from; empty: none
	arg  string // what named it on the command line
}

// choose reads the scenarios that the arguments name, or the given names if
// there are no arguments.
func choose(c *cli.Context, otherwise ...string) ([]chosen, error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		args = otherwise
	}
	var all []chosen
	for _, arg := range args {
		s, err := read(c, arg)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(o chosen) bool { return o.Name == s.Name }) {
			return nil, cliutil.Usage(fmt.Sprintf("two scenarios are called %q", s.Name), "results are told apart by name", "name each once, or change the name line of "+arg)
		}
		all = append(all, s)
	}
	return all, nil
}

// read finds one scenario: on standard input, in a file, or in the library.
func read(c *cli.Context, arg string) (chosen, error) {
	text, path, err := source(c, arg)
	if err != nil {
		return chosen{}, err
	}
	s, err := script.Parse(arg, text)
	if err != nil {
		return chosen{}, cliutil.Fail("cannot read the scenario "+arg, err, "scenario verbs prints the language")
	}
	return chosen{s, text, path, arg}, nil
}

// source is the text behind an argument, and its file if it has one.
func source(c *cli.Context, arg string) (text []byte, path string, err error) {
	switch {
	case arg == stdin:
		text, err = io.ReadAll(c.App.Reader)
	case strings.HasSuffix(arg, ".txtar") || strings.ContainsRune(arg, os.PathSeparator):
		text, err = os.ReadFile(arg)
		path = arg
	case !slices.Contains(library.Names(), arg):
		return nil, "", unknownScenario(arg)
	default:
		text, err = library.Source(arg)
	}
	if err != nil {
		return nil, "", cliutil.Fail("cannot read the scenario "+arg, err, "name a file that is there, or one of those that scenario list names")
	}
	return text, path, nil
}

func unknownScenario(arg string) error {
	for _, file := range []string{arg + ".txtar", "." + string(os.PathSeparator) + arg} {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return cliutil.Usage(fmt.Sprintf("unknown scenario %q", arg), "the library has none of that name", "did you mean the file "+file+"?")
		}
	}
	return cliutil.Usage(fmt.Sprintf("unknown scenario %q", arg), "the library has none of that name",
		cliutil.DidYouMean(cliutil.Nearest(arg, library.Names()), "scenario list names them; a file ends in .txtar"))
}

// scripts is what was chosen without where it came from.
func scripts(all []chosen) []*script.Scenario {
	list := make([]*script.Scenario, len(all))
	for i, c := range all {
		list[i] = c.Scenario
	}
	return list
}

// resolvers reads a list of resolver names, or all.
func resolvers(text string) ([]scenarios.Resolver, error) {
	if text == "all" {
		return scenarios.Resolvers(), nil
	}
	var ids []scenarios.Resolver
	for name := range strings.SplitSeq(text, ",") {
		id, err := resolver(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(ids, id) {
			return nil, cliutil.Usage("resolver "+name+" is named twice", "each is played once", "leave one out")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// resolver reads one name.
func resolver(name string) (scenarios.Resolver, error) {
	id, err := scenarios.ParseResolver(name)
	if err == nil {
		return id, nil
	}
	if name == "all" || strings.Contains(name, ",") {
		return 0, cliutil.Usage(fmt.Sprintf("%q is more than one resolver", name), "a run is explained under one at a time", "scenario compare plays several")
	}
	return 0, cliutil.Usage(fmt.Sprintf("unknown resolver %q", name), err.Error(), cliutil.MeantOr(name, scenarios.ResolverNames(), "choose one of them"))
}

// home is the library's file of the scenario, if the working folder is in the
// project's source tree.
func home(name string) (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		path := filepath.Join(dir, "scenarios", "library", name+".txtar")
		if _, err := os.Stat(path); err == nil {
			return path, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}
