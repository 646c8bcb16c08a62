package explain

import (
	"fmt"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/replica/ledger"
)

// Tree draws what [Key] says: what is shown, under it what it was written over, beside
// it what lost.
func Tree(e *ledger.Explanation) string {
	t := formatter{Explanation: e}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", Word(t.Key), t.Serving)
	drawn := map[logical.Dot]bool{}
	for i := range t.Shown {
		t.branch(&b, t.Shown[i], "", i == len(t.Shown)-1 && len(t.losers()) == 0, "● ", drawn)
	}
	losers := t.losers()
	left := t.LostWrites - len(losers)
	for i, d := range losers {
		twig(&b, "", i == len(losers)-1 && left == 0, "✗ "+t.author(&d.Was)+" "+d.Was.Dot.String()+t.lostUnder(d.Loser))
	}
	if left > 0 {
		twig(&b, "", true, more(left)+" not drawn: "+t.listing("kv losses --prefix ", " --resolver all"))
	}
	return b.String()
}

func (t *formatter) branch(b *strings.Builder, w ledger.Write, indent string, last bool, mark string, drawn map[logical.Dot]bool) {
	drawn[w.Dot] = true
	twig(b, indent, last, mark+t.author(&w)+" "+w.Dot.String())
	if indent += "│  "; last {
		indent = strings.TrimSuffix(indent, "│  ") + "   "
	}
	var under []ledger.Write
	for i := range t.Past {
		if t.Past[i].By == w.Dot && !drawn[t.Past[i].Dot] {
			under = append(under, t.Past[i].Write)
		}
	}
	for i := range under {
		t.branch(b, under[i], indent, i == len(under)-1, "", drawn)
	}
}

func twig(b *strings.Builder, indent string, last bool, text string) {
	joint := "├─ "
	if last {
		joint = "└─ "
	}
	b.WriteString(indent + joint + text + "\n")
}

// losers is what some resolver lost, each write once, the serving one's first.
func (t *formatter) losers() []ledger.LossRecord {
	var out []ledger.LossRecord
	for _, d := range t.Lost {
		if !slices.ContainsFunc(out, func(o ledger.LossRecord) bool { return o.Loser == d.Loser }) {
			out = append(out, d)
		}
	}
	return out
}

func (t *formatter) lostUnder(d logical.Dot) string {
	var names []string
	for _, l := range t.Lost {
		if l.Loser == d {
			names = append(names, fmt.Sprintf("%s under %s", l.Relation, l.Resolver))
		}
	}
	return " — lost: " + strings.Join(names, ", ")
}
