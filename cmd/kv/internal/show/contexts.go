package show

import (
	"cmp"
	"strings"

	"kvd/cmd/internal/contexts"
)

// Context is a context in a list.
type Context struct {
	contexts.Context
	Current bool // it is in use
}

func (c Context) mark() string {
	if c.Current {
		return "*"
	}
	return " "
}

func (c Context) leaders() string {
	var all []string
	for _, l := range c.Leaders {
		all = append(all, l.Name+"="+l.Addr)
	}
	return strings.Join(all, " ")
}

func (c Context) Text(*Printer) string { return c.mark() + " " + c.Name + "  " + c.leaders() }

func (c Context) Raw() string { return c.Name }

func (c Context) Columns() []string { return []string{"current", "name", "leaders", "user", "tls"} }

func (c Context) Cells() []string {
	return []string{c.mark(), c.Name, c.leaders(), c.User, cmp.Or(c.TLSCA, "no")}
}

// MarshalJSON is the context and whether it is in use.
func (c Context) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		contexts.Context
		Current bool `json:"current"`
	}{c.Context, c.Current})
}
