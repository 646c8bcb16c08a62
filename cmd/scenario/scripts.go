package main

import (
	"errors"
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
		why := strings.ReplaceAll(err.Error(), "\n", "\n      ") // below what stands behind "why:  "
		return chosen{}, cliutil.Fail("cannot read the scenario "+arg, errors.New(why), "scenario verbs prints the language")
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

func scripts(all []chosen) []*script.Scenario {
	list := make([]*script.Scenario, len(all))
	for i, c := range all {
		list[i] = c.Scenario
	}
	return list
}

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

// updatable refuses, before anything is played, what could not be written or
// would be a table of something else than scripts expect. It gives library
// scenarios their files.
func updatable(c *cli.Context, all []chosen) error {
	ids, err := resolvers(c.String("resolvers"))
	if err != nil {
		return err
	}
	if len(ids) != len(scenarios.Resolvers()) {
		return cliutil.Usage("--update needs every resolver", "the expect section has a row for each", "leave out --resolvers")
	}
	for _, s := range all {
		if usual := scenarios.SeedOf(s.Scenario, 0); scenarios.SeedOf(s.Scenario, c.Uint64("seed")) != usual {
			return cliutil.Usage("--update needs the usual seed", fmt.Sprintf("%s expects what happens with seed %d", s.Name, usual), "leave out --seed")
		}
	}
	for i := range all {
		if err := all[i].locate(); err != nil {
			return err
		}
	}
	return nil
}

// locate finds the file to rewrite and sees that it can be written.
func (s *chosen) locate() error {
	if s.arg == stdin {
		return cliutil.Usage("--update has no file to write to", "the scenario came on standard input", "put it into a file, and name that")
	}
	if s.path == "" {
		path, ok := home(s.Name)
		if !ok {
			return cliutil.Usage("--update has no file for "+s.Name, "the library is part of the program",
				"run it inside the source tree, or on a file of your own: scenario show "+s.Name+" > mine.txtar")
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return cliutil.Fail("cannot update "+path, err, "")
		}
		if string(text) != string(s.text) {
			return cliutil.Fail("cannot update "+path, errors.New("it is not the text this program was built with"), "go run ./cmd/scenario builds it anew")
		}
		s.path = path
	}
	if info, err := os.Stat(s.path); err == nil && !info.Mode().IsRegular() {
		return cliutil.Usage("--update has no file to write to", s.path+" is no regular file", "put the scenario into a file, and name that")
	}
	f, err := os.OpenFile(s.path, os.O_WRONLY, 0)
	if err != nil {
		return cliutil.Fail("cannot update "+s.path, err, "--update needs a file it may write")
	}
	return f.Close()
}

func updateAll(c *cli.Context, all []chosen, results []*scenarios.Result) error {
	for _, s := range all {
		mine := slices.DeleteFunc(slices.Clone(results), func(r *scenarios.Result) bool { return r.Scenario != s.Name })
		changed, err := scenarios.UpdateFile(s.path, s.text, s.Scenario, mine)
		if err != nil {
			return cliutil.Fail("cannot update "+s.path, err, "the old file is still there")
		}
		if changed {
			say(c.App.ErrWriter, "updated "+s.path)
		}
	}
	return nil
}
