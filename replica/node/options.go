package node

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/resolve"
	"kvd/wallclock"
)

// option is a word that a command knows, and how many values follow it.
type option struct {
	name   string
	values int
	many   bool // it may be given more than once
}

// given is the values of the options that were given, by name.
type given map[string][]string

// options reads options in any order.
func options(args [][]byte, known ...option) (given, error) {
	g := given{}
	for len(args) > 0 {
		name := strings.ToUpper(string(args[0]))
		o, ok := find(known, name)
		_, twice := g[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("syntax error at %.64q: %s", args[0], knownOptions(known))
		case twice && !o.many:
			return nil, fmt.Errorf("syntax error: %s is given twice", name)
		case len(args) <= o.values:
			return nil, fmt.Errorf("syntax error: %s needs %s; %s", name, valuesOf(o), knownOptions(known))
		}
		values := g[name]
		if values == nil {
			values = []string{}
		}
		for _, v := range args[1 : 1+o.values] {
			values = append(values, string(v))
		}
		g[name], args = values, args[1+o.values:]
	}
	return g, nil
}

func find(known []option, name string) (option, bool) {
	for _, o := range known {
		if o.name == name {
			return o, true
		}
	}
	return option{}, false
}

// knownOptions lists them in a sentence.
func knownOptions(known []option) string {
	if len(known) == 0 {
		return "the command knows no options"
	}
	var all []string
	for _, o := range known {
		all = append(all, o.name+" with "+valuesOf(o))
	}
	return "the options are " + strings.Join(all, ", ")
}

func valuesOf(o option) string {
	switch o.values {
	case 0:
		return "no value"
	case 1:
		return "a value"
	}
	return strconv.Itoa(o.values) + " values"
}

// one is the value of an option; empty: it was not given.
func (g given) one(name string) string {
	if len(g[name]) == 0 {
		return ""
	}
	return g[name][0]
}

// count is an option that is a number above zero.
func (g given) count(name string, otherwise, most int) (int, error) {
	if g[name] == nil {
		return otherwise, nil
	}
	n, err := strconv.Atoi(g.one(name))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s is %.64q; give a number above zero", name, g.one(name))
	}
	return min(n, most), nil
}

// instant is an option in nanoseconds of Unix time.
func (g given) instant(name string) (wallclock.Instant, error) {
	if g[name] == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(g.one(name), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %.64q; give nanoseconds since 1970, now is %d", name, g.one(name), time.Now().UnixNano())
	}
	return wallclock.Instant(n), nil
}

// relations is the option RELATION; none: all.
func (g given) relations() ([]resolve.Relation, error) {
	if g["RELATION"] == nil {
		return nil, nil
	}
	for _, r := range []resolve.Relation{resolve.Inverted, resolve.Concurrent} {
		if strings.EqualFold(g.one("RELATION"), r.String()) {
			return []resolve.Relation{r}, nil
		}
	}
	return nil, fmt.Errorf("RELATION is %.64q; a lost write is inverted or concurrent", g.one("RELATION"))
}

// resolvers is the option RESOLVER; zero: whichever serves.
func (g given) resolvers() (resolve.Mask, error) {
	switch name := strings.ToLower(g.one("RESOLVER")); {
	case g["RESOLVER"] == nil:
		return 0, nil
	case name == "all":
		return resolve.All, nil
	default:
		id, err := resolve.ParseID(name)
		return id.Mask(), err
	}
}
