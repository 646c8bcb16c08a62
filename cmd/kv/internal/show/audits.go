package show

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvd/replica/client/answers"
)

// Audits is the audits of all leaders as one record.
type Audits struct {
	inRows
	answers.Audits
}

func (a Audits) Text(p *Printer) string {
	var lines []string
	if a.Same() {
		var names []string
		for _, o := range a.All {
			names = append(names, o.Name)
		}
		verb := "count the same"
		if len(names) == 1 {
			verb = "counts"
		}
		lines = append(lines, fmt.Sprintf("%s %s, over %s", Series(ShownAll(names)), verb, counted(a.All[0], p)))
	} else {
		for _, o := range a.All {
			lines = append(lines, fmt.Sprintf("%s counts, over %s", Printable(o.Name), counted(o, p)))
		}
	}
	return strings.Join(slices.Concat(lines, a.Differences(), a.notes(), a.unreplicatedLines()), "\n")
}

// Differences is each on a line.
func (a Audits) Differences() []string { return ShownAll(a.Differs) }

// notes says who cannot be held against whom.
func (a Audits) notes() (lines []string) {
	for _, d := range a.Apart {
		lines = append(lines, distanceText(d.Distance, d.Leader, d.Other)+": their counts cannot be compared")
	}
	return lines
}

func (a Audits) unreplicatedLines() (lines []string) {
	for _, u := range a.Unreplicated {
		lines = append(lines, Printable(fmt.Sprintf("unreplicated: %s to %s, accepted by %s, have not arrived; %s said to have them and cannot be reached",
			u.From, u.To, cmp.Or(u.Leader, "somebody"), Series(u.Holders))))
	}
	return lines
}

// counted is how many keys, and what of their writes.
func counted(o answers.Audited, p *Printer) string {
	text := p.plain(o.Field("text").Text)
	if text == "" {
		return Count(o.Keys, "key")
	}
	return Count(o.Keys, "key") + ":\n" + text
}

func (a Audits) Raw() string {
	var b strings.Builder
	for _, row := range a.Rows() {
		b.WriteString(strings.Join(row, "\t") + "\n")
	}
	return b.String()
}

func (a Audits) Columns() []string {
	return []string{"leader", "resolver", "accepted", "live", "superseded", "inverted", "concurrent", "evicted", "none", "two", "beyond", "holds"}
}

func (a Audits) Rows() [][]string {
	var all [][]string
	for _, o := range a.All {
		for i, b := range o.Balances {
			row := []string{Printable(o.Name), b.Resolver.String()}
			for _, n := range []int{b.Accepted, b.Live, b.Superseded, b.Inverted, b.Concurrent, b.Evicted, b.InNone, b.InTwo, b.Beyond} {
				row = append(row, strconv.Itoa(n))
			}
			all = append(all, append(row, strconv.FormatBool(o.Holds[i])))
		}
	}
	return all
}

// balanceJSON is one resolver's count at one leader.
type balanceJSON struct {
	Resolver   string `json:"resolver"`
	Accepted   int    `json:"accepted"`
	Live       int    `json:"live"`
	Superseded int    `json:"superseded"`
	Inverted   int    `json:"inverted"`
	Concurrent int    `json:"concurrent"`
	Evicted    int    `json:"evicted"`
	None       int    `json:"none"`
	Two        int    `json:"two"`
	Beyond     int    `json:"beyond"`
	Holds      bool   `json:"holds"`
}

type gapJSON struct {
	Key      keyName  `json:"key"`
	Dot      string   `json:"dot"`
	Resolver string   `json:"resolver"`
	States   []string `json:"states"`
	Text     string   `json:"text"`
}

type auditJSON struct {
	Leader   string        `json:"leader"`
	Applied  string        `json:"applied"`
	Keys     int           `json:"keys"`
	Balances []balanceJSON `json:"balances"`
	Gaps     []gapJSON     `json:"gaps"`
	Skipped  []keyName     `json:"skipped"`
	Stray    int           `json:"stray"`
	Settled  int           `json:"settled"`
	Text     string        `json:"text"`
}

func jsonOf(o answers.Audited) auditJSON {
	out := auditJSON{Leader: o.Name, Applied: o.Applied.String(), Keys: o.Keys, Balances: []balanceJSON{}, Gaps: []gapJSON{}, Skipped: []keyName{},
		Stray: o.Stray, Settled: o.Settled, Text: o.Field("text").Text}
	for i, b := range o.Balances {
		out.Balances = append(out.Balances, balanceJSON{b.Resolver.String(), b.Accepted, b.Live, b.Superseded, b.Inverted, b.Concurrent, b.Evicted, b.InNone, b.InTwo, b.Beyond, o.Holds[i]})
	}
	for _, g := range o.Field("gaps").Items {
		out.Gaps = append(out.Gaps, gapJSON{keyName(g.Field("key").Text), g.Field("dot").Text, g.Field("resolver").Text, g.Field("states").Texts(), g.Field("text").Text})
	}
	for _, s := range o.Skipped {
		out.Skipped = append(out.Skipped, keyName(s))
	}
	return out
}

// MarshalJSON has every leader's audit, and what to make of them.
func (a Audits) MarshalJSON() ([]byte, error) {
	out := struct {
		Holds        bool           `json:"holds"`
		Audits       []auditJSON    `json:"audits"`
		Differences  []string       `json:"differences"`
		Notes        []string       `json:"notes"`
		Unreplicated []string       `json:"unreplicated"`
		Missing      []absenteeJSON `json:"missing"`
	}{len(a.Differs) == 0, []auditJSON{}, append([]string{}, a.Differences()...), append([]string{}, a.notes()...), append([]string{}, a.unreplicatedLines()...), Absentees(a.Missing)}
	for _, o := range a.All {
		out.Audits = append(out.Audits, jsonOf(o))
	}
	return marshal(out)
}
