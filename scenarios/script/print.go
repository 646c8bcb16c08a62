package script

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kvd/scenarios/script/internal/spell"

	"golang.org/x/tools/txtar"
)

const (
	verbWidth    = 8    // of the verbs above the events
	alignedWidth = 40   // wider cells do not push their column
	alignedRows  = 2000 // longer groups are not aligned, so that padding stays small beside the text
)

// Print writes the canonical archive. The caller owns the bytes.
func (s *Scenario) Print() []byte {
	var b strings.Builder
	s.printHead(&b)
	printGroup(&b, s.setupLines())
	printGroup(&b, s.clientLines())
	printGroup(&b, s.eventLines())
	printGroup(&b, s.endLines())
	writeNotes(&b, s.Notes[""])
	archive := &txtar.Archive{
		Comment: []byte(s.Prose),
		Files:   []txtar.File{{Name: "scenario", Data: []byte(b.String())}},
	}
	if len(s.Expect.Columns) > 0 {
		archive.Files = append(archive.Files, txtar.File{Name: expectFile, Data: []byte(s.Expect.print())})
	}
	return txtar.Format(archive)
}

// printed is one line in cells that align with those of its group.
type printed struct {
	notes Notes
	cells []string
}

func (s *Scenario) printHead(b *strings.Builder) {
	var head []printed
	line := func(verb, rest string) { head = append(head, printed{s.Notes[verb], verbCells(verb, rest)}) }
	stated := func(verb, rest string) {
		if rest != "" {
			line(verb, rest)
		}
	}
	line("name", s.Name)
	stated("title", s.Title)
	line("model", s.Model.String())
	line("leaders", strings.Join(s.Leaders, " "))
	for _, p := range s.Policies {
		head = append(head, printed{p.Notes, verbCells("policy", p.text())})
	}
	stated("shadow", strings.Join(s.Shadows, " "))
	stated("settings", s.Settings.String())
	if s.Seed != 0 {
		line("seed", strconv.FormatUint(s.Seed, 10))
	}
	printGroup(b, head)
}

// verbCells pads the verb into the cell itself: its column is the same in all
// groups.
func verbCells(verb, rest string) []string { return []string{pad(verb, verbWidth) + " " + rest} }

func (s *Scenario) setupLines() []printed {
	subjects := map[string][]string{} // by verb: each verb's subjects align apart
	split := make([][3]string, len(s.Setup))
	for i, u := range s.Setup {
		verb, rest, _ := strings.Cut(u.Action.String(), " ")
		split[i] = [3]string{verb, rest, ""}
		if verb == "clock" || verb == "link" {
			split[i][1], split[i][2], _ = strings.Cut(rest, " ")
		}
		subjects[verb] = append(subjects[verb], split[i][1])
	}
	lines := make([]printed, len(s.Setup))
	for i, u := range s.Setup {
		verb, subject, rest := split[i][0], split[i][1], split[i][2]
		if rest != "" {
			subject = pad(subject, width(subjects[verb])) + " " + rest
		}
		lines[i] = printed{u.Notes, verbCells(verb, subject)}
	}
	return lines
}

func (s *Scenario) clientLines() []printed {
	lines := make([]printed, len(s.Clients))
	for i, c := range s.Clients {
		lines[i] = printed{c.Notes, verbCells("client", c.text())}
	}
	return lines
}

func (s *Scenario) eventLines() []printed {
	lines := make([]printed, len(s.Events))
	for i, e := range s.Events {
		lines[i] = printed{e.Notes, []string{e.Trigger.String() + "  ", e.Action.String()}}
		if op, ok := e.Action.(ClientOp); ok && op.Label != "" {
			lines[i].cells = []string{e.Trigger.String() + "  ", op.body() + "  ", "as " + op.Label}
		}
	}
	return lines
}

func (s *Scenario) endLines() []printed {
	lines := []printed{{s.Notes["settle"], []string{"settle " + spell.Duration(s.Settle)}}}
	for _, c := range s.Checks {
		lines = append(lines, printed{c.Notes, []string{c.String()}})
	}
	return lines
}

// print aligns the table. A first cell "--" is quoted: bare, its line could
// look like the marker of another file.
func (t Table) print() string {
	var b strings.Builder
	lines := make([]printed, 0, len(t.Rows)+1)
	for _, row := range append([][]string{t.Columns}, t.Rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = spell.Quote(cell) + " "
		}
		if len(row) > 0 && row[0] == "--" {
			cells[0] = `"--" `
		}
		lines = append(lines, printed{nil, cells})
	}
	printGroup(&b, lines)
	return b.String()
}

// printGroup writes lines with their notes above them and their cells in
// columns, one blank between columns.
func printGroup(b *strings.Builder, lines []printed) {
	widths := columnWidths(lines)
	for _, l := range lines {
		writeNotes(b, l.notes)
		last := len(l.cells) - 1
		for i, cell := range l.cells[:last] {
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", max(1, widths[i]-utf8.RuneCountInString(cell)+1)))
		}
		b.WriteString(strings.TrimRight(l.cells[last], " "))
		b.WriteByte('\n')
	}
}

// columnWidths looks at cells that another cell follows: the last of a line
// needs no padding.
func columnWidths(lines []printed) []int {
	var columns [][]string
	for _, l := range lines {
		for len(columns) < len(l.cells) {
			columns = append(columns, nil)
		}
		for i, cell := range l.cells[:len(l.cells)-1] {
			columns[i] = append(columns[i], cell)
		}
	}
	widths := make([]int, len(columns))
	for i, cells := range columns {
		widths[i] = width(cells)
	}
	return widths
}

// width is that of the widest cell that may push its column.
func width(cells []string) int {
	widest := 0
	if len(cells) > alignedRows {
		return widest
	}
	for _, cell := range cells {
		if n := utf8.RuneCountInString(cell); n <= alignedWidth {
			widest = max(widest, n)
		}
	}
	return widest
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

func writeNotes(b *strings.Builder, notes Notes) {
	for _, note := range notes {
		b.WriteString(note)
		b.WriteByte('\n')
	}
}

// expectFile is the file of the archive that holds the expect table.
const expectFile = "expect"

// WithExpect is a script's text with the table as its expect section; every other byte
// is the author's. The caller owns the bytes.
func WithExpect(text []byte, t Table) []byte {
	archive := txtar.Parse(text)
	table := txtar.File{Name: expectFile, Data: []byte(t.print())}
	if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == expectFile }); i >= 0 {
		archive.Files[i] = table
	} else {
		archive.Files = append(archive.Files, table)
	}
	return txtar.Format(archive)
}
