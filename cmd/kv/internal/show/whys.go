package show

import (
	"fmt"
	"strconv"
	"strings"

	"kvd/replica/client/answers"
)

// Whys is what leaders say of a key as one record.
type Whys struct {
	inRows
	answers.Whys
	Tree bool // as a tree of writes
}

func shows(s answers.Explanation) string {
	what := "nothing"
	if len(s.Values) > 0 {
		what = joined(s.Values)
	}
	return fmt.Sprintf("it shows %s by %s, and knows of %s", what, Printable(s.Serving()), Count(int(s.Lost()), "lost write"))
}

// Others says who tells it otherwise; differ has those who have no reason to.
func (w Whys) Others() (lines, differ []string) {
	for _, s := range w.All {
		if s.Same {
			continue
		}
		line := distanceText(s.Distance, s.Name, w.Told().Name) + "; " + shows(s)
		if lines = append(lines, line); s.None() {
			differ = append(differ, line)
		}
	}
	return lines, differ
}

func (w Whys) body() string {
	if w.Tree {
		return w.Told().Field("tree").Text
	}
	return w.Told().Field("text").Text
}

func (w Whys) Text(p *Printer) string {
	lines, _ := w.Others()
	if len(lines) > 0 {
		lines = append([]string{"", "so says " + Printable(w.Told().Name) + "; the others:"}, lines...)
	}
	return strings.Join(append([]string{p.plain(w.body())}, lines...), "\n")
}

func (w Whys) Raw() string { return strings.TrimRight(w.body(), "\n") + "\n" }

// MarshalJSON is what the teller says and how far the others are from it.
func (w Whys) MarshalJSON() ([]byte, error) {
	type other struct {
		Leader  string `json:"leader"`
		Applied string `json:"applied"`
		Lacks   uint64 `json:"lacks"`
		Beyond  uint64 `json:"beyond"`
		Same    bool   `json:"same"`
		Serving string `json:"serving"`
		Values  []Blob `json:"values"`
		Lost    int64  `json:"lost"`
	}
	others := []other{}
	for _, s := range w.All {
		others = append(others, other{s.Name, s.Applied.String(), s.Lacks, s.Beyond, s.Same, s.Serving(), blobsOf(s.Values), s.Lost()})
	}
	t := w.Told()
	return marshal(struct {
		Key     keyName        `json:"key"`
		Leader  string         `json:"leader"`
		Serving string         `json:"serving"`
		Values  []Blob         `json:"values"`
		Lost    int64          `json:"lost"`
		Text    string         `json:"text"`
		Tree    string         `json:"tree"`
		Leaders []other        `json:"leaders"`
		Missing []absenteeJSON `json:"missing"`
	}{keyName(w.Key), t.Name, t.Serving(), blobsOf(t.Values), t.Lost(), t.Field("text").Text, t.Field("tree").Text, others, Absentees(w.Missing)})
}

func (w Whys) Columns() []string {
	return []string{"leader", "serving", "values", "lost", "lacks", "beyond", "same"}
}

// Rows is one for each leader.
func (w Whys) Rows() [][]string {
	var all [][]string
	for _, s := range w.All {
		all = append(all, []string{Printable(s.Name), Printable(s.Serving()), joined(s.Values), strconv.FormatInt(s.Lost(), 10),
			strconv.FormatUint(s.Lacks, 10), strconv.FormatUint(s.Beyond, 10), strconv.FormatBool(s.Same)})
	}
	return all
}
