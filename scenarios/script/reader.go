package script

import (
	"slices"
	"strconv"
	"strings"

	"kvd/scenarios/script/internal/spell"
)

// line is one line of the scenario section with the notes above it.
type line struct {
	number int // in the whole archive
	text   string
	notes  Notes
}

// reader reads one line word by word. After the first mistake every read returns the zero
// value, so that a parse checks for an error once, at the end.
type reader struct {
	file string
	line line
	pos  int // bytes read
	err  *Error
}

// word is what is between blanks: bare text, or a quoted Go string with
// whatever follows it unseparated.
type word struct {
	raw    string // as written
	text   string // as meant
	rest   string // after a closing quote, up to the next blank
	quoted bool
	column int // in bytes, from 1
}

func (r *reader) fail(w word, expected string, hint string) {
	if r.err == nil {
		r.err = &Error{File: r.file, Line: r.line.number, Column: w.column, Read: w.raw, Expected: expected, Hint: hint, Text: r.line.text}
	}
}

// failOnce is fail for a mistake that many lines may share, since they have one cause.
func (r *reader) failOnce(w word, expected string, hint string) {
	if r.err == nil {
		r.fail(w, expected, hint)
		r.err.Shared = true
	}
}

// failName notes a word that is none of the names, with the nearest as a hint.
func (r *reader) failName(w word, names []string) {
	r.fail(w, spell.OneOf(names), spell.DidYouMean(w.raw, names))
}

func (r *reader) skipBlanks() {
	for r.pos < len(r.line.text) && spell.IsBlank(r.line.text[r.pos]) {
		r.pos++
	}
}

// more reports whether a word is left and nothing failed yet.
func (r *reader) more() bool {
	r.skipBlanks()
	return r.err == nil && r.pos < len(r.line.text)
}

func (r *reader) peek() word {
	at := r.pos
	w := r.next()
	r.pos = at
	return w
}

// next takes a word; at the end of the line it is empty.
func (r *reader) next() word {
	r.skipBlanks()
	left := r.line.text[r.pos:]
	w := word{column: r.pos + 1}
	if strings.HasPrefix(left, `"`) {
		r.quoted(&w, left)
	} else {
		r.bare(&w, left)
	}
	r.pos += len(w.raw)
	return w
}

func (r *reader) bare(w *word, left string) {
	w.raw = left[:spell.BlankAt(left)]
	w.text = w.raw
	switch {
	case strings.HasPrefix(w.raw, "#"):
		r.fail(*w, "no comment behind other words", "give the comment a line of its own, or quote the word")
	case strings.Contains(w.raw, `"`):
		r.fail(*w, "a quote only at the beginning of a word", "quote the whole word as a Go string")
	}
}

func (r *reader) quoted(w *word, left string) {
	prefix, err := strconv.QuotedPrefix(left)
	if err != nil {
		w.raw = left
		r.fail(*w, "a double-quoted Go string", "look for the closing quote and the escapes")
		return
	}
	w.quoted = true
	w.text, _ = strconv.Unquote(prefix)
	w.rest = left[len(prefix):][:spell.BlankAt(left[len(prefix):])]
	w.raw = prefix + w.rest
}

// remainder takes everything that is left as it is written, without blanks
// around it.
func (r *reader) remainder() word {
	r.skipBlanks()
	w := word{raw: strings.TrimRight(r.line.text[r.pos:], " \t"), column: r.pos + 1}
	r.pos = len(r.line.text)
	return w
}

func (r *reader) done() {
	if r.more() {
		r.fail(r.next(), "the end of the line", "")
	}
}

func (r *reader) literal(text, hint string) {
	if w := r.next(); w.raw != text {
		r.fail(w, text, hint)
	}
}

func (r *reader) took(text string) bool {
	if !r.more() || r.peek().raw != text {
		return false
	}
	r.next()
	return true
}

// content takes text that may be quoted, of low to high bytes.
func (r *reader) content(what string, low, high int) string {
	w := r.next()
	switch {
	case w.raw == "":
		r.fail(w, what, "")
	case w.rest != "":
		r.fail(w, "a blank behind the closing quote", "")
	case len(w.text) < low || len(w.text) > high:
		r.fail(w, what+" of "+strconv.Itoa(low)+" to "+strconv.Itoa(high)+" bytes", "")
	}
	return w.text
}

func (r *reader) key() string   { return r.content("a key", 1, maxKeyBytes) }
func (r *reader) value() string { return r.content("a value", 0, maxValueBytes) }

func (r *reader) name(what string) word {
	w := r.next()
	if !spell.IsName(w.raw) {
		r.fail(w, what, "a name is a letter or digit and then letters, digits, - or _, at most "+strconv.Itoa(spell.MaxNameBytes))
	}
	return w
}

// choice is the one of the values that the word names.
func choice[T ~string](r *reader, w word, values ...T) T {
	r.checkChoice(w, namesOf(values))
	return T(w.raw)
}

func (r *reader) checkChoice(w word, names []string) {
	if !slices.Contains(names, w.raw) {
		r.failName(w, names)
	}
}

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
	r.fail(w, optionNames(options), spell.DidYouMean(name, namesOfOptions(options)))
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
	return spell.OneOf(names)
}

func namesOfOptions(options []option) []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.name
	}
	return names
}
