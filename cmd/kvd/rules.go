package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

// rules splits a policy into its rules, which stand between commas:
//
//	PREFIX=RESOLVER[,read=pick][,PREFIX=RESOLVER…]
//
// A comma of a prefix is written \, and a backslash before a comma or another
// backslash \\. Space around the commas that separate is none of theirs. A rule,
// split again, is itself.
func rules(text string) []string {
	var all []string
	for i, part := range between(text) {
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

// between is the parts between commas that separate, as they are written.
func between(text string) []string {
	var parts []string
	begin := 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++ // it separates nothing
		case text[i] == ',':
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

const (
	readOption = "read"
	pickValue  = "pick"
)

// isOption reports whether a part says how the rule before it is read, and is no
// rule: a prefix may have any name.
func isOption(part string) bool {
	if slices.Contains(node.Resolvers(), part[strings.LastIndexByte(part, '=')+1:]) {
		return false
	}
	name, value, _ := strings.Cut(part, "=")
	return name == readOption || value == pickValue
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
	parts := between(text)
	i := strings.LastIndexByte(parts[0], '=')
	if i < 1 {
		return node.Rule{}, fmt.Errorf("%q is no PREFIX=RESOLVER; a comma in a prefix is written \\,", text)
	}
	id, err := readResolver(parts[0][i+1:])
	if err != nil {
		return node.Rule{}, fmt.Errorf("%q: %w", text, err)
	}
	r := node.Rule{Prefix: strings.NewReplacer(`\,`, `,`, `\\`, `\`).Replace(parts[0][:i]), Resolver: id}
	for _, option := range parts[1:] {
		name, value, _ := strings.Cut(option, "=")
		if err := errors.Join(cliutil.OneOf(name, readOption), cliutil.OneOf(value, pickValue)); err != nil {
			return node.Rule{}, fmt.Errorf("%q: %w", text, err)
		}
		r.Pick = true
	}
	return r, nil
}

// readResolver reads a resolver's name. The error names the nearest one.
func readResolver(name string) (node.Resolver, error) {
	id, err := node.ParseResolver(name)
	return id, cliutil.Meant(err, name, node.Resolvers())
}
