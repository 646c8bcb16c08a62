package compat

import (
	"strconv"
	"strings"

	"kvd/replica/client/conn"
)

// reply is one reply of a server, as it came.
type reply = conn.Reply

// closed is the kind of what a connection answers that is no more.
const closed = '!'

// shown is the reply as the tables write it.
func shown(r reply) string {
	switch {
	case r.Kind == closed:
		return "closed"
	case r.Kind == '_':
		return "null"
	case r.Null && r.Kind == '$':
		return "nil"
	case r.Null:
		return "nil array"
	}
	switch r.Kind {
	case '$':
		return strconv.Quote(r.Text)
	case '=':
		return "text " + strconv.Quote(r.Text)
	case ',', '#', '(':
		return string(r.Kind) + r.Text
	case '*':
		return list(r, "[", "]")
	case '~':
		return list(r, "set[", "]")
	case '>':
		return list(r, "push[", "]")
	case '%':
		return list(r, "map[", "]")
	}
	return r.Text
}

func list(r reply, from, to string) string {
	var parts []string
	for _, item := range r.Items {
		parts = append(parts, shown(item))
	}
	return from + strings.Join(parts, " ") + to
}

func isError(r reply) bool { return r.Kind == '-' }
