package report

import "strings"

type column struct {
	head  string
	split string // the head on two lines, for when space is short; "": never split
	left  bool   // words; numbers are aligned to the right
}

// grid is rows of cells below heads, before anyone decided how to draw them.
type grid struct {
	columns []column
	rows    [][]string
}

func (g *grid) fits(n, gap int, split bool) bool {
	total := gap * (len(g.columns) - 1)
	for i := range g.columns {
		total += g.width(i, split)
	}
	return total <= n
}

func (g *grid) width(i int, split bool) int {
	n := 0
	for _, part := range g.columns[i].heads(split) {
		n = max(n, width(part))
	}
	for _, row := range g.rows {
		n = max(n, width(row[i]))
	}
	return n
}

// heads is the head as two lines, the upper one empty if it is not split.
func (c column) heads(split bool) [2]string {
	if upper, lower, ok := strings.Cut(c.split, "/"); split && ok {
		return [2]string{upper, lower}
	}
	return [2]string{"", c.head}
}

// text draws the grid in aligned columns, its heads split and its gaps narrow
// if n columns do not suffice otherwise.
func (g *grid) text(n int) []string {
	gap, split := 2, false
	if !g.fits(n, gap, split) {
		split = true
	}
	if !g.fits(n, gap, split) {
		gap = 1
	}
	var lines []string
	for part := range 2 {
		if part == 0 && !split {
			continue
		}
		cells := make([]string, len(g.columns))
		for i, c := range g.columns {
			cells[i] = c.heads(split)[part]
		}
		lines = append(lines, g.line(cells, gap, split))
	}
	for _, row := range g.rows {
		lines = append(lines, g.line(row, gap, split))
	}
	return lines
}

func (g *grid) line(cells []string, gap int, split bool) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		if g.columns[i].left {
			b.WriteString(pad(cell, g.width(i, split)))
		} else {
			b.WriteString(padLeft(cell, g.width(i, split)))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// markdown draws the grid as a table of GitHub's Markdown.
func (g *grid) markdown() []string {
	var heads, rules []string
	for _, c := range g.columns {
		heads = append(heads, escape(c.head))
		rules = append(rules, map[bool]string{true: "---", false: "---:"}[c.left])
	}
	lines := []string{markdownRow(heads), markdownRow(rules)}
	for _, row := range g.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = escape(cell)
		}
		lines = append(lines, markdownRow(cells))
	}
	return lines
}

func markdownRow(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }

// escape keeps what a value holds from being read as markup.
func escape(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`).Replace(s)
}
