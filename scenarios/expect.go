package scenarios

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"kvd/scenarios/script"
	"kvd/storage/file"
)

// ExpectedSeed is the seed whose outcome expect tables write down, unless the script
// names another.
const ExpectedSeed = 1

// The words of Result.Expectation.
const (
	Held   = "held"
	Broken = "broken"
	None   = "none" // no row of that resolver, or another seed than the table's
)

type counted struct {
	column string
	rare   bool
	of     func(*Result) int
}

// counts are the numeric columns of an expect table, in order. Those marked
// rare only appear when some row is not zero.
var counts = [...]counted{
	{"acked", false, func(r *Result) int { return r.Acked }},
	{"accounted", false, func(r *Result) int { return r.Accounted }},
	{"lost", false, func(r *Result) int { return r.Lost }},
	{"inverted", false, func(r *Result) int { return r.Inverted }},
	{"concurrent", false, func(r *Result) int { return r.Concurrent }},
	{"durability", true, func(r *Result) int { return r.Durability }},
	{"resurrected", true, func(r *Result) int { return r.Resurrected }},
	{"overcounted", true, func(r *Result) int { return r.Overcounted }},
	{"refused", true, func(r *Result) int { return r.Refused }},
	{"siblings", false, func(r *Result) int { return r.Siblings }},
}

// keyColumn begins a column of a key whose name alone would mean something else.
const keyColumn = "key:"

// Cell is what column says of the result: a count, session (of all clients with
// a token, or session:C of client C), converged, or the value of the key of that
// name (key:K where K alone means one of the others).
func (r *Result) Cell(column string) string {
	switch column {
	case "resolver":
		return r.Resolver
	case "session":
		return cmp.Or(r.Session, "-")
	case "converged":
		return map[bool]string{true: "yes", false: "no"}[r.Converged]
	}
	for _, c := range counts {
		if c.column == column {
			return strconv.Itoa(c.of(r))
		}
	}
	if client, ok := strings.CutPrefix(column, "session:"); ok {
		return cmp.Or(r.Sessions[client], "-")
	}
	return r.shows(strings.TrimPrefix(column, keyColumn))
}

func columnOf(key string) string {
	taken := slices.ContainsFunc(counts[:], func(c counted) bool { return c.column == key })
	if taken || slices.Contains([]string{"resolver", "session", "converged"}, key) || strings.HasPrefix(key, "session:") || strings.HasPrefix(key, keyColumn) {
		return keyColumn + key
	}
	return key
}

// shows is what the leaders show of a key: one text if all agree.
func (r *Result) shows(key string) string {
	leaders := slices.Sorted(maps.Keys(r.Values))
	var each []string
	same := true
	for _, n := range leaders {
		v := shorten(r.Values[n][key])
		each = append(each, n+":"+v)
		same = same && v == shorten(r.Values[leaders[0]][key])
	}
	if same && len(leaders) > 0 {
		return shorten(r.Values[leaders[0]][key])
	}
	return strings.Join(each, ",")
}

// shorten is the values in one word: siblings side by side, long sets by their
// size.
func shorten(values []string) string {
	short := make([]string, 0, len(values))
	for _, v := range values {
		if len(v) > 32 {
			v = fmt.Sprintf("[%d]", strings.Count(v, ",")+1)
		}
		short = append(short, v)
	}
	slices.Sort(short)
	if len(short) == 0 {
		return "-"
	}
	return strings.Join(short, "|")
}

// expectation compares the result with its row of the script's expect table.
func (r *Result) expectation(t script.Table) string {
	row := r.row(t)
	switch {
	case row == nil:
		return None
	case len(r.Unexpected(t)) > 0:
		return Broken
	}
	return Held
}

// row is the table's row for the result, nil if it has none.
func (r *Result) row(t script.Table) []string {
	if len(t.Columns) == 0 || t.Columns[0] != "resolver" || r.Seed != r.ExpectedSeed() {
		return nil
	}
	for _, row := range t.Rows {
		if len(row) == len(t.Columns) && row[0] == r.Resolver {
			return row
		}
	}
	return nil
}

// Difference is a cell of an expect table that the result differs in.
type Difference struct{ Column, Expected, Found string }

// Unexpected is where the result differs from its row of the table, column by
// column.
func (r *Result) Unexpected(t script.Table) []Difference {
	var out []Difference
	for i, want := range r.row(t) {
		if got := r.Cell(t.Columns[i]); got != want {
			out = append(out, Difference{Column: t.Columns[i], Expected: want, Found: got})
		}
	}
	return out
}

// Update is the scenario with its expect table rewritten from results.
func Update(s *script.Scenario, results []*Result) *script.Scenario {
	c := s.Clone()
	c.Expect = script.Table{Columns: columns(results)}
	for _, r := range results {
		var row []string
		for _, column := range c.Expect.Columns {
			row = append(row, r.Cell(column))
		}
		c.Expect.Rows = append(c.Expect.Rows, row)
	}
	return c
}

// UpdateFile rewrites the expect section of a script's file from results of the
// scenario; the rest of the file stays text, as it was read. It reports whether the file
// changed. The new file replaces the old one at once and has its mode; after an error
// the old one is still there.
func UpdateFile(path string, text []byte, s *script.Scenario, results []*Result) (changed bool, err error) {
	updated := script.WithExpect(text, Update(s, results).Expect)
	if bytes.Equal(updated, text) {
		return false, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return true, file.Replace(path, updated, info.Mode().Perm())
}

func columns(results []*Result) []string {
	cols := []string{"resolver"}
	for _, k := range Keys(results) {
		cols = append(cols, columnOf(k))
	}
	for _, c := range counts {
		if !c.rare || slices.ContainsFunc(results, func(r *Result) bool { return c.of(r) != 0 }) {
			cols = append(cols, c.column)
		}
	}
	if slices.ContainsFunc(results, func(r *Result) bool { return r.Session != "" }) {
		cols = append(cols, "session")
	}
	for _, c := range Tokenless(results) {
		cols = append(cols, "session:"+c)
	}
	return append(cols, "converged")
}

// Tokenless lists the clients that move without a token, when others carry one:
// the scenario is about the difference. The results are of one scenario.
func Tokenless(results []*Result) []string {
	if len(results) == 0 || results[0].Session == "" {
		return nil
	}
	var names []string
	for c, verdict := range results[0].Sessions {
		if verdict != "" && results[0].tokenless[c] {
			names = append(names, c)
		}
	}
	slices.Sort(names)
	return names
}

// Keys lists the keys that results show, sorted.
func Keys(results []*Result) []string {
	var all []string
	for _, r := range results {
		for _, values := range r.Values {
			for k := range values {
				all = append(all, k)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
