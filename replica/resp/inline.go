package resp

import (
	"bytes"
	"encoding/hex"
	"strings"
)

// inline takes a command typed as a line, as telnet users and health probes send
// them. It reports whether a line was there; an empty one has no arguments.
func (r *Reader) inline() ([][]byte, bool, error) {
	line := r.buf[r.start:r.end]
	i := bytes.IndexByte(line[r.scanned():], '\n')
	end := i + r.scanned()
	if i < 0 {
		r.pos, end = r.end, len(line)
	}
	if end > r.limits.Inline {
		return nil, false, ProtocolError("too big inline request")
	}
	if i < 0 {
		return nil, false, nil
	}
	r.pos = r.start + end + 1
	args, ok := splitLine(bytes.TrimSuffix(line[:end], []byte{'\r'}), r.args[:0])
	r.args, r.spans = args, r.spans[:0]
	r.advance()
	switch {
	case !ok:
		return nil, false, ProtocolError("unbalanced quotes in request")
	case len(args) > r.limits.Args || r.Unauthenticated && len(args) > UnauthArgs:
		return nil, false, ProtocolError("too many arguments in request")
	}
	return args, true, nil
}

// scanned is how much of the line at start is known to hold no line end.
func (r *Reader) scanned() int { return max(r.pos-r.start, 0) }

// splitLine splits a line at blanks into arguments. In "double quotes" the
// escapes \n \r \t \b \a \\ \" \xhh stand for bytes; in 'single' ones only \'.
// It unquotes in place: the arguments lie in line. False: a quote is not closed,
// or something follows it.
func splitLine(line []byte, args [][]byte) ([][]byte, bool) {
	for i := 0; i < len(line); {
		if blank(line[i]) {
			i++
			continue
		}
		arg, next, ok := splitArg(line, i)
		if !ok {
			return nil, false
		}
		args, i = append(args, arg), next
	}
	return args, true
}

func splitArg(line []byte, i int) (arg []byte, next int, ok bool) {
	out := i // unquoting never makes longer, so writing stays behind reading
	begin := i
	for i < len(line) && !blank(line[i]) {
		if c := line[i]; c == '"' || c == '\'' {
			i, out, ok = unquote(line, i+1, out, c)
			return line[begin:out:out], i, ok && (i == len(line) || blank(line[i]))
		}
		line[out] = line[i]
		i, out = i+1, out+1
	}
	return line[begin:out:out], i, true
}

// unquote copies what is between i and the closing quote to out.
func unquote(line []byte, i, out int, quote byte) (next, end int, ok bool) {
	for i < len(line) {
		c, n := line[i], 1
		if c == quote {
			return i + 1, out, true
		}
		if c == '\\' && i+1 < len(line) {
			c, n = escape(line[i:], quote)
		}
		line[out] = c
		i, out = i+n, out+1
	}
	return i, out, false
}

// escape is the byte that the backslash sequence at the begin of b stands for,
// and the sequence's length.
func escape(b []byte, quote byte) (byte, int) {
	if quote == '\'' {
		if b[1] == '\'' {
			return '\'', 2
		}
		return '\\', 1
	}
	if b[1] == 'x' && len(b) >= 4 {
		if _, err := hex.Decode(b[2:3], b[2:4]); err == nil {
			return b[2], 4
		}
	}
	if i := strings.IndexByte(escapes, b[1]); i >= 0 {
		return escaped[i], 2
	}
	return b[1], 2
}

func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 || c == '\v' || c == '\f'
}
