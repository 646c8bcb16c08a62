package show

import (
	"fmt"
	"strings"

	"kvd/replica/client"
)

// Comparison is what leaders show of a key as a record.
type Comparison struct{ client.Comparison }

func (c Comparison) at(i int) string {
	if len(c.Values[i]) == 0 {
		return "(absent)"
	}
	return joined(c.Values[i])
}

func (c Comparison) Text(p *Printer) string {
	if c.Same() {
		return p.Show(c.Key) + "  same  " + c.at(0)
	}
	lines := []string{p.Show(c.Key) + "  " + p.mark("differs")}
	for i, l := range c.Leaders {
		mark := " "
		if c.Apart(i) {
			mark = p.mark("≠")
		}
		lines = append(lines, fmt.Sprintf("  %s %s  %s", mark, Printable(l.Name), c.at(i)))
	}
	return strings.Join(lines, "\n")
}

func (c Comparison) Raw() string { return c.Key }

func (c Comparison) Columns() []string {
	names := []string{"key", "same"}
	for _, l := range c.Leaders {
		names = append(names, Printable(l.Name))
	}
	return names
}

func (c Comparison) Cells() []string {
	cells := []string{Printable(c.Key), fmt.Sprint(c.Same())}
	for i := range c.Leaders {
		mark := ""
		if c.Apart(i) {
			mark = "≠ "
		}
		cells = append(cells, mark+c.at(i))
	}
	return cells
}

// MarshalJSON lists the leaders in order.
func (c Comparison) MarshalJSON() ([]byte, error) {
	type shows struct {
		Leader string `json:"leader"`
		Values []Blob `json:"values"`
	}
	out := struct {
		Key     keyName `json:"key"`
		Same    bool    `json:"same"`
		Leaders []shows `json:"leaders"`
	}{keyName(c.Key), c.Same(), nil}
	for i, l := range c.Leaders {
		out.Leaders = append(out.Leaders, shows{l.Name, blobsOf(c.Values[i])})
	}
	return marshal(out)
}
