package opfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// forms cuts a stream of EDN into its outermost maps, without reading what is in them. A
// vector or list around all of them is taken off.
type forms struct {
	in      *bufio.Reader
	line    int
	wrapped bool
	begun   bool
}

var errForm = errors.New("the form does not end")

// next is the text of the next form, without its tag, and the line it begins on. It is
// good until the next call. At the end it is io.EOF.
func (f *forms) next(into []byte) ([]byte, int, error) {
	for {
		c, err := f.in.ReadByte()
		if err != nil {
			return nil, f.line, err
		}
		switch c {
		case '\n':
			f.line++
		case ' ', '\t', '\r', ',', ')', ']':
		case ';':
			if err := f.comment(); err != nil {
				return nil, f.line, err
			}
		case '[', '(':
			if f.begun {
				return nil, f.line, fmt.Errorf("a map such as {:type :invoke, …} was expected, not %q", c)
			}
			f.begun, f.wrapped = true, true
		case '#':
			if err := f.tag(); err != nil {
				return nil, f.line, err
			}
		case '{':
			f.begun = true
			from := f.line
			text, err := f.body(append(into[:0], c))
			return text, from, err
		default:
			return nil, f.line, fmt.Errorf("a map such as {:type :invoke, …} was expected, not %q", c)
		}
	}
}

// comment goes to the end of the line.
func (f *forms) comment() error {
	for {
		c, err := f.in.ReadByte()
		if err != nil {
			return err
		}
		if c == '\n' {
			f.line++
			return nil
		}
	}
}

// tag goes to what is tagged.
func (f *forms) tag() error {
	for n := 0; ; n++ {
		c, err := f.in.ReadByte()
		switch {
		case err != nil:
			return err
		case c == '{' && n == 0:
			return errors.New("a map was expected, not a set")
		case c == '{' || c == ' ' || c == '\n':
			return f.in.UnreadByte()
		case n > 256:
			return errors.New("a tag has no end")
		}
	}
}

// body goes to the brace that ends the map.
func (f *forms) body(text []byte) ([]byte, error) {
	depth, quoted := 1, false
	for depth > 0 {
		c, err := f.in.ReadByte()
		if err == io.EOF {
			return nil, errForm
		}
		if err != nil {
			return nil, err
		}
		if text = append(text, c); len(text) > MaxLine {
			return nil, fmt.Errorf("the form is longer than %d bytes", MaxLine)
		}
		switch {
		case c == '\n':
			f.line++
		case c == '\\':
			if c, err = f.in.ReadByte(); err != nil {
				return nil, errForm
			}
			if text = append(text, c); c == '\n' {
				f.line++
			}
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[' || c == '(':
			depth++
		case c == '}' || c == ']' || c == ')':
			depth--
		}
	}
	return text, nil
}
