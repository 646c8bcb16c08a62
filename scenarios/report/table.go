package report

import (
	"fmt"
	"io"
	"strings"

	"kvd/scenarios"
)

// Table writes a block per scenario and a summary over all, as aligned text.
func Table(w io.Writer, blocks []Block, st Style) error {
	n := st.width(tableWidth)
	var b strings.Builder
	for _, block := range blocks {
		b.WriteString(strings.Join(block.lines(n, st), "\n") + "\n\n")
	}
	all := totals(blocks)
	if len(blocks) != 1 { // the sums of one are its own rows
		fmt.Fprintf(&b, "all together: %s\n%s\n\n", count(len(blocks), "scenario"), strings.Join(summary(all).text(n), "\n"))
	}
	b.WriteString(strings.Join(wrap(moral(all), n), "\n") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// lines is the block in at most n columns; rows whose expectation broke are
// red.
func (b Block) lines(n int, st Style) []string {
	lines := []string{titled(b.Name, b.Title)}
	table := b.fitting(n).text(n)
	heads := len(table) - len(b.Results)
	for i, line := range table {
		if i >= heads && b.Results[i-heads].Expectation == scenarios.Broken {
			line = st.red(line)
		}
		lines = append(lines, line)
	}
	calm, bad := b.remarks()
	for _, remark := range calm {
		lines = append(lines, wrap(remark, n)...)
	}
	for _, remark := range bad {
		for _, line := range wrap(remark, n) {
			lines = append(lines, st.red(line))
		}
	}
	return lines
}

// Markdown writes the same blocks and summary as Markdown.
func Markdown(w io.Writer, blocks []Block) error {
	var b strings.Builder
	for _, block := range blocks {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", escape(block.Name), escape(block.Title))
		b.WriteString(strings.Join(block.grid(40).markdown(), "\n") + "\n\n")
		calm, bad := block.remarks()
		for _, remark := range append(calm, bad...) {
			b.WriteString("- " + escape(remark) + "\n")
		}
		if len(calm)+len(bad) > 0 {
			b.WriteString("\n")
		}
	}
	all := totals(blocks)
	if len(blocks) != 1 {
		fmt.Fprintf(&b, "## All together\n\n%s\n\n", strings.Join(summary(all).markdown(), "\n"))
	}
	fmt.Fprintf(&b, "%s\n", escape(moral(all)))
	_, err := io.WriteString(w, b.String())
	return err
}
