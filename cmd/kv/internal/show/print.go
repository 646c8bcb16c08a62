package show

import (
	"bufio"
	"cmp"
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
	Name     string // of the format
	W        io.Writer
	terminal bool
	colour   bool
	many     bool // a list, of any length
	n        int
	Unread   bool // nobody reads what closes the output
	tab      *tabwriter.Writer
	rows     *bufio.Writer // what tab writes in small pieces
}

// New prints on the program's output as the flags say. The error is a *cliutil.Problem.
func New(c *cli.Context) (*Printer, error) {
	p := &Printer{Name: cmp.Or(c.String("output"), "text"), W: c.App.Writer, terminal: cliutil.IsTerminal(c.App.Writer), rows: bufio.NewWriter(c.App.Writer)}
	if all := []string{"text", "table", "json", "jsonl", "raw"}; !slices.Contains(all, p.Name) {
		return nil, cliutil.Usage(fmt.Sprintf("unknown output %q", p.Name), "-o or KV_OUTPUT says so", cliutil.MeantOr(p.Name, all, "choose one of "+strings.Join(all, ", ")))
	}
	p.colour = cliutil.Colour(p.W) && !c.Bool("no-color")
	p.tab = tabwriter.NewWriter(p.rows, 0, 0, 2, ' ', 0)
	return p, nil
}

// List says that any number of records will follow.
func (p *Printer) List() { p.many = true }

// Put prints one record. JSON has a single record alone, and a list element by element;
// raw ends what is part of a list with a line end, and adds nothing to a single value.
func (p *Printer) Put(r Record) error {
	if p.Name == "table" {
		return p.putRows(r)
	}
	var text string
	switch p.Name {
	case "text":
		text = r.Text(p) + "\n"
	case "raw":
		if text = r.Raw(); p.many {
			text += "\n"
		}
	default:
		value, err := cliutil.Marshal(r.JSON())
		if err != nil {
			return err
		}
		switch {
		case p.Name == "jsonl" || !p.many:
			text = string(value) + "\n"
		case p.n == 0:
			text = "[\n" + string(value)
		default:
			text = ",\n" + string(value)
		}
	}
	p.n++
	_, err := io.WriteString(p.W, text)
	return err
}

func (p *Printer) putRows(r Record) error {
	rows := r.Rows()
	if p.n++; p.n == 1 {
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

// End prints what closes the output.
func (p *Printer) End() error {
	switch {
	case p.Name == "table" && !p.Unread:
		return p.EndTable()
	case p.Name != "json" || !p.many || p.Unread:
		return nil
	}
	text := "\n]\n"
	if p.n == 0 {
		text = "[]\n"
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
