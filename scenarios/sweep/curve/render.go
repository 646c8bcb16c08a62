package curve

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// mean is a mean with as many digits as help.
func mean(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// known is a mean, or empty where it is not known.
func known(n *float64) string {
	if n == nil {
		return ""
	}
	return mean(*n)
}

// short is a mean for people.
func short(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }

// where says at which value a resolver begins to lose.
func (b Begin) where() string { return cmp.Or(b.Value, "never") }

// Table is for people: a row a value, a column a resolver, each the mean of the seeds and
// the least and the most.
func (c *Curve) Table(out io.Writer) error {
	fmt.Fprintf(out, "%s over %s: lost updates, the mean of %d %s and the least to the most\n\n", c.Scenario, c.Axis, c.Seeds, c.drawn())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\t", c.Axis)
	for _, b := range c.Begins {
		fmt.Fprintf(w, "%s\t", b.Resolver)
	}
	fmt.Fprintln(w)
	for i, p := range c.Points {
		if i%len(c.Begins) == 0 {
			fmt.Fprintf(w, "%s\t", p.Value)
		}
		fmt.Fprintf(w, "%s  %d–%d\t", short(p.Lost), p.Least, p.Most)
		if i%len(c.Begins) == len(c.Begins)-1 {
			fmt.Fprintln(w)
		}
	}
	fmt.Fprint(w, "begins at\t")
	for _, b := range c.Begins {
		fmt.Fprintf(w, "%s\t", b.where())
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", c.Command)
	return err
}

// columns are those of the CSV.
var columns = []string{"scenario", "axis", "value", "resolver", "seeds", "first_seed", "acknowledged", "lost_least", "lost_mean", "lost_most", "inverted_mean", "concurrent_mean", "runs_that_lost"}

// cells is a point as a row.
func (c *Curve) cells(p *Point) []string {
	return []string{c.Scenario, c.Axis, p.Value, p.Resolver, strconv.Itoa(c.Seeds), strconv.FormatUint(c.Seed, 10), mean(p.Acked), strconv.Itoa(p.Least), mean(p.Lost), strconv.Itoa(p.Most),
		known(p.Inverted), known(p.Concurrent), strconv.Itoa(p.Losing)}
}

// CSV is a row a point, below a header.
func (c *Curve) CSV(out io.Writer) error {
	w := csv.NewWriter(out)
	rows := [][]string{columns}
	for i := range c.Points {
		rows = append(rows, c.cells(&c.Points[i]))
	}
	return w.WriteAll(rows)
}

// JSON is the curve as an object.
func (c *Curve) JSON(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(c)
}
