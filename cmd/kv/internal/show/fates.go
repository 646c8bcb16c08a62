package show

import (
	"fmt"
	"strconv"
	"strings"

	"kvd/replica/client/answers"
)

// Fates is what became of one write as a record.
type Fates struct {
	inRows
	answers.Fates
}

// short is a ruling in a few words.
func short(j answers.Ruling) string {
	words := []string{j.State}
	if j.Relation != "" {
		words = append(words, j.Relation)
	}
	if j.By != "" {
		words = append(words, "by "+j.By)
	}
	return Printable(strings.Join(words, ", "))
}

func notHere(known string) string {
	switch known {
	case "ahead":
		return " has not applied it yet"
	case "forgotten":
		return " has applied it, and its log no longer holds it"
	case "unreplicated":
		return " has not applied it, and knows of nobody who can be reached and has it"
	case "unknown-origin":
		return " has never heard of whoever accepted it"
	}
	return " says of it: " + Printable(known)
}

func (f Fates) body() string {
	return f.Said[max(f.Teller, 0)].Field("text").Text
}

func (f Fates) Text(p *Printer) string {
	lines, _ := f.Lines()
	if f.Known() {
		lines = append([]string{p.plain(f.body())}, lines...)
	} else {
		lines = append([]string{f.Dot + ":"}, lines...)
	}
	return strings.Join(lines, "\n")
}

// Raw is the state under the resolver that serves the key.
func (f Fates) Raw() string {
	if state := f.Serving(); state != "" {
		return state + "\n"
	}
	return ""
}

// Lines says where the write is not known, and who judges otherwise; differ has those of
// whom that is strange.
func (f Fates) Lines() (lines, differ []string) {
	for _, n := range f.Notes() {
		if n.Absent != nil {
			lines = append(lines, Printable(n.Absent.Leader)+notHere(n.Absent.Known))
			continue
		}
		d := n.Dissent
		line := fmt.Sprintf("%s; under %s it says %s", distanceText(d.Distance, d.Leader, d.Teller), Printable(d.Ruling.Resolver), short(d.Ruling))
		if lines = append(lines, line); d.Strange {
			differ = append(differ, line)
		}
	}
	return lines, differ
}

func (f Fates) Columns() []string {
	return []string{"resolver", "serving", "state", "relation", "by", "leaders"}
}

func (f Fates) Rows() [][]string {
	var all [][]string
	for _, j := range f.Verdicts() {
		all = append(all, []string{Printable(j.Resolver), strconv.FormatBool(j.Serving), Printable(j.State), Printable(j.Relation), Printable(j.By), strings.Join(ShownAll(j.Leaders), " ")})
	}
	return all
}

// MarshalJSON is one table of verdicts, and what each leader knows of the write.
func (f Fates) MarshalJSON() ([]byte, error) {
	type knowing struct {
		Leader  string `json:"leader"`
		Known   string `json:"known"`
		Applied string `json:"applied"`
	}
	out := struct {
		Dot      string           `json:"dot"`
		Key      *keyName         `json:"key"`
		Value    Reply            `json:"value"`
		Text     string           `json:"text"`
		Verdicts []answers.Ruling `json:"verdicts"`
		Leaders  []knowing        `json:"leaders"`
		Missing  []absenteeJSON   `json:"missing"`
	}{Dot: f.Dot, Verdicts: append([]answers.Ruling{}, f.Verdicts()...), Text: f.body(), Missing: Absentees(f.Missing)}
	if f.Known() {
		t := f.Said[f.Teller]
		key := keyName(t.Field("key").Text)
		out.Key, out.Value = &key, Reply{t.Field("value")}
	}
	for _, a := range f.Said {
		out.Leaders = append(out.Leaders, knowing{a.Name, a.Field("known").Text, a.Applied.String()})
	}
	return marshal(out)
}
