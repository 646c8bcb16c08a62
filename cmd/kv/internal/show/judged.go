package show

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kvd/replica/client/judging"
)

// Judged is what a history of another store comes to.
func Judged(name string, r *judging.Report) Record {
	return Record{
		Text: func(p *Printer) string { return judgedText(name, r, p) },
		Raw:  func() string { return strconv.Itoa(r.Lost()) },
		JSON: func() any { return judgedJSON(name, r) },
	}
}

func judgedText(name string, r *judging.Report, p *Printer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s by %s at %s in %s, %s", Printable(name), Count(r.Ops, "op"), Count(r.Clients, "client"), nodes(r.Nodes), r.Took.Round(time.Millisecond), Count(r.Keys, "key"))
	if r.Passes > 1 {
		fmt.Fprintf(&b, ", read %d times", r.Passes)
	}
	b.WriteByte('\n')
	for i := range r.Kinds {
		kindText(&b, &r.Kinds[i], p)
	}
	byNodeText(&b, r)
	clocksText(&b, &r.Clocks)
	lossesText(&b, r)
	doubtsText(&b, r)
	b.WriteString("\n" + judging.Caveat)
	return b.String()
}

func nodes(n int) string {
	if n == 0 {
		return "nodes that are not named"
	}
	return Count(n, "node")
}

// kindText is one kind of keys: what became of its updates, and what others would have lost.
func kindText(b *strings.Builder, k *judging.Kind, p *Printer) {
	lost := fmt.Sprintf("%d lost", k.Lost)
	if k.Lost > 0 {
		lost = p.mark(lost)
	}
	fmt.Fprintf(b, "\n%s: %d acknowledged, %d present", Count(k.Keys, k.Kind.String()), k.Acked, k.Present)
	for _, n := range []struct {
		n    int
		text string
	}{{k.Superseded, "%d written over by who had seen them"}, {k.Divided, "%d on some nodes only"}, {k.Unknown, "%d unknown"}} {
		if n.n > 0 {
			fmt.Fprintf(b, ", "+n.text, n.n)
		}
	}
	fmt.Fprintf(b, ", %s\n", lost)
	for _, n := range []struct {
		n    int
		text string
	}{
		{k.Inverted, "of the lost were inverted: their authors had been shown what survives"},
		{k.Concurrent, "of the lost were concurrent: their authors had not been shown what survives"},
		{k.Unrelated, "of the lost: what they went over nobody observed"},
		{k.Unnamed, "of the lost are counted, and which they are nobody can say"},
		{k.Presumed, "of the lost are named on the presumption that a node goes on from its own number"},
		{k.Overcounted, "more than were asked for: repeated, or by somebody who is not in the history"},
		{k.Indeterminate, "without a reply"}, {k.Shown, "of those were seen to have been done"}, {k.ShownLost, "of those are gone again"},
		{k.Failed, "refused"}, {k.Unread, "keys have no final reading"},
	} {
		if n.n > 0 {
			fmt.Fprintf(b, "   %d %s\n", n.n, n.text)
		}
	}
	outcomesText(b, k)
}

func outcomesText(b *strings.Builder, k *judging.Kind) {
	if len(k.Outcomes) == 0 {
		return
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "would have lost\tlost\tinverted\tconcurrent\tconflicted keys\t")
	for i := range k.Outcomes {
		o := &k.Outcomes[i]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", o.Resolver, o.Lost(), o.Inverted, o.Concurrent, o.Conflicted)
	}
	w.Flush()
}

func byNodeText(b *strings.Builder, r *judging.Report) {
	if r.Lost() == 0 || r.Nodes == 0 {
		return
	}
	b.WriteString("\nby node:")
	for _, n := range r.ByNode {
		fmt.Fprintf(b, "  %s %d acknowledged, %d known to be lost", orUnnamed(n.Node), n.Acked, n.Lost)
	}
	b.WriteByte('\n')
	if from, to, ok := replaced(r); ok {
		fmt.Fprintf(b, "   all that is known to be lost was acknowledged by %s, and all that survives in its place by %s:\n   as if the data of the one had been replaced by that of the other\n", from, to)
	}
}

// replaced reports whether one node lost and another one prevailed, throughout.
func replaced(r *judging.Report) (from, to string, ok bool) {
	losers, winners := 0, 0
	for _, n := range r.ByNode {
		if n.Lost > 0 {
			losers++
			from = orUnnamed(n.Node)
		}
		if n.Survivors > 0 {
			winners++
			to = orUnnamed(n.Node)
		}
	}
	return from, to, losers == 1 && winners == 1 && from != to
}

func orUnnamed(node string) string {
	if node == "" {
		return "an unnamed node"
	}
	return Printable(node)
}

func clocksText(b *strings.Builder, c *judging.Clocks) {
	switch {
	case c.Unnamed:
		b.WriteString("\nclocks: nodes are not named, so what clocks explain cannot be said\n")
	case c.Keys == 0:
	case !c.Explained && c.Why != "":
		fmt.Fprintf(b, "\nclocks: last-write-wins with constant offsets does not explain what survives:\n   %s\n", c.Why)
	case c.Spread == 0:
		fmt.Fprintf(b, "\nclocks: of %s, last-write-wins with perfect clocks could have kept the same\n", Count(c.Keys, "key"))
	case c.Explained:
		fmt.Fprintf(b, "\nclocks: of %s, last-write-wins could have kept the same if clocks were at least %s apart:", Count(c.Keys, "key"), c.Spread)
		for _, o := range c.Offsets {
			fmt.Fprintf(b, "  %s +%s", Printable(o.Node), o.Ahead)
		}
		b.WriteByte('\n')
	}
	for _, o := range c.Measured {
		fmt.Fprintf(b, "   by its stamps the clock of %s is between %s and %s ahead of the clients'\n", orUnnamed(o.Node), o.From, o.To)
	}
	for _, n := range c.Unmeasured {
		fmt.Fprintf(b, "   no constant offset explains the stamps of %s\n", orUnnamed(n))
	}
}

func lossesText(b *strings.Builder, r *judging.Report) {
	if len(r.Losses) == 0 {
		return
	}
	fmt.Fprintf(b, "\nthe first %d that are known by name:\n", len(r.Losses))
	for i := range r.Losses {
		l := &r.Losses[i]
		fmt.Fprintf(b, "   line %d: %s %s %s %s by %s", l.Line, l.Verb, Brief(l.Key), Brief(l.Value), at(l.Node), Printable(l.Client))
		if l.By == nil {
			b.WriteString(": lost, and to what is not known\n")
			continue
		}
		fmt.Fprintf(b, ": lost to line %d, %s %s by %s; %s%s\n", l.By.Line, Brief(l.By.Value), at(l.By.Node), Printable(l.By.Client), l.Relation, later(l))
	}
}

func at(node string) string {
	if node == "" {
		return "somewhere"
	}
	return "at " + Printable(node)
}

// later says that the lost update came later in true time.
func later(l *judging.Loss) string {
	if d := l.Start - l.By.End; d > 0 {
		return fmt.Sprintf("; it was begun %s after that had ended", time.Duration(d))
	}
	return ""
}

func doubtsText(b *strings.Builder, r *judging.Report) {
	if r.NotJudged > 0 {
		fmt.Fprintf(b, "\n%s not judged:\n", Count(r.NotJudged, "key"))
		for _, s := range r.Skipped {
			fmt.Fprintf(b, "   %s: %s\n", Brief(s.Key), s.Why)
		}
	}
	if r.Impossible > 0 {
		fmt.Fprintf(b, "\n%s cannot be true, and what is said above may be wrong:\n", Count(r.Impossible, "reading"))
		for _, p := range r.Problems {
			fmt.Fprintf(b, "   line %d: %s\n", p.Line, p.Why)
		}
	}
}

// JudgedKind is one kind of keys as a row for each resolver.
func JudgedKind(k *judging.Kind) Record {
	return Record{
		Columns: []string{"kind", "keys", "acknowledged", "present", "superseded", "divided", "unknown", "lost", "resolver", "would_lose", "inverted", "concurrent"},
		Rows: func() [][]string {
			var rows [][]string
			for i := range k.Outcomes {
				o := &k.Outcomes[i]
				cells := []string{k.Kind.String()}
				for _, n := range []int{k.Keys, k.Acked, k.Present, k.Superseded, k.Divided, k.Unknown, k.Lost} {
					cells = append(cells, strconv.Itoa(n))
				}
				rows = append(rows, append(cells, o.Resolver.String(), strconv.Itoa(o.Lost()), strconv.Itoa(o.Inverted), strconv.Itoa(o.Concurrent)))
			}
			return rows
		},
	}
}

func judgedJSON(name string, r *judging.Report) any {
	return object{
		{"file", name}, {"ops", r.Ops}, {"reads", r.Reads}, {"clients", r.Clients}, {"nodes", r.Nodes}, {"keys", r.Keys}, {"took_ns", int64(r.Took)}, {"passes", r.Passes},
		{"lost", r.Lost()},
		{"kinds", eachOf(r.Kinds, kindJSON)},
		{"by_node", eachOf(r.ByNode, func(n *judging.Node) object {
			return object{{"node", orNull(n.Node)}, {"acknowledged", n.Acked}, {"lost", n.Lost}, {"survivors", n.Survivors}}
		})},
		{"clocks", clocksJSON(&r.Clocks)},
		{"losses", eachOf(r.Losses, judgedLossJSON)},
		{"not_judged", object{{"keys", r.NotJudged}, {"first", eachOf(r.Skipped, func(s *judging.Skipped) object { return object{{"key", keyName(s.Key)}, {"why", s.Why}} })}}},
		{"impossible", object{{"readings", r.Impossible}, {"first", eachOf(r.Problems, func(p *judging.Problem) object { return object{{"line", p.Line}, {"why", p.Why}} })}}},
		{"caveat", judging.Caveat},
	}
}

func eachOf[T any](all []T, do func(*T) object) []object {
	out := make([]object, len(all))
	for i := range all {
		out[i] = do(&all[i])
	}
	return out
}

func kindJSON(k *judging.Kind) object {
	return object{
		{"kind", k.Kind.String()}, {"keys", k.Keys}, {"acknowledged", k.Acked}, {"present", k.Present}, {"superseded", k.Superseded}, {"divided", k.Divided}, {"unknown", k.Unknown},
		{"lost", k.Lost}, {"inverted", k.Inverted}, {"concurrent", k.Concurrent}, {"relation_unknown", k.Unrelated}, {"unnamed", k.Unnamed}, {"presumed", k.Presumed}, {"missing_amount", k.Missing},
		{"overcounted", k.Overcounted}, {"indeterminate", k.Indeterminate}, {"indeterminate_shown", k.Shown}, {"indeterminate_shown_lost", k.ShownLost}, {"failed", k.Failed}, {"keys_without_final_reading", k.Unread},
		{"resolvers", eachOf(k.Outcomes, func(o *judging.Outcome) object {
			return object{{"resolver", o.Resolver.String()}, {"judged", o.Accepted}, {"lost", o.Lost()}, {"inverted", o.Inverted}, {"concurrent", o.Concurrent}, {"most_siblings", o.Siblings}, {"conflicted_keys", o.Conflicted}}
		})},
	}
}

func clocksJSON(c *judging.Clocks) object {
	o := object{{"keys", c.Keys}, {"explained", c.Explained}}
	if c.Explained {
		o.Add("spread_ns", int64(c.Spread))
		o.Add("offsets", eachOf(c.Offsets, func(f *judging.Offset) object { return object{{"node", f.Node}, {"ahead_ns", int64(f.Ahead)}} }))
	}
	o.Add("why_not", orNull(c.Why))
	o.Add("measured", eachOf(c.Measured, func(f *judging.Offset) object {
		return object{{"node", orNull(f.Node)}, {"from_ns", strconv.FormatInt(int64(f.From), 10)}, {"to_ns", strconv.FormatInt(int64(f.To), 10)}}
	}))
	o.Add("no_constant_offset", append([]string{}, c.Unmeasured...))
	return o
}

func judgedLossJSON(l *judging.Loss) object {
	o := object{{"line", l.Line}, {"client", l.Client}, {"node", orNull(l.Node)}, {"key", keyName(l.Key)}, {"op", l.Verb.String()}, {"value", blobOf(l.Value)},
		{"start", strconv.FormatInt(int64(l.Start), 10)}, {"end", strconv.FormatInt(int64(l.End), 10)}, {"relation", string(l.Relation)}}
	if l.By == nil {
		o.Add("by", nil)
		return o
	}
	o.Add("by", object{{"line", l.By.Line}, {"client", l.By.Client}, {"node", orNull(l.By.Node)}, {"value", blobOf(l.By.Value)}})
	o.Add("later_ns", int64(max(0, l.Start-l.By.End)))
	return o
}
