package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"kvd/scenarios"
	"kvd/scenarios/script"
)

// Block is one scenario and its results, a row for each resolver.
type Block struct {
	Name    string
	Title   string
	Results []*scenarios.Result

	leaders []string
	expect  script.Table
}

// Blocks sorts results under their scenarios, in the order of list. Results of
// scenarios not in list are left out. The blocks share results with the caller.
func Blocks(list []*script.Scenario, results []*scenarios.Result) []Block {
	blocks := make([]Block, 0, len(list))
	for _, s := range list {
		b := Block{Name: s.Name, Title: s.Title, leaders: s.Leaders, expect: s.Expect}
		for _, r := range results {
			if r.Scenario == s.Name {
				b.Results = append(b.Results, r)
			}
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// maxKeys is how many keys have a column of their own.
const maxKeys = 3

// field is a column that every result can fill by itself.
type field struct {
	column
	rare bool // left out when every row says the same as a run without trouble
	calm string
	of   func(*scenarios.Result) string
}

// cell is the field that the expect table calls by the same name.
func cell(name, split string) field {
	return field{column: column{head: name, split: split}, of: func(r *scenarios.Result) string { return r.Cell(name) }}
}

func rareCell(name, split, calm string) field {
	f := cell(name, split)
	f.rare, f.calm = true, calm
	return f
}

// metadata is what a key costs beyond itself; nobody measures it on processes
// that are being watched from outside.
func metadata(r *scenarios.Result) string {
	if r.Live {
		return "-"
	}
	return fmt.Sprintf("%.1f", r.MetadataBytesPerKey)
}

// fields lists the columns behind the values; results are of one scenario.
func fields(results []*scenarios.Result) []field {
	all := []field{
		cell("acked", ""), cell("accounted", "acc-/ounted"), cell("lost", ""),
		cell("inverted", "in-/verted"), cell("concurrent", "con-/current"),
		rareCell("durability", "dura-/bility", "0"), rareCell("resurrected", "resur-/rected", "0"), rareCell("overcounted", "over-/counted", "0"),
		rareCell("refused", "re-/fused", "0"),
		cell("siblings", "sib-/lings"),
		{column: column{head: "B/key"}, of: metadata},
		cell("converged", "con-/verged"), rareCell("session", "", "-"),
	}
	for _, c := range scenarios.Tokenless(results) {
		all = append(all, cell("session:"+c, "session/:"+c))
	}
	return append(all, field{column: column{head: "expectation", split: "expec-/tation"}, of: func(r *scenarios.Result) string { return r.Expectation }})
}

// grid is the block's rows, values cut to about limit columns each.
func (b Block) grid(limit int) *grid {
	keys := scenarios.Keys(b.Results)
	if len(keys) > maxKeys {
		keys = keys[:maxKeys]
	}
	fs := slices.DeleteFunc(fields(b.Results), func(f field) bool {
		return f.rare && !slices.ContainsFunc(b.Results, func(r *scenarios.Result) bool { return f.of(r) != f.calm })
	})
	g := &grid{columns: []column{{head: "resolver", left: true}}}
	for _, k := range keys {
		g.columns = append(g.columns, column{head: begin(k, 24), left: true})
	}
	for _, f := range fs {
		g.columns = append(g.columns, f.column)
	}
	for _, r := range b.Results {
		row := []string{r.Resolver}
		for _, k := range keys {
			row = append(row, agreed(r, k, limit))
		}
		for _, f := range fs {
			row = append(row, f.of(r))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// fitting is the grid with values as long as n columns allow; heads are split
// before values are cut to almost nothing.
func (b Block) fitting(n int) *grid {
	var g *grid
	for _, try := range []struct {
		limit int
		split bool
	}{{40, false}, {24, false}, {16, false}, {40, true}, {24, true}, {16, true}, {8, true}} {
		if g = b.grid(try.limit); g.fits(n, 2, try.split) {
			return g
		}
	}
	return g
}

// remarks are what the rows cannot say: keys without a column, leaders that do
// not run, what is not as expected, and promises that broke.
func (b Block) remarks() (calm, bad []string) {
	if n := len(scenarios.Keys(b.Results)) - maxKeys; n > 0 {
		calm = append(calm, fmt.Sprintf("%s not shown; -o json has them.", count(n, "more key")))
	}
	if len(b.Results) > 0 {
		if down := stopped(b.leaders, b.Results[0]); len(down) > 0 {
			calm = append(calm, notRunning(down))
		}
		if r := b.Results[0]; r.Seed != r.ExpectedSeed() && len(b.expect.Rows) > 0 {
			calm = append(calm, fmt.Sprintf("The script says what to expect with seed %d only.", r.ExpectedSeed()))
		}
	}
	return calm, b.failures()
}

// failures are what broke; what is the same under several resolvers is said
// once.
func (b Block) failures() []string {
	var texts []string
	who := map[string][]string{}
	say := func(r *scenarios.Result, text string) {
		if who[text] == nil {
			texts = append(texts, text)
		}
		who[text] = append(who[text], r.Resolver)
	}
	for _, r := range b.Results {
		if r.Expectation == scenarios.Broken {
			say(r, "✗ not as the script expects: "+differences(r, b.expect))
		}
		for _, p := range r.Promises {
			if !p.Held {
				say(r, broken(p))
			}
		}
	}
	for i, text := range texts {
		names := strings.Join(who[text], ", ")
		if len(who[text]) == len(b.Results) && len(b.Results) > 1 {
			names = "every resolver"
		}
		texts[i] = names + ": " + text
	}
	return texts
}

// broken is a sentence about a promise that did not hold.
func broken(p scenarios.Promise) string {
	text := "✗ " + p.Check
	if p.Kind == string(script.Safety) {
		text += " broke at " + trueTime(p.At)
	} else {
		text += " broke"
	}
	if p.Why != "" {
		text += ": " + reason(p)
	}
	return text
}

// reason is why a promise broke, without a guarantee that the promise names.
func reason(p scenarios.Promise) string {
	if about, why, ok := strings.Cut(p.Why, ": "); ok && strings.HasSuffix(p.Check, " "+about) {
		return why
	}
	return p.Why
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

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
