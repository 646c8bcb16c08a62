package show

import (
	"fmt"
	"strings"

	"kvd/replica/client/answers"
)

// Advice is one advice as a record.
type Advice struct{ answers.Advice }

func (c Advice) Text(p *Printer) string {
	head := quoted(c.Prefix)
	if c.Prefix == "" {
		head = `"" (all keys of no other prefix)`
	}
	lines := []string{head + ": " + p.Show(c.Sentence)}
	for _, e := range c.Evidence {
		lines = append(lines, "    "+p.Show(e))
	}
	return strings.Join(append(lines, "    so says "+Series(ShownAll(c.Leaders))), "\n")
}

func (c Advice) Raw() string { return c.Better }

func (c Advice) Columns() []string {
	return []string{"prefix", "serving", "better", "leaders", "sentence"}
}

func (c Advice) Cells() []string {
	return []string{quoted(c.Prefix), Printable(c.Serving), Printable(c.Better), strings.Join(ShownAll(c.Leaders), " "), Printable(c.Sentence)}
}

// MarshalJSON has the server's fields, and who says so.
func (c Advice) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Prefix   keyName  `json:"prefix"`
		Serving  string   `json:"serving"`
		Better   string   `json:"better"`
		Sentence string   `json:"sentence"`
		Evidence []string `json:"evidence"`
		Leaders  []string `json:"leaders"`
	}{keyName(c.Prefix), c.Serving, c.Better, c.Sentence, append([]string{}, c.Evidence...), c.Leaders})
}

// AdviceList is all of it as one object.
type AdviceList struct {
	Advice      []Advice       `json:"advice"`
	Differences []string       `json:"differences"`
	Missing     []absenteeJSON `json:"missing"`
}

func (AdviceList) Text(*Printer) string { return "" }

func (AdviceList) Raw() string { return "" }

func (AdviceList) Columns() []string { return nil }

func (AdviceList) Cells() []string { return nil }

// ObjectionLines says who advises otherwise than another that has applied the same.
func ObjectionLines(all []answers.Objection) (lines []string) {
	for _, o := range all {
		lines = append(lines, fmt.Sprintf("of %s, %s advises %s and %s does not, and both have applied the same", quoted(o.Advice.Prefix), Printable(o.Gives), Printable(o.Advice.Better), Printable(o.Objects)))
	}
	return lines
}

// AdviceRecords is a list that is never null.
func AdviceRecords(all []answers.Advice) []Advice {
	out := make([]Advice, len(all))
	for i, a := range all {
		out[i] = Advice{a}
	}
	return out
}
