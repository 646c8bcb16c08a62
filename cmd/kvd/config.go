package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "look at the configuration of serve",
		Subcommands: []*cli.Command{
			{Name: "print", Usage: "print what serve would use with these flags, this environment and this file", Action: printConfig,
				Flags: append(flags(table()), &cli.BoolFlag{Name: "origin", Usage: "and where each value comes from"})},
			{Name: "check", Usage: "say whether a file could be served by; - is standard input", ArgsUsage: "FILE", Action: checkConfig},
		},
	}
}

// gather resolves every setting of the command line.
func gather(c *cli.Context, file string) ([]effective, error) {
	rows := table()
	s := sources{flags: c, lookup: os.LookupEnv}
	if file == "" {
		file = s.find(&rows[0]).values[0]
	}
	if file != "" {
		var err error
		if s.file, err = readFile(c, file, rows); err != nil {
			return nil, err
		}
	}
	for _, text := range misspelt(os.Environ(), rows) {
		fmt.Fprintf(c.App.ErrWriter, "kvd: %s\n", text)
	}
	return s.resolve(rows), nil
}

// configured turns settings into what a leader is told.
func configured(all []effective, log io.Writer) (*serving, error) {
	c := &serving{Config: node.Defaults()}
	c.Version = cliutil.Version()
	for _, e := range all {
		if err := e.apply(c, e.values); err != nil {
			return nil, cliutil.Usage(fmt.Sprintf("%s is refused: %s", e.name, e.text()), err.Error(),
				fmt.Sprintf("it comes from %s; kvd serve --help says what it takes", e.origin))
		}
	}
	if err := c.SetMemory(c.memory, c.asked); err != nil {
		return nil, cliutil.Usage("the memory does not suffice", err.Error(), "raise --memory, or lower --cache-bytes or --client-memory; kvd config print --origin says where each comes from")
	}
	if err := c.loadTLS(); err != nil {
		return nil, cliutil.Usage("TLS cannot be set up", err.Error(), "kvd serve --help says what the files hold")
	}
	c.level = &slog.LevelVar{}
	c.level.Set(c.logLevel)
	c.Logger = logger(log, c.level, c.logJSON)
	if err := c.Validate(); err != nil {
		return nil, cliutil.Usage("the configuration is refused", err.Error(), "kvd config print --origin says where each value comes from")
	}
	return c, nil
}

func logger(w io.Writer, level slog.Leveler, json bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if json {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// printConfig prints settings as YAML that serve would read again, or with where
// they come from as a table.
func printConfig(c *cli.Context) error {
	all, err := gather(c, "")
	if err != nil {
		return err
	}
	if _, err := configured(all, io.Discard); err != nil {
		return err
	}
	if !c.Bool("origin") {
		return printYAML(c.App.Writer, all)
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, e := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n", e.name, e.text(), e.origin)
	}
	return w.Flush()
}

func printYAML(w io.Writer, all []effective) error {
	for _, e := range all {
		var err error
		switch {
		case e.name == "config" || len(e.values) == 0:
		case e.kind == list:
			_, err = fmt.Fprintf(w, "%s:\n", e.name)
			for _, v := range e.values {
				fmt.Fprintf(w, "  - %q\n", v)
			}
		default:
			_, err = fmt.Fprintf(w, "%s: %q\n", e.name, e.values[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkConfig(c *cli.Context) error {
	if c.NArg() != 1 {
		return cliutil.Usage("kvd config check takes one file", fmt.Sprintf("%d were given", c.NArg()), "kvd config check kvd.yaml")
	}
	all, err := gather(c, c.Args().First())
	if err != nil {
		return err
	}
	if _, err := configured(all, io.Discard); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: ok\n", c.Args().First())
	return err
}

// readFile reads a YAML mapping of settings. It is strict: a name that is no
// setting, a name that stands twice and a value of the wrong shape are errors,
// and each quotes the line.
func readFile(c *cli.Context, path string, table []setting) (map[string]entry, error) {
	text, err := readInput(c, path)
	if err != nil {
		return nil, cliutil.Fail("cannot read the configuration", err, "--config names the file")
	}
	entries, err := parseFile(path, text, table)
	if err != nil {
		return nil, cliutil.Usage("the configuration "+path+" is refused", yaml.FormatError(err, false, true), "kvd config check "+path+" says whether it is mended")
	}
	return entries, nil
}

func parseFile(path string, text []byte, table []setting) (map[string]entry, error) {
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, err
	}
	entries := map[string]entry{}
	for _, d := range doc.Docs {
		pairs, err := mapping(d.Body)
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			if err := take(path, p, table, entries); err != nil {
				return nil, err
			}
		}
	}
	return entries, nil
}

// mapping is the pairs of a document; an empty one has none.
func mapping(n ast.Node) ([]*ast.MappingValueNode, error) {
	switch n := n.(type) {
	case nil:
		return nil, nil
	case *ast.NullNode, *ast.CommentGroupNode:
		return nil, nil
	case *ast.MappingNode:
		return n.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, nil
	}
	return nil, at(n.GetToken(), "expected settings, as in data-dir: /var/lib/kvd")
}

func take(path string, p *ast.MappingValueNode, table []setting, entries map[string]entry) error {
	key := p.Key.GetToken()
	i := slices.IndexFunc(table, func(s setting) bool { return s.name == key.Value })
	if i < 0 || table[i].name == "config" {
		return at(key, unknownSetting(key.Value, table))
	}
	if _, twice := entries[key.Value]; twice {
		return at(key, key.Value+" stands twice")
	}
	values, err := scalars(p.Value, table[i].kind)
	if err != nil {
		return err
	}
	entries[key.Value] = entry{values, fmt.Sprintf("%s line %d", path, key.Position.Line)}
	return nil
}

func unknownSetting(name string, table []setting) string {
	says := name + " is no setting"
	if near := cliutil.Nearest(name, names(table)); near != "" {
		return says + "; did you mean " + near + "?"
	}
	return says + "; kvd serve --help lists them, without their dashes"
}

// scalars is a value, or the values of a list.
func scalars(n ast.Node, k kind) ([]string, error) {
	if seq, ok := n.(*ast.SequenceNode); ok && k == list {
		var values []string
		for _, item := range seq.Values {
			v, err := scalar(item)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		return values, nil
	}
	v, err := scalar(n)
	return []string{v}, err
}

func scalar(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	}
	return "", at(n.GetToken(), "expected one value")
}

// at is an error that quotes the token's line.
func at(t *token.Token, says string) error {
	if t == nil {
		return errors.New(says)
	}
	return &yaml.SyntaxError{Message: says, Token: t}
}
