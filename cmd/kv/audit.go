package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/resolve"
)

func auditSpec() spec {
	return spec{name: "audit", usage: "hold every accepted write against what is live, superseded and lost", least: 0, most: 0, do: audit,
		about: "Each leader counts its log, its objects and its ledger, by resolver; the sums must come\nout (4 if not). Lost ones are inverted or concurrent; evicted ones the ledger has given up.\nThe rest must be 0: none and two count writes that are in no place, or in two; beyond\nwhat a log no longer has. Settled are writes whose dots were given twice, by a leader and\nits copy, and are settled: they are counted nowhere else. " + aboutScans + "\n" + aboutAsking +
			"\n\nExamples:\n   kv audit\n   kv audit --prefix user: -o table     a row for each leader and resolver\n   kv audit --sample 100                one key in a hundred, the same ones everywhere",
		flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
			&cli.Uint64Flag{Name: "sample", Usage: "only one key in `N`, chosen by a hash"}, onlyFlag(), missingFlag(),
		}}
}

// audited is one leader's audit.
type audited struct {
	answered
	ledger.Audit
	holds []bool // of each balance, as the leader says
}

func auditedOf(a answered) (audited, error) {
	out := audited{answered: a, Audit: ledger.Audit{
		Leader: a.name, Applied: a.applied, Keys: int(a.field("keys").number), Skipped: a.field("skipped").texts(), Stray: int(a.field("stray").number), Settled: int(a.field("settled").number)}}
	for _, b := range a.field("balances").items {
		id, err := resolve.ParseID(b.field("resolver").text)
		if err != nil {
			return audited{}, err
		}
		n := func(name string) int { return int(b.field(name).number) }
		out.Balances = append(out.Balances, ledger.Balance{Resolver: id, Accepted: n("accepted"), Live: n("live"), Superseded: n("superseded"),
			Inverted: n("inverted"), Concurrent: n("concurrent"), Evicted: n("evicted"), InNone: n("none"), InTwo: n("two"), Beyond: n("beyond")})
		out.holds = append(out.holds, truth(b.field("holds")))
	}
	return out, nil
}

// audits is the audits of all leaders.
type audits struct {
	inRows
	all          []audited // by leader
	differs      []string  // what does not add up, and where leaders differ that should not
	notes        []string  // who cannot be held against whom
	unreplicated []string  // writes that have not arrived, and that nobody can be asked for
	missing      []absentee
}

func auditsOf(said []answered, missing []absentee) (audits, error) {
	out := audits{missing: missing}
	for _, a := range said {
		one, err := auditedOf(a)
		if err != nil {
			return out, err
		}
		out.all = append(out.all, one)
	}
	for i := range out.all {
		out.hold(i)
		if damage := out.all[i].field("damage").text; damage != "" {
			out.differs = append(out.differs, printable(out.all[i].name+": "+damage))
		}
		out.strand(out.all[i].field("unreplicated").items)
	}
	return out, nil
}

// hold looks whether the balances of a leader hold, and holds them against the
// first leader that has applied the same.
func (a *audits) hold(i int) {
	one := &a.all[i]
	for j, b := range one.Balances {
		if !one.holds[j] {
			a.differs = append(a.differs, fmt.Sprintf("%s: %s does not add up", printable(one.name), b.Resolver))
		}
	}
	for j := range i {
		if one.applied.Compare(a.all[j].applied) == logical.Equal {
			for _, line := range ledger.MergeAudits([]ledger.Audit{a.all[j].Audit, one.Audit}) {
				a.differs = append(a.differs, printable(line))
			}
			return
		}
	}
	if i > 0 {
		a.notes = append(a.notes, standingOf(one.applied, a.all[0].applied).text(one.name, a.all[0].name)+": their counts cannot be compared")
	}
}

// strand notes which writes one leader knows to be unreplicated; another that says the
// same is not repeated.
func (a *audits) strand(stretches []reply) {
	for _, s := range stretches {
		line := printable(fmt.Sprintf("unreplicated: %s to %s, accepted by %s, have not arrived; %s said to have them and cannot be reached",
			s.field("from").text, s.field("to").text, cmp.Or(s.field("leader").text, "somebody"), series(s.field("holders").texts())))
		if !slices.Contains(a.unreplicated, line) {
			a.unreplicated = append(a.unreplicated, line)
		}
	}
}

// same reports whether one text stands for all.
func (a audits) same() bool {
	return len(a.differs) == 0 && len(a.notes) == 0 &&
		!slices.ContainsFunc(a.all, func(o audited) bool { return o.field("text").text != a.all[0].field("text").text })
}

func (a audits) text(p *printer) string {
	var lines []string
	if a.same() {
		var names []string
		for _, o := range a.all {
			names = append(names, o.name)
		}
		verb := "count the same"
		if len(names) == 1 {
			verb = "counts"
		}
		lines = append(lines, fmt.Sprintf("%s %s, over %s", series(shownAll(names)), verb, counted(a.all[0], p)))
	} else {
		for _, o := range a.all {
			lines = append(lines, fmt.Sprintf("%s counts, over %s", printable(o.name), counted(o, p)))
		}
	}
	return strings.Join(slices.Concat(lines, a.differs, a.notes, a.unreplicated), "\n")
}

// counted is how many keys, and what of their writes.
func counted(o audited, p *printer) string {
	text := p.plain(o.field("text").text)
	if text == "" {
		return count(o.Keys, "key")
	}
	return count(o.Keys, "key") + ":\n" + text
}

func (a audits) raw() string {
	var b strings.Builder
	for _, row := range a.rows() {
		b.WriteString(strings.Join(row, "\t") + "\n")
	}
	return b.String()
}

func (a audits) columns() []string {
	return []string{"leader", "resolver", "accepted", "live", "superseded", "inverted", "concurrent", "evicted", "none", "two", "beyond", "holds"}
}

func (a audits) rows() [][]string {
	var all [][]string
	for _, o := range a.all {
		for i, b := range o.Balances {
			row := []string{printable(o.name), b.Resolver.String()}
			for _, n := range []int{b.Accepted, b.Live, b.Superseded, b.Inverted, b.Concurrent, b.Evicted, b.InNone, b.InTwo, b.Beyond} {
				row = append(row, strconv.Itoa(n))
			}
			all = append(all, append(row, strconv.FormatBool(o.holds[i])))
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

func (o audited) json() auditJSON {
	out := auditJSON{Leader: o.name, Applied: o.applied.String(), Keys: o.Keys, Balances: []balanceJSON{}, Gaps: []gapJSON{}, Skipped: []keyName{},
		Stray: o.Stray, Settled: o.Settled, Text: o.field("text").text}
	for i, b := range o.Balances {
		out.Balances = append(out.Balances, balanceJSON{b.Resolver.String(), b.Accepted, b.Live, b.Superseded, b.Inverted, b.Concurrent, b.Evicted, b.InNone, b.InTwo, b.Beyond, o.holds[i]})
	}
	for _, g := range o.field("gaps").items {
		out.Gaps = append(out.Gaps, gapJSON{keyName(g.field("key").text), g.field("dot").text, g.field("resolver").text, g.field("states").texts(), g.field("text").text})
	}
	for _, s := range o.Skipped {
		out.Skipped = append(out.Skipped, keyName(s))
	}
	return out
}

// MarshalJSON has every leader's audit, and what to make of them.
func (a audits) MarshalJSON() ([]byte, error) {
	out := struct {
		Holds        bool        `json:"holds"`
		Audits       []auditJSON `json:"audits"`
		Differences  []string    `json:"differences"`
		Notes        []string    `json:"notes"`
		Unreplicated []string    `json:"unreplicated"`
		Missing      []absentee  `json:"missing"`
	}{len(a.differs) == 0, []auditJSON{}, append([]string{}, a.differs...), append([]string{}, a.notes...), append([]string{}, a.unreplicated...), absentees(a.missing)}
	for _, o := range a.all {
		out.Audits = append(out.Audits, o.json())
	}
	return marshal(out)
}

func audit(k *call) error {
	words := []string{"KVD.AUDIT"}
	if prefix := k.String("prefix"); prefix != "" {
		words = append(words, "PREFIX", prefix)
	}
	if n := k.Uint64("sample"); n > 0 {
		words = append(words, "SAMPLE", strconv.FormatUint(n, 10))
	}
	said, missing, err := k.scanAll(words...)
	if err != nil {
		return err
	}
	a, err := auditsOf(said, missing)
	if err != nil {
		return cliutil.Fail(k.subject(), err, "a newer kv may know it")
	}
	if leaders, err := k.everyone(); err == nil {
		a.differs = append(a.differs, identityTroubles(k.ctx(), leaders)...)
	}
	if err := k.out.put(a); err != nil {
		return err
	}
	err = k.verdict(ending{differs: a.differs, missing: missing})
	if p := new(cliutil.Problem); len(a.differs) > 0 && errors.As(err, &p) {
		p.What, p.Next = k.subject()+": it does not add up", "kv audit -o json names the first writes that are in none or in two; kv fate DOT asks every leader about one"
	}
	return err
}
