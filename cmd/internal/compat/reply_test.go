package compat

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// reply is one reply of a server, as it came.
type reply struct {
	kind byte    // RESP's: + - : $ * _ % ~ > , # ( =; or closed
	text string  // of + - $ , # ( =
	num  int64   // of :
	null bool    // $-1 or *-1
	in   []reply // of * % ~ >; a map's keys and values in turn
}

// closed is the kind of what a connection answers that is no more.
const closed = '!'

// readReply reads one whole reply.
func readReply(br *bufio.Reader) (reply, error) {
	line, err := br.ReadString('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < 3 || !strings.HasSuffix(line, "\r\n") {
		return reply{}, fmt.Errorf("the reply line %q is malformed", line)
	}
	r := reply{kind: line[0], text: line[1 : len(line)-2]}
	switch r.kind {
	case '+', '-', ',', '#', '(', '_':
		return r, nil
	case ':':
		r.num, err = strconv.ParseInt(r.text, 10, 64)
		return r, err
	}
	n, err := strconv.Atoi(r.text)
	if err != nil {
		return r, fmt.Errorf("the reply line %q is malformed", line)
	}
	if r.text = ""; n < 0 {
		r.null = true
		return r, nil
	}
	switch r.kind {
	case '$', '=':
		r.text, err = readBody(br, n)
	case '%':
		r.in, err = readParts(br, 2*n)
	case '*', '~', '>':
		r.in, err = readParts(br, n)
	default:
		err = fmt.Errorf("the reply line %q is of an unknown type", line)
	}
	return r, err
}

func readBody(br *bufio.Reader, n int) (string, error) {
	body := make([]byte, n+2)
	if _, err := io.ReadFull(br, body); err != nil {
		return "", err
	}
	if string(body[n:]) != "\r\n" {
		return "", errors.New("a string is not ended by CRLF")
	}
	return string(body[:n]), nil
}

func readParts(br *bufio.Reader, n int) ([]reply, error) {
	in := make([]reply, 0, n)
	for len(in) < n {
		part, err := readReply(br)
		if err != nil {
			return in, err
		}
		if part.kind != '>' || !part.isMessage() { // Redis puts them between the replies of EXEC
			in = append(in, part)
		}
	}
	return in, nil
}

// String is the reply as the tables write it.
func (r reply) String() string {
	switch {
	case r.kind == closed:
		return "closed"
	case r.null && r.kind == '$':
		return "nil"
	case r.null:
		return "nil array"
	}
	switch r.kind {
	case ':':
		return strconv.FormatInt(r.num, 10)
	case '_':
		return "null"
	case '$':
		return strconv.Quote(r.text)
	case '=':
		return "text " + strconv.Quote(r.text)
	case ',', '#', '(':
		return string(r.kind) + r.text
	case '*':
		return r.list("[", "]")
	case '~':
		return r.list("set[", "]")
	case '>':
		return r.list("push[", "]")
	case '%':
		return r.list("map[", "]")
	}
	return r.text
}

func (r reply) list(from, to string) string {
	var parts []string
	for _, p := range r.in {
		parts = append(parts, p.String())
	}
	return from + strings.Join(parts, " ") + to
}

func (r reply) isError() bool { return r.kind == '-' }

// same compares all of it.
func (r reply) same(o reply) bool {
	return r.kind == o.kind && r.text == o.text && r.num == o.num && r.null == o.null && slices.EqualFunc(r.in, o.in, reply.same)
}
