package show

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
	"kvd/replica/client/answers"
)

// short is a ruling in a few words.
func short(j answers.Ruling) string {
	text := j.State
	if j.Relation != "" {
		text += ", " + j.Relation
	}
	if j.By != "" {
		text += ", by " + j.By
	}
	return Printable(text)
}

// notHere is how a leader knows of a write that is not in its log.
var notHere = map[string]string{
	"ahead":          " has not applied it yet",
	"forgotten":      " has applied it, and its log no longer holds it",
	"unreplicated":   " has not applied it, and knows of nobody who can be reached and has it",
	"unknown-origin": " has never heard of whoever accepted it",
}

// Fates is what became of one write. Raw is the state under the resolver that serves the
// key. JSON is one table of verdicts, and what each leader knows of the write.
func Fates(f answers.Fates) Record {
	told := f.Said[max(f.Teller, 0)]
	return Record{
		Text: func(p *Printer) string {
			head := f.Dot + ":"
			if f.Known() {
				head = p.plain(told.Field("text").Text)
			}
			lines, _ := FateLines(f)
			return strings.Join(append([]string{head}, lines...), "\n")
		},
		Raw: func() string {
			if state := f.Serving(); state != "" {
				return state + "\n"
			}
			return ""
		},
		Columns: []string{"resolver", "serving", "state", "relation", "by", "leaders"},
		Rows: func() [][]string {
			return each(f.Verdicts(), func(j answers.Ruling) []string {
				return []string{Printable(j.Resolver), strconv.FormatBool(j.Serving), Printable(j.State), Printable(j.Relation), Printable(j.By), strings.Join(ShownAll(j.Leaders), " ")}
			})
		},
		JSON: func() any {
			var key, value any
			if f.Known() {
				key, value = keyName(told.Field("key").Text), reply{told.Field("value")}
			}
			leaders := each(f.Said, func(a client.Answer) object {
				return object{{"leader", a.Name}, {"known", a.Field("known").Text}, {"applied", a.Applied.String()}}
			})
			return object{{"dot", f.Dot}, {"key", key}, {"value", value}, {"text", told.Field("text").Text},
				{"verdicts", append([]answers.Ruling{}, f.Verdicts()...)}, {"leaders", leaders}, {"missing", absentees(f.Missing)}}
		},
	}
}

// FateLines says where the write is not known, and who judges otherwise; differ has those
// of whom that is strange.
func FateLines(f answers.Fates) (lines, differ []string) {
	for i, a := range f.Said {
		if f.Lacks(i) {
			known := a.Field("known").Text
			lines = append(lines, Printable(a.Name)+cmp.Or(notHere[known], " says of it: "+Printable(known)))
		}
		for _, d := range f.Dissents(i) {
			line := fmt.Sprintf("%s; under %s it says %s", distanceText(f.Distance(i), a.Name, f.Said[f.Teller].Name), Printable(d.Ruling.Resolver), short(d.Ruling))
			if lines = append(lines, line); d.Strange {
				differ = append(differ, line)
			}
		}
	}
	return lines, differ
}

// Whys is what leaders say of a key, as one of them tells it; tree: as a tree of writes.
func Whys(w answers.Whys, tree bool) Record {
	t := w.Told()
	body := t.Field("text").Text
	if tree {
		body = t.Field("tree").Text
	}
	return Record{
		Text: func(p *Printer) string {
			lines, _ := WhyLines(w)
			if len(lines) > 0 {
				lines = append([]string{"", "so says " + Printable(t.Name) + "; the others:"}, lines...)
			}
			return strings.Join(append([]string{p.plain(body)}, lines...), "\n")
		},
		Raw:     func() string { return strings.TrimRight(body, "\n") + "\n" },
		Columns: []string{"leader", "serving", "values", "lost", "lacks", "beyond", "same"},
		Rows: func() [][]string {
			return each(w.All, func(s answers.Explanation) []string {
				return []string{Printable(s.Name), Printable(s.Serving()), joined(s.Values), fmt.Sprint(s.Lost()), fmt.Sprint(s.Lacks), fmt.Sprint(s.Beyond), strconv.FormatBool(s.Same)}
			})
		},
		JSON: func() any {
			leaders := each(w.All, func(s answers.Explanation) object {
				return object{{"leader", s.Name}, {"applied", s.Applied.String()}, {"lacks", s.Lacks}, {"beyond", s.Beyond}, {"same", s.Same},
					{"serving", s.Serving()}, {"values", each(s.Values, blobOf)}, {"lost", s.Lost()}}
			})
			return object{{"key", keyName(w.Key)}, {"leader", t.Name}, {"removed_ops", t.Field("removed").Int}, {"serving", t.Serving()}, {"values", each(t.Values, blobOf)}, {"lost", t.Lost()},
				{"groups", each(t.Field("groups").Items, lossGroupJSON)}, {"text", t.Field("text").Text}, {"tree", t.Field("tree").Text}, {"leaders", leaders}, {"missing", absentees(w.Missing)}}
		},
	}
}

// lossGroupJSON is what one resolver lost alike; leader is null where it counts several.
func lossGroupJSON(g client.Reply) object {
	from, to := g.Field("from").Int, g.Field("to").Int
	return object{{"resolver", g.Field("resolver").Text}, {"serving", g.Field("serving").Truth()}, {"relation", g.Field("relation").Text}, {"leader", orNull(g.Field("leader").Text)},
		{"winner", orNull(g.Field("winner").Text)}, {"writes", g.Field("writes").Int}, {"from", from}, momentOf("from", from), {"to", to}, momentOf("to", to)}
}

// Begins says where the history that a leader tells begins.
func Begins(leader string, removed int64) string {
	return fmt.Sprintf("the log of %s begins behind %s that it does not keep any more; what was written before is not told here", leader, Count(int(removed), "op"))
}

// WhyLines says who tells it otherwise; differ has those who have no reason to.
func WhyLines(w answers.Whys) (lines, differ []string) {
	for _, s := range w.All {
		if s.Same {
			continue
		}
		line := fmt.Sprintf("%s; it shows %s by %s, and knows of %s", distanceText(s.Distance, s.Name, w.Told().Name),
			joinedOr(s.Values, "nothing"), Printable(s.Serving()), Count(int(s.Lost()), "lost write"))
		if lines = append(lines, line); s.None() {
			differ = append(differ, line)
		}
	}
	return lines, differ
}

// balanceColumns are the counts of one resolver, in a table and in JSON.
var balanceColumns = []string{"accepted", "live", "superseded", "inverted", "concurrent", "evicted", "none", "two", "beyond"}

// balances is each resolver's counts at one leader.
func balances(o answers.Audited, do func(resolver string, counts []int, holds bool)) {
	for i, b := range o.Balances {
		do(b.Resolver.String(), []int{b.Accepted, b.Live, b.Superseded, b.Inverted, b.Concurrent, b.Evicted, b.InNone, b.InTwo, b.Beyond}, o.Holds[i])
	}
}

// Audits is the audits of all leaders, and what to make of them.
func Audits(a answers.Audits) Record {
	rows := func() (all [][]string) {
		for _, o := range a.All {
			balances(o, func(resolver string, counts []int, holds bool) {
				all = append(all, slices.Concat([]string{Printable(o.Name), resolver}, each(counts, strconv.Itoa), []string{strconv.FormatBool(holds)}))
			})
		}
		return all
	}
	return Record{
		Text: func(p *Printer) string {
			return strings.Join(slices.Concat(auditLines(a, p), ShownAll(a.Differs), apartLines(a), unreplicatedLines(a)), "\n")
		},
		Raw: func() string {
			return strings.Join(each(rows(), func(cells []string) string { return strings.Join(cells, "\t") + "\n" }), "")
		},
		Columns: slices.Concat([]string{"leader", "resolver"}, balanceColumns, []string{"holds"}),
		Rows:    rows,
		JSON: func() any {
			return object{{"holds", len(a.Differs) == 0}, {"audits", each(a.All, auditJSON)}, {"differences", ShownAll(a.Differs)},
				{"notes", apartLines(a)}, {"unreplicated", unreplicatedLines(a)}, {"missing", absentees(a.Missing)}}
		},
	}
}

// auditLines is how many keys leaders have counted, and what of their writes: one text
// where it stands for all.
func auditLines(a answers.Audits, p *Printer) []string {
	counted := func(o answers.Audited) string {
		if text := p.plain(o.Field("text").Text); text != "" {
			return Count(o.Keys, "key") + ":\n" + text
		}
		return Count(o.Keys, "key")
	}
	if !a.Same() {
		return each(a.All, func(o answers.Audited) string {
			return fmt.Sprintf("%s counts, over %s", Printable(o.Name), counted(o))
		})
	}
	verb := "count the same"
	if len(a.All) == 1 {
		verb = "counts"
	}
	names := each(a.All, func(o answers.Audited) string { return Printable(o.Name) })
	return []string{fmt.Sprintf("%s %s, over %s", cliutil.Series(names), verb, counted(a.All[0]))}
}

// apartLines says who cannot be held against whom.
func apartLines(a answers.Audits) []string {
	lines := []string{}
	for _, d := range a.Apart {
		said := distanceText(d.Distance, d.Leader, d.Other)
		if d.Distance.None() {
			said = fmt.Sprintf("the logs of %s and %s begin behind other ops", Printable(d.Leader), Printable(d.Other))
		}
		lines = append(lines, said+": their counts cannot be compared")
	}
	return lines
}

func unreplicatedLines(a answers.Audits) []string {
	lines := []string{}
	for _, u := range a.Unreplicated {
		lines = append(lines, Printable(fmt.Sprintf("unreplicated: %s to %s, accepted by %s, have not arrived; %s said to have them and cannot be reached",
			u.Field("from").Text, u.Field("to").Text, cmp.Or(u.Field("leader").Text, "somebody"), cliutil.Series(u.Field("holders").Texts()))))
	}
	return lines
}

func auditJSON(o answers.Audited) object {
	counted := []object{}
	balances(o, func(resolver string, counts []int, holds bool) {
		fields := object{{"resolver", resolver}}
		for i, name := range balanceColumns {
			fields.Add(name, counts[i])
		}
		fields.Add("holds", holds)
		counted = append(counted, fields)
	})
	gaps := each(o.Field("gaps").Items, func(g client.Reply) object {
		return object{{"key", keyName(g.Field("key").Text)}, {"dot", g.Field("dot").Text}, {"resolver", g.Field("resolver").Text}, {"states", g.Field("states").Texts()}, {"text", g.Field("text").Text}}
	})
	skipped := each(o.Skipped, func(key string) keyName { return keyName(key) })
	return object{{"leader", o.Name}, {"applied", o.Applied.String()}, {"removed", o.Removed.String()}, {"keys", o.Keys}, {"balances", counted}, {"gaps", gaps}, {"skipped", skipped},
		{"stray", o.Stray}, {"settled", o.Settled}, {"text", o.Field("text").Text}}
}
