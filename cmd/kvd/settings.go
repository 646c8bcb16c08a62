package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

// kind is what a setting's values look like.
type kind uint8

const (
	single kind = iota // one value
	list               // several; each use of the flag adds one
	toggle             // true or false
)

// setting is one row: a flag, a variable of the environment, a key of the file.
type setting struct {
	name  string
	kind  kind
	value string // the default; lists are empty
	usage string
	// split finds the values of a list in one text, wherever that comes from. Each
	// value, split again, is itself. Nil: they stand between commas.
	split func(text string) []string
	// apply does it to the configuration. For a toggle and a single value,
	// values has one element.
	apply func(c *serving, values []string) error
}

func (s *setting) variable() string {
	return "KVD_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

func (s *setting) flag() cli.Flag {
	switch s.kind {
	case list:
		return &cli.StringSliceFlag{Name: s.name, Usage: s.usage}
	case toggle:
		return &cli.BoolFlag{Name: s.name, Usage: s.usage}
	}
	return &cli.StringFlag{Name: s.name, Usage: s.usage, DefaultText: s.value}
}

type effective struct {
	*setting
	values []string
	origin string // "flag --node", "environment KVD_NODE", "kvd.yaml line 3", "default"
}

func (e *effective) text() string { return strings.Join(e.values, ", ") }

type sources struct {
	flags  *cli.Context
	lookup func(variable string) (string, bool)
	file   map[string]entry // by name; nil: no file
}

// entry is what the file says of a setting.
type entry struct {
	values []string
	source string
}

// resolve finds what each setting was given: by flag, else by the environment,
// else by the file, else by default.
func (s *sources) resolve(table []setting) []effective {
	all := make([]effective, len(table))
	for i := range table {
		all[i] = s.find(&table[i])
	}
	return all
}

func (s *sources) find(row *setting) effective {
	e := effective{setting: row}
	if s.flags.IsSet(row.name) {
		e.values, e.origin = row.each(flagValues(s.flags, row)), "flag --"+row.name
		return e
	}
	if text, ok := s.lookup(row.variable()); ok && text != "" { // empty is unset
		e.values, e.origin = row.each([]string{text}), "environment "+row.variable()
		return e
	}
	if f, ok := s.file[row.name]; ok {
		e.values, e.origin = row.each(f.values), f.source
		return e
	}
	e.origin = "default"
	if row.kind != list {
		e.values = []string{row.value}
	}
	return e
}

func flagValues(c *cli.Context, row *setting) []string {
	switch row.kind {
	case list:
		return c.StringSlice(row.name)
	case toggle:
		return []string{fmt.Sprint(c.Bool(row.name))}
	}
	return []string{c.String(row.name)}
}

// each is the values in the texts that a setting was given: of a list, each text
// may hold several.
func (s *setting) each(texts []string) []string {
	if s.kind != list {
		return texts
	}
	split := s.split
	if split == nil {
		split = commas
	}
	var values []string
	for _, text := range texts {
		values = append(values, split(text)...)
	}
	return values
}

// misspelt says which variables of the environment nearly have the name of a
// setting: they are read by nobody.
func misspelt(environ []string, table []setting) []string {
	var said []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, "KVD_")
		if !ours || slices.Contains(devVariables, name) || slices.ContainsFunc(table, func(s setting) bool { return s.variable() == name }) {
			continue
		}
		if near := cliutil.Nearest(strings.ReplaceAll(rest, "_", "-"), names(table)); near != "" {
			meant := setting{name: near}
			said = append(said, fmt.Sprintf("%s is no setting, and not read; did you mean %s?", name, meant.variable()))
		}
	}
	slices.Sort(said)
	return said
}

// unread says which settings of serve are in the environment: dev does not read them.
func unread(environ []string, table []setting) []string {
	var said []string
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		ofServe := slices.ContainsFunc(table, func(s setting) bool { return s.variable() == name })
		if ofServe && value != "" && !slices.Contains(devVariables, name) {
			said = append(said, fmt.Sprintf("%s is not read by dev, but by serve; dev reads %s, and flags", name, strings.Join(devVariables, " and ")))
		}
	}
	slices.Sort(said)
	return said
}

func commas(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func flags(table []setting) []cli.Flag {
	all := make([]cli.Flag, len(table))
	for i := range table {
		all[i] = table[i].flag()
	}
	return all
}

func names(table []setting) []string {
	var all []string
	for i := range table {
		all = append(all, table[i].name)
	}
	slices.Sort(all)
	return all
}

// rules splits a policy into its rules, which stand between commas:
//
//	PREFIX=RESOLVER[,read=pick][,PREFIX=RESOLVER…]
//
// A comma of a prefix is written \, and a backslash before a comma or another
// backslash \\. Space around the commas that separate is none of theirs. A rule,
// split again, is itself.
func rules(text string) []string {
	var all []string
	for i, part := range cliutil.BetweenCommas(text) {
		part = strings.TrimRight(part, " \t\n")
		if i > 0 {
			part = strings.TrimLeft(part, " \t\n")
		}
		switch {
		case part == "":
		case len(all) > 0 && isOption(part):
			all[len(all)-1] += "," + part
		default:
			all = append(all, part)
		}
	}
	return all
}

const (
	readOption = "read"
	pickValue  = "pick"
	acksOption = "acks"
	doomOption = "doomed"
	waitOption = "commit-wait"
)

// isOption reports whether a part says how the rule before it is read, and is no
// rule: a prefix may have any name.
func isOption(part string) bool {
	if slices.Contains(node.Resolvers(), part[strings.LastIndexByte(part, '=')+1:]) {
		return false
	}
	name, value, _ := strings.Cut(part, "=")
	return name == readOption || name == acksOption || name == doomOption || part == waitOption || value == pickValue
}

// applyPolicy adds the rules of texts, each of which may hold several.
func applyPolicy(c *serving, v []string) error {
	for _, text := range v {
		for _, rule := range rules(text) {
			r, err := readRule(rule)
			if err != nil {
				return err
			}
			c.Policy.Rules = append(c.Policy.Rules, r)
		}
	}
	return c.Policy.Validate()
}

func readRule(text string) (node.Rule, error) {
	prefix, resolver, options, ok := cliutil.CutRule(text)
	if !ok {
		return node.Rule{}, fmt.Errorf("%q is no PREFIX=RESOLVER; a comma in a prefix is written \\,", text)
	}
	id, err := readResolver(resolver)
	if err != nil {
		return node.Rule{}, fmt.Errorf("%q: %w", text, err)
	}
	r := node.Rule{Prefix: prefix, Resolver: id}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		if err := applyOption(&r, name, value); err != nil {
			return node.Rule{}, fmt.Errorf("%q: %w", text, err)
		}
	}
	return r, nil
}

func applyOption(r *node.Rule, name, value string) (err error) {
	if name == acksOption {
		r.Acks, err = readAcks(value)
		return err
	}
	if name == doomOption {
		return r.SetDoomed(value)
	}
	if name == waitOption && value == "" {
		r.CommitWait = true
		return nil
	}
	r.Pick = true
	return errors.Join(cliutil.OneOf(name, readOption, acksOption, doomOption, waitOption), cliutil.OneOf(value, pickValue))
}

// readAcks reads how many leaders are to hold a write.
func readAcks(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > node.MaxAcks {
		return 0, fmt.Errorf("acks %q: give how many leaders, the accepting one included, are to hold a write before it is answered, 1 to %d", text, node.MaxAcks)
	}
	return n, nil
}

// readResolver reads a resolver's name. The error names the nearest one.
func readResolver(name string) (node.Resolver, error) {
	id, err := node.ParseResolver(name)
	return id, cliutil.Meant(err, name, node.Resolvers())
}
