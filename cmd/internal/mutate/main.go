package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// usual are the packages that decide about users' data, each with the tests of
// others that cover it.
var usual = []string{
	"logical",
	"resolve+resolve/resolvetest+scenarios/oracle+replica+resolve/replay",
	"replica+replica/host+scenarios/world",
	"replica/internal/causal+replica",
	"replica/internal/settlement+replica",
	"replica/internal/stream+replica",
	"scenarios/oracle+scenarios+scenarios/library",
}

type options struct {
	dir    string // the top of the module
	only   string // a part of "file function | change"
	seed   uint64
	sample int // mutants run of each package at most; zero: all
	jobs   int
	all    bool // name the killed too
}

func main() {
	if err := command(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func command(args []string, out, progress io.Writer) error {
	o := options{}
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.StringVar(&o.dir, "dir", ".", "the top of the module")
	flags.StringVar(&o.only, "only", "", "run only mutants whose `text` (file, function or change) has this part")
	flags.Uint64Var(&o.seed, "seed", 1, "which mutants a sample takes")
	flags.IntVar(&o.sample, "sample", 0, "run at most `N` mutants of each package; 0: all")
	flags.IntVar(&o.jobs, "jobs", 2, "runs at the same time")
	flags.BoolVar(&o.all, "v", false, "list the killed mutants too")
	flags.Usage = func() {
		fmt.Fprintf(progress, "mutate [flags] [PACKAGE[+PACKAGE whose tests run too]]...\n\nWithout packages: %s\n\n", strings.Join(usual, " "))
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return nil
		}
		return err
	}
	if o.jobs < 1 {
		return fmt.Errorf("-jobs %d: one at least is needed", o.jobs)
	}
	targets := flags.Args()
	if len(targets) == 0 {
		targets = usual
	}
	list, err := equivalents(equivalentText)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "seed %d\n", o.seed)
	var results []*result
	for _, target := range targets {
		r, err := sweep(o, target, list, progress)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	report(out, o, results)
	return nil
}

func sweep(o options, target string, list map[string]string, progress io.Writer) (*result, error) {
	scratch, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	pkgs := strings.Split(filepath.ToSlash(target), "+")
	mutants, overlay, err := rewrite(o.dir, pkgs[0], scratch)
	if err != nil {
		return nil, err
	}
	var suites []*suite
	for _, pkg := range pkgs {
		s, err := build(o.dir, pkg, overlay, scratch)
		if err != nil {
			return nil, err
		}
		if err := s.survey(scratch, o.jobs); err != nil {
			return nil, err
		}
		suites = append(suites, s)
	}
	r := sort(o, pkgs[0], mutants, suites, list)
	r.run(o, suites, progress)
	return r, nil
}
