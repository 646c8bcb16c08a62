package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
)

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

// updateAll rewrites the expect sections.
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
