package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

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
