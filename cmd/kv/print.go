package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

// record is one thing to print. As JSON it is what json.Marshal makes of it.
type record interface {
	text(p *printer) string // for people; no line end after the last line
	columns() []string
	cells() []string // one below each column
	raw() string     // values alone, byte for byte
}

// grid is a record that is several rows of a table.
type grid interface{ rows() [][]string }

// inRows is part of such a record: it has no cells of its own.
type inRows struct{}

func (inRows) cells() []string { return nil }

// printer prints records in the format the user chose.
type printer struct {
	name     string
	w        io.Writer
	write    func(*printer, record) error
	finish   func(*printer) error
	terminal bool
	colour   bool
	many     bool // a list, of any length
	n        int
	tab      *tabwriter.Writer
	rows     *bufio.Writer // what tab writes in small pieces
}

// formats is how records can be printed.
func formats() map[string]printer {
	return map[string]printer{
		"text":  {write: (*printer).putText},
		"table": {write: (*printer).putRow, finish: (*printer).endTable},
		"json":  {write: (*printer).putJSON, finish: (*printer).endJSON},
		"jsonl": {write: (*printer).putLine},
		"raw":   {write: (*printer).putRaw},
	}
}

func newPrinter(c *cli.Context) (*printer, error) {
	name := c.String("output")
	if name == "" {
		name = "text"
	}
	p, ok := formats()[name]
	if !ok {
		return nil, unknownFormat(name)
	}
	p.w, p.name = c.App.Writer, name
	p.terminal = cliutil.IsTerminal(p.w)
	p.colour = cliutil.Colour(p.w) && !c.Bool("no-color")
	p.rows = bufio.NewWriter(p.w)
	p.tab = tabwriter.NewWriter(p.rows, 0, 0, 2, ' ', 0)
	return &p, nil
}

func unknownFormat(name string) error {
	all := []string{"text", "table", "json", "jsonl", "raw"}
	next := "choose one of " + strings.Join(all, ", ")
	if near := cliutil.Nearest(name, all); near != "" {
		next = "did you mean " + near + "?"
	}
	return cliutil.Usage(fmt.Sprintf("unknown output %q", name), "-o or KV_OUTPUT says so", next)
}

// list says that any number of records will follow.
func (p *printer) list() { p.many = true }

// put prints one record.
func (p *printer) put(r record) error {
	err := p.write(p, r)
	p.n++
	return err
}

// end prints what closes the output.
func (p *printer) end() error {
	if p.finish == nil {
		return nil
	}
	return p.finish(p)
}

func (p *printer) putText(r record) error {
	_, err := io.WriteString(p.w, r.text(p)+"\n")
	return err
}

func (p *printer) putRow(r record) error {
	rows := [][]string{r.cells()}
	if g, ok := r.(grid); ok {
		rows = g.rows()
	}
	if p.n == 0 {
		rows = slices.Insert(rows, 0, r.columns())
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(p.tab, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// endTable prints the rows there are. More may follow, in columns of their own.
func (p *printer) endTable() error { return errors.Join(p.tab.Flush(), p.rows.Flush()) }

// putJSON prints a single record alone, and a list element by element.
func (p *printer) putJSON(r record) error {
	text, err := marshal(r)
	if err != nil {
		return err
	}
	if p.many {
		text = append([]byte(map[bool]string{true: "[\n", false: ",\n"}[p.n == 0]), text...)
	} else {
		text = append(text, '\n')
	}
	_, err = p.w.Write(text)
	return err
}

func (p *printer) endJSON() error {
	text := ""
	switch {
	case !p.many:
	case p.n == 0:
		text = "[]\n"
	default:
		text = "\n]\n"
	}
	_, err := io.WriteString(p.w, text)
	return err
}

func (p *printer) putLine(r record) error {
	text, err := marshal(r)
	if err != nil {
		return err
	}
	_, err = p.w.Write(append(text, '\n'))
	return err
}

// putRaw ends what is part of a list with a line end, and adds nothing to a
// single value.
func (p *printer) putRaw(r record) error {
	text := r.raw()
	if p.many {
		text += "\n"
	}
	_, err := io.WriteString(p.w, text)
	return err
}

// show is a value as text: as it is, but on a terminal nothing that a terminal
// would obey.
func (p *printer) show(value string) string {
	if p.terminal {
		return printable(value)
	}
	return value
}

// mark makes a text stand out.
func (p *printer) mark(text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[1;31m" + text + "\x1b[0m"
}
