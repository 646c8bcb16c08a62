package whatif

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client/study"
)

// Flags is how it is asked for.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
		&cli.StringFlag{Name: "resolvers", Value: "all", Usage: "judge by these: all, or a `LIST` of " + strings.Join(study.Resolvers(), ", ")},
		&cli.StringFlag{Name: "skew", Value: "0,1ms,10ms,100ms,1s", Usage: "what lww would lose with clocks up to each `DURATION` off, with commas; none: do not ask"},
		&cli.IntFlag{Name: "draws", Value: 20, Usage: "draw `N` clusters for each skew"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "the clocks drawn follow from `N`"},
		&cli.IntFlag{Name: "differences", Value: 10, Usage: "list `N` keys that would show something else, under each resolver"},
		&cli.StringFlag{Name: "memory", Value: "1GiB", Usage: "get by with about `SIZE`; the less, the more often the history is read"},
		&cli.StringFlag{Name: "html", Usage: "write the loss curves as a page to `FILE`; one file, which needs no network"},
		&cli.StringFlag{Name: "csv", Usage: "write the points of the curves to `FILE`"},
	}
}

// Asked reads the flags. The error is a *cliutil.Problem.
func Asked(c *cli.Context) (study.Ask, error) {
	a := study.Ask{Prefix: c.String("prefix"), Differences: c.Int("differences")}
	a.Curve.Draws, a.Curve.Seed = c.Int("draws"), c.Uint64("seed")
	for _, f := range []struct {
		name  string
		apply func(*study.Ask, string) error
	}{{"resolvers", resolvers}, {"skew", skews}, {"memory", memory}} {
		if err := f.apply(&a, c.String(f.name)); err != nil {
			return a, cliutil.Usage(fmt.Sprintf("--%s cannot be %q", f.name, c.String(f.name)), err.Error(), c.App.Name+" "+c.Command.Name+" --help says what it takes")
		}
	}
	if a.Differences < 0 || a.Curve.Draws < 1 {
		return a, cliutil.Usage("nothing can be counted so", "--differences must not be below zero, and --draws be at least 1", c.App.Name+" "+c.Command.Name+" --help says more")
	}
	if len(a.Curve.Skews) == 0 {
		a.Curve.Draws = 0
	}
	return a, drawable(c, &a)
}

func resolvers(a *study.Ask, text string) error {
	if text == "all" {
		a.AddAll()
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name := strings.TrimSpace(part)
		if err := cliutil.Meant(a.Add(name), name, study.Resolvers()); err != nil {
			return err
		}
	}
	return nil
}

func skews(a *study.Ask, text string) error {
	if text == "none" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(part))
		if err == nil && d < 0 {
			err = errors.New("clocks are off either way; leave out the sign")
		}
		if err != nil {
			return err
		}
		a.Curve.Skews = append(a.Curve.Skews, d)
	}
	return nil
}

func memory(a *study.Ask, text string) (err error) {
	a.Memory, err = cliutil.Bytes(text)
	if err == nil && a.Memory < study.MinMemory {
		err = errors.New("the program itself takes 32MiB")
	}
	return err
}

// Report is what was found, as it is told.
type Report struct{ *study.Report }

type object = cliutil.Object

// MarshalJSON has all that the text says, and the rest.
func (r Report) MarshalJSON() ([]byte, error) {
	s := &r.Subject
	outcomes, skews := []object{}, []object{}
	for i := range r.Outcomes {
		outcomes = append(outcomes, outcomeOf(&r.Outcomes[i]))
	}
	for _, p := range r.Points {
		skews = append(skews, object{{"skew_ns", int64(p.Skew)}, {"draws", p.Draws}, {"of", p.Accepted}, {"least", p.Least}, {"mean", p.Mean}, {"most", p.Most}, {"draws_that_lost", p.Losing}})
	}
	return json.Marshal(object{
		{"cluster", s.Cluster}, {"leader", s.Leader}, {"at", int64(s.At)}, {"prefix", cliutil.BlobOf(r.Prefix())},
		{"policy", s.Policy.String()}, {"shadows", append([]string{}, s.Policy.Shadows.Names()...)}, {"applied", s.UpTo.String()},
		{"missing", s.Missing}, // what is wrong with the history; empty: nothing
		{"ops", r.Ops}, {"keys", r.Keys}, {"seen_before_the_history", r.Beyond}, {"passes", r.Passes}, {"seconds", r.Took.Seconds()},
		{"resolvers", outcomes}, {"seed", r.Ask.Curve.Seed}, {"lww_by_skew", skews}, {"recorded_clocks", recordedClocks}, {"caveat", study.Caveat},
	})
}

func outcomeOf(o *study.Outcome) object {
	differences := []object{}
	for _, d := range o.Differences {
		differences = append(differences, object{{"key", cliutil.BlobOf(d.Key)}, {"serving", d.Serving.String()}, {"shows", blobsOf(d.Shows)}, {"would_show", blobsOf(d.Would)}})
	}
	return object{
		{"resolver", o.Resolver.String()}, {"keys", o.Keys}, {"accepted", o.Accepted}, {"live", o.Live}, {"superseded", o.Superseded},
		{"lost_inverted", o.Inverted}, {"lost_concurrent", o.Concurrent}, {"lost_deletes", o.Deletes}, {"lost_increments", o.Increments},
		{"siblings", o.Siblings}, {"keys_with_siblings", o.Conflicted}, {"keys_that_differ", o.Differ}, {"metadata_bytes_per_key", o.MetadataPerKey()},
		{"ops_without_evidence", o.Unrecorded}, {"differences", differences},
	}
}

func blobsOf(values [][]byte) []cliutil.Blob {
	all := make([]cliutil.Blob, len(values))
	for i, v := range values {
		all[i] = cliutil.BlobOf(string(v))
	}
	return all
}

// Text is the report for people: a table of resolvers, keys that would show
// something else, the loss curve, and what is missing. Keys and values are safe on
// a terminal. There is no line end after the last line.
func (r Report) Text() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.about())
	b.WriteString("\n")
	if r.Ops == 0 {
		return b.String() + strings.Join(append([]string{"There is nothing to judge."}, r.missing()...), "\n")
	}
	r.table(&b)
	r.differences(&b)
	r.curve(&b)
	b.WriteString("\n" + study.Caveat)
	for _, line := range r.missing() {
		b.WriteString("\n" + line)
	}
	return b.String()
}

func (r Report) about() string {
	s := &r.Subject
	text := fmt.Sprintf("%d ops of %d keys", r.Ops, r.Keys)
	if p := r.Prefix(); p != "" {
		text += " that begin with " + cliutil.Printable(p)
	}
	if s.Leader != "" {
		text += ", as applied by " + cliutil.Printable(s.Leader)
	}
	if s.At != 0 {
		text += " at " + s.At.Time().Format(time.RFC3339)
	}
	watchers, watched := s.Policy.Shadows, "nobody watched"
	if len(s.Policy.Rules) == 0 {
		watchers &^= s.Policy.Default.Mask() // it serves every key
	}
	if watchers != 0 {
		watched = strings.Join(watchers.Names(), ", ") + " watched"
	}
	return fmt.Sprintf("%s\nserved by %s; %s\nread %s in %s", text, s.Policy.String(), watched, times(r.Passes), r.Took.Round(time.Millisecond))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Columns is the table's head, and Cells its rows.
func Columns() []string {
	return []string{"resolver", "accepted", "live", "superseded", "lost inverted", "lost concurrent", "siblings", "keys that differ", "metadata B/key"}
}

// Cells is one resolver's row.
func Cells(o *study.Outcome) []string {
	cells := []string{o.Resolver.String()}
	for _, n := range []int{o.Accepted, o.Live, o.Superseded, o.Inverted, o.Concurrent, o.Siblings, o.Differ} {
		cells = append(cells, strconv.Itoa(n))
	}
	return append(cells, strconv.FormatFloat(o.MetadataPerKey(), 'f', 1, 64))
}

func (r Report) table(b *strings.Builder) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") }
	row(Columns())
	for i := range r.Outcomes {
		row(Cells(&r.Outcomes[i]))
	}
	_ = w.Flush() // a builder takes everything
}

func (r Report) differences(b *strings.Builder) {
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if len(o.Differences) == 0 {
			continue
		}
		fmt.Fprintf(b, "\nunder %s, %d of %d keys would show something else", o.Resolver, o.Differ, o.Keys)
		if o.Differ > len(o.Differences) {
			fmt.Fprintf(b, "; the first %d", len(o.Differences))
		}
		b.WriteString(":\n")
		for _, d := range o.Differences {
			fmt.Fprintf(b, "  %s: %s under %s, %s under %s\n", cliutil.Printable(d.Key), values(d.Shows), d.Serving, values(d.Would), o.Resolver)
		}
	}
}

// longest is how many bytes of a value are printed.
const longest = 60

func values(all [][]byte) string {
	if len(all) == 0 {
		return "nothing"
	}
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = strconv.Quote(string(v[:min(len(v), longest)]))
		if len(v) > longest {
			texts[i] += fmt.Sprintf("… (%d bytes)", len(v))
		}
	}
	return strings.Join(texts, " | ")
}

// width is how many marks the greatest loss is drawn with.
const width = 40

// curve draws what lww loses against how far clocks are off.
func (r Report) curve(b *strings.Builder) {
	if len(r.Points) == 0 {
		return
	}
	fmt.Fprintf(b, "\nwrites that lww would have lost, of %d, had each leader's clock been off by up to so much either way\n(mean of %d draws, least to most; seed %d). 0s is the clocks as they were recorded: how far they were off\nthen is not known here, and is part of every line:\n",
		r.Points[0].Accepted, r.Points[0].Draws, r.Ask.Curve.Seed)
	most := 1.0
	for _, p := range r.Points {
		most = max(most, p.Mean)
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, p := range r.Points {
		marks := int(math.Ceil(p.Mean / most * width))
		line := fmt.Sprintf("  %s\t%s\t%d to %d", p.Skew, strconv.FormatFloat(p.Mean, 'f', 1, 64), p.Least, p.Most)
		if marks > 0 {
			line += "\t" + strings.Repeat("#", marks)
		}
		fmt.Fprintln(w, line)
	}
	_ = w.Flush() // a builder takes everything
}

// missing is what the result has to do without.
func (r Report) missing() []string {
	var lines []string
	if r.Subject.Missing != "" {
		lines = append(lines, "Part of the history is missing: "+r.Subject.Missing+".")
	}
	if r.Beyond > 0 {
		lines = append(lines, fmt.Sprintf("The history does not go back to the beginning: ops had seen %d that it no longer holds, and are judged as if those had not been.", r.Beyond))
	}
	for i := range r.Outcomes {
		if o := &r.Outcomes[i]; o.Unrecorded > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d of %d ops were accepted without the evidence it goes by (%s), and are judged by the rest.", o.Resolver, o.Unrecorded, o.Accepted, evidence(o)))
		}
	}
	return lines
}

// evidence is what leaders leave out when nobody on their panel asks for it.
func evidence(o *study.Outcome) string {
	if study.GoesByTotals(o) {
		return "running totals"
	}
	return "which other values their leader held"
}
