package show

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

// Printer prints records in the format the user chose.
type Printer struct {
	Name     string
	W        io.Writer
	write    func(*Printer, Record) error
	Finish   func(*Printer) error
	terminal bool
	colour   bool
	many     bool // a list, of any length
	n        int
	tab      *tabwriter.Writer
	rows     *bufio.Writer // what tab writes in small pieces
}

// formats is how records can be printed.
func formats() map[string]Printer {
	return map[string]Printer{
		"text":  {write: (*Printer).putText},
		"table": {write: (*Printer).putRow, Finish: (*Printer).EndTable},
		"json":  {write: (*Printer).putJSON, Finish: (*Printer).endJSON},
		"jsonl": {write: (*Printer).putLine},
		"raw":   {write: (*Printer).putRaw},
	}
}

// New prints on the program's output as the flags say. The error is a *cliutil.Problem.
func New(c *cli.Context) (*Printer, error) {
	name := c.String("output")
	if name == "" {
		name = "text"
	}
	p, ok := formats()[name]
	if !ok {
		return nil, unknownFormat(name)
	}
	p.W, p.Name = c.App.Writer, name
	p.terminal = cliutil.IsTerminal(p.W)
	p.colour = cliutil.Colour(p.W) && !c.Bool("no-color")
	p.rows = bufio.NewWriter(p.W)
	p.tab = tabwriter.NewWriter(p.rows, 0, 0, 2, ' ', 0)
	return &p, nil
}

func unknownFormat(name string) error {
	all := []string{"text", "table", "json", "jsonl", "raw"}
	return cliutil.Usage(fmt.Sprintf("unknown output %q", name), "-o or KV_OUTPUT says so", cliutil.MeantOr(name, all, "choose one of "+strings.Join(all, ", ")))
}

// List says that any number of records will follow.
func (p *Printer) List() { p.many = true }

// Put prints one record.
func (p *Printer) Put(r Record) error {
	err := p.write(p, r)
	p.n++
	return err
}

// End prints what closes the output.
func (p *Printer) End() error {
	if p.Finish == nil {
		return nil
	}
	return p.Finish(p)
}

func (p *Printer) putText(r Record) error {
	_, err := io.WriteString(p.W, r.Text(p)+"\n")
	return err
}

func (p *Printer) putRow(r Record) error {
	rows := r.Rows()
	if p.n == 0 {
		rows = slices.Insert(rows, 0, r.Columns)
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(p.tab, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// EndTable prints the rows there are. More may follow, in columns of their own.
func (p *Printer) EndTable() error { return errors.Join(p.tab.Flush(), p.rows.Flush()) }

// putJSON prints a single record alone, and a list element by element.
func (p *Printer) putJSON(r Record) error {
	text, err := cliutil.Marshal(r.JSON())
	if err != nil {
		return err
	}
	if p.many {
		text = append([]byte(map[bool]string{true: "[\n", false: ",\n"}[p.n == 0]), text...)
	} else {
		text = append(text, '\n')
	}
	_, err = p.W.Write(text)
	return err
}

func (p *Printer) endJSON() error {
	text := ""
	switch {
	case !p.many:
	case p.n == 0:
		text = "[]\n"
	default:
		text = "\n]\n"
	}
	_, err := io.WriteString(p.W, text)
	return err
}

func (p *Printer) putLine(r Record) error {
	text, err := cliutil.Marshal(r.JSON())
	if err != nil {
		return err
	}
	_, err = p.W.Write(append(text, '\n'))
	return err
}

// putRaw ends what is part of a list with a line end, and adds nothing to a
// single value.
func (p *Printer) putRaw(r Record) error {
	text := r.Raw()
	if p.many {
		text += "\n"
	}
	_, err := io.WriteString(p.W, text)
	return err
}

// Show is a value as text: as it is, but on a terminal nothing that a terminal
// would obey.
func (p *Printer) Show(value string) string {
	if p.terminal {
		return Printable(value)
	}
	return value
}

// mark makes a text stand out.
func (p *Printer) mark(text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[1;31m" + text + "\x1b[0m"
}

// plain is a text of several lines, each safe on a terminal.
func (p *Printer) plain(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = p.Show(lines[i])
	}
	return strings.Join(lines, "\n")
}
