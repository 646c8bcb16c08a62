// Package options reads the options of a KVD command: words in any order, each with
// as many values as it takes.
package options

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/resolve"
	"kvd/wallclock"
)

// Option is a word that a command knows, and how many values follow it.
type Option struct {
	Name   string
	Values int
	Many   bool // it may be given more than once
}

// Given is the values of the options that were given, by name.
type Given map[string][]string

// Read reads options in any order.
func Read(args [][]byte, known ...Option) (Given, error) {
	g := Given{}
	for len(args) > 0 {
		name := strings.ToUpper(string(args[0]))
		i := slices.IndexFunc(known, func(o Option) bool { return o.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("syntax error at %.64q: %s", args[0], knownOptions(known))
		}
		o := known[i]
		switch {
		case g.Has(name) && !o.Many:
			return nil, fmt.Errorf("syntax error: %s is given twice", name)
		case len(args) <= o.Values:
			return nil, fmt.Errorf("syntax error: %s needs %s; %s", name, valuesOf(o), knownOptions(known))
		}
		values := g[name]
		for _, v := range args[1 : 1+o.Values] {
			values = append(values, string(v))
		}
		g[name], args = values, args[1+o.Values:]
	}
	return g, nil
}

func knownOptions(known []Option) string {
	if len(known) == 0 {
		return "the command knows no options"
	}
	var all []string
	for _, o := range known {
		all = append(all, o.Name+" with "+valuesOf(o))
	}
	return "the options are " + strings.Join(all, ", ")
}

func valuesOf(o Option) string {
	switch o.Values {
	case 0:
		return "no value"
	case 1:
		return "a value"
	}
	return strconv.Itoa(o.Values) + " values"
}

// Has reports whether an option was given.
func (g Given) Has(name string) bool {
	_, given := g[name]
	return given
}

// One is the value of an option; empty: it was not given.
func (g Given) One(name string) string {
	if len(g[name]) == 0 {
		return ""
	}
	return g[name][0]
}

// Count is an option that is a number above zero.
func (g Given) Count(name string, otherwise, most int) (int, error) {
	if g[name] == nil {
		return otherwise, nil
	}
	n, err := strconv.Atoi(g.One(name))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s is %.64q; give a number above zero", name, g.One(name))
	}
	return min(n, most), nil
}

// Instant is an option in nanoseconds of Unix time.
func (g Given) Instant(name string) (wallclock.Instant, error) {
	if g[name] == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(g.One(name), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %.64q; give nanoseconds since 1970, now is %d", name, g.One(name), time.Now().UnixNano())
	}
	return wallclock.Instant(n), nil
}

// Relations is the option RELATION; none: all.
func (g Given) Relations() ([]resolve.Relation, error) {
	if g["RELATION"] == nil {
		return nil, nil
	}
	for _, r := range []resolve.Relation{resolve.Inverted, resolve.Concurrent} {
		if strings.EqualFold(g.One("RELATION"), r.String()) {
			return []resolve.Relation{r}, nil
		}
	}
	return nil, fmt.Errorf("RELATION is %.64q; a lost write is inverted or concurrent", g.One("RELATION"))
}

// Resolvers is the option RESOLVER; zero: whichever serves.
func (g Given) Resolvers() (resolve.Mask, error) {
	switch name := strings.ToLower(g.One("RESOLVER")); {
	case g["RESOLVER"] == nil:
		return 0, nil
	case name == "all":
		return resolve.All, nil
	default:
		id, err := resolve.ParseID(name)
		return id.Mask(), err
	}
}
