package script

import (
	"slices"
	"strconv"
	"strings"
)

// option is something a line may say in any order: keyed (name=value) or bare
// (name, perhaps followed by words that read takes itself).
type option struct {
	name string
	bare bool
	read func(word) // the value, or the bare word itself
}

func keyed(name string, read func(word)) option { return option{name, false, read} }
func bare(name string, read func(word)) option  { return option{name, true, read} }

// reading says how many options a line needs, and whether the first word
// without an equals sign ends them.
type reading struct {
	least     int
	keyedOnly bool
}

// options reads to the end of the line, or as far as how says. Each option may
// be given once.
func (r *reader) options(how reading, options ...option) {
	var given []string
	for r.more() && !(how.keyedOnly && !strings.Contains(r.peek().raw, "=")) {
		o, w := r.option(options)
		if slices.Contains(given, o.name) {
			r.fail(w, "each option once", "")
		}
		if r.err == nil {
			given = append(given, o.name)
			o.read(w)
		}
	}
	if len(given) < how.least {
		r.fail(r.peek(), optionNames(options), "")
	}
}

// option takes the next word and finds what it sets; the word it returns is
// the value alone.
func (r *reader) option(options []option) (option, word) {
	w := r.next()
	name, value, isKeyed := strings.Cut(w.raw, "=")
	if w.quoted {
		name, isKeyed = w.raw, false
	}
	for _, o := range options {
		if o.name != name {
			continue
		}
		if o.bare == isKeyed {
			r.fail(w, optionForm(o), "")
		}
		if isKeyed {
			w = word{raw: value, text: value, column: w.column + len(name) + 1}
		}
		return o, w
	}
	w.raw = name
	r.fail(w, optionNames(options), meant(name, namesOfOptions(options)))
	return option{}, w
}

func optionForm(o option) string {
	if o.bare {
		return strconv.Quote(o.name) + " without an equals sign"
	}
	return o.name + "=..."
}

func optionNames(options []option) string {
	names := namesOfOptions(options)
	if len(names) == 0 {
		return "the end of the line"
	}
	return oneOf(names)
}

func namesOfOptions(options []option) []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.name
	}
	return names
}
