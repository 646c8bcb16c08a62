package show

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
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

// PutList prints any number of records.
func PutList[T any](p *Printer, all []T, record func(T) Record) error {
	p.List()
	for _, v := range all {
		if err := p.Put(record(v)); err != nil {
			return err
		}
	}
	return nil
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

// Brief is enough of a text to know it by, safe on a terminal.
func Brief(text string) string { return Printable(Cut(text)) }

// Cut is a text that is not long, its end left out. It does not end within a rune.
func Cut(text string) string {
	const maxBytes = 60
	if len(text) <= maxBytes {
		return text
	}
	end := maxBytes
	for end > maxBytes-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// Count is a number of things.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ShownAll is names, each safe on a terminal.
func ShownAll(names []string) []string { return each(names, Printable) }

// joined is texts on one line, each safe on a terminal.
func joined(texts []string) string { return strings.Join(ShownAll(texts), " | ") }

// joinedOr is joined, or what to say where there are none.
func joinedOr(texts []string, none string) string {
	if len(texts) == 0 {
		return none
	}
	return joined(texts)
}

// Glimpse is the first of the values, each as far as a line of talk takes it: of
// thousands the user needs the number more than the values.
func Glimpse(values []string) string {
	const maxValues = 8
	first := each(values[:min(len(values), maxValues)], Cut)
	if more := len(values) - len(first); more > 0 {
		return fmt.Sprintf("%s and %d more", joined(first), more)
	}
	return joined(first)
}

// clockText is an instant of a leader's clock, in nanoseconds of Unix time.
func clockText(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z") }

// quoted is a prefix as it can be told from words.
func quoted(prefix string) string { return fmt.Sprintf("%q", prefix) }

// Reason is why there is no answer, in words of people where there are any.
func Reason(err error) string {
	text := err.Error()
	for _, w := range []struct{ machine, people string }{
		{context.DeadlineExceeded.Error(), "it did not answer in time"},
		{os.ErrDeadlineExceeded.Error(), "it did not answer in time"},
		{io.EOF.Error(), "it closed the connection without an answer"},
	} {
		if head, ok := strings.CutSuffix(text, w.machine); ok {
			return Printable(head + w.people)
		}
	}
	return Printable(text)
}

// ReasonOf is the reason of a leader's that may have refused.
func ReasonOf(err error) string {
	if client.Unknown(err) {
		return "this server does not have the command; a newer one may"
	}
	if r, ok := errors.AsType[*client.Refusal](err); ok {
		err = r.Err
	}
	return Reason(err)
}

// Missed says who could not be asked, and why.
func Missed(a client.Absentee) string { return a.String() + ": " + ReasonOf(a.Err) }

// WhoIsMissing is Missed of each.
func WhoIsMissing(missing []client.Absentee) []string { return each(missing, Missed) }

// MissingNames is the names of who could not be asked.
func MissingNames(missing []client.Absentee) []string {
	return each(missing, func(a client.Absentee) string { return Printable(a.Name) })
}

// distanceText says how far the leader called name is from another.
func distanceText(d client.Distance, name, other string) string {
	name, other = Printable(name), Printable(other)
	switch {
	case d.None():
		return fmt.Sprintf("%s has applied the same as %s", name, other)
	case d.Beyond == 0:
		return fmt.Sprintf("%s is behind: it lacks %s that %s has applied", name, Count(int(d.Lacks), "op"), other)
	case d.Lacks == 0:
		return fmt.Sprintf("%s is ahead: it has applied %s that %s lacks", name, Count(int(d.Beyond), "op"), other)
	}
	return fmt.Sprintf("%s lacks %s that %s has applied, and has %d that %s lacks", name, Count(int(d.Lacks), "op"), other, d.Beyond, other)
}

// AgreementLines is what keeps the leaders from being told to agree.
func AgreementLines(a *client.Agreement) []string {
	lines := WhoIsMissing(a.Missing)
	var lacks []string
	for _, l := range a.Lacks {
		lacks = append(lacks, fmt.Sprintf("%s lacks %d ops", l.Leader, l.Ops))
	}
	if len(lacks) > 0 {
		lines = append(lines, strings.Join(lacks, ", "))
	}
	lines = append(lines, a.Loading...)
	if a.Failed != nil {
		lines = append(lines, a.Failed.Error())
	}
	return lines
}
