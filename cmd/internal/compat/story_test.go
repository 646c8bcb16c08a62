package compat

import (
	"fmt"
	"strconv"
	"strings"
)

// act is one command of a story.
type act struct {
	conn int      // which connection: 0 or 1
	more bool     // sent together with the one before, which is of the same connection
	line bool     // typed as a line, without the protocol
	raw  bool     // sent as it is: args[0] is bytes of the protocol
	args []string // the name first
}

// story is what both servers are asked, from nothing.
type story struct {
	title string
	proto int
	acts  []act
}

// String is the story as the corpus writes it.
func (s story) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\nproto %d\n", s.title, s.proto)
	for _, a := range s.acts {
		b.WriteString(a.String() + "\n")
	}
	return b.String()
}

// String is one line: b for the second connection, & for what is sent together
// with the line before, i for what is typed as a line, < for bytes of the protocol.
func (a act) String() string {
	marks := ""
	if a.conn == 1 {
		marks += "b"
	}
	if a.more {
		marks += "&"
	}
	if a.line {
		marks += "i"
	}
	if a.raw {
		marks += "<"
	}
	if marks != "" {
		marks += " "
	}
	return marks + words(a.args)
}

// encode is what is sent.
func (a act) encode() string {
	switch {
	case a.raw:
		return a.args[0] + encode(barrier)
	case a.line:
		var quoted []string
		for _, w := range a.args {
			quoted = append(quoted, strconv.Quote(w))
		}
		return strings.Join(quoted, " ") + "\r\n"
	}
	return encode(a.args)
}

// words writes arguments so that parseWords reads them again.
func words(args []string) string {
	var out []string
	for _, a := range args {
		if a == "" || strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r == '|' || r == '`' || r >= 0x7f }) {
			a = strconv.Quote(a)
		}
		out = append(out, a)
	}
	return strings.Join(out, " ")
}

// parseWords splits at blanks; words in quotes are Go's.
func parseWords(line string) ([]string, error) {
	var args []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			args, line = append(args, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", quoted, err)
		}
		args, line = append(args, word), line[len(quoted):]
	}
	return args, nil
}

// parseStories reads a corpus: stories between blank lines. One without a proto
// line is played in both.
func parseStories(text string) ([]story, error) {
	var all []story
	for _, block := range strings.Split(text, "\n\n") {
		var s story
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			switch {
			case line == "":
			case strings.HasPrefix(line, "# "):
				s.title = strings.TrimSpace(s.title + " " + line[2:])
			case strings.HasPrefix(line, "proto "):
				s.proto = int(line[6] - '0')
			default:
				a, err := parseAct(line)
				if err != nil {
					return nil, err
				}
				s.acts = append(s.acts, a)
			}
		}
		switch {
		case len(s.acts) == 0:
		case s.proto == 0:
			for _, s.proto = range []int{2, 3} {
				all = append(all, s)
			}
		default:
			all = append(all, s)
		}
	}
	return all, nil
}

func parseAct(line string) (a act, err error) {
	if marks, rest, ok := strings.Cut(line, " "); ok && marks != "" && strings.Trim(marks, "b&i<") == "" {
		a.conn, a.more = strings.Count(marks, "b"), strings.Contains(marks, "&")
		a.line, a.raw = strings.Contains(marks, "i"), strings.Contains(marks, "<")
		line = rest
	}
	a.args, err = parseWords(line)
	return a, err
}
