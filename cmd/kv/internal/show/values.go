package show

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/cmd/internal/contexts"
	"kvd/replica/client"
)

// Entry is a key and its value.
type Entry struct {
	Key   string
	Value string
	There bool
	Bare  bool // as text, the value alone
}

// Record is the entry as one; in JSON the value is null if it is not there.
func (e Entry) Record() Record {
	return Record{
		Text: func(p *Printer) string {
			switch {
			case e.Bare:
				return p.Show(e.Value)
			case !e.There:
				return p.Show(e.Key) + "  (absent)"
			}
			return p.Show(e.Key) + "  " + p.Show(e.Value)
		},
		Raw:     func() string { return e.Value },
		Columns: []string{"key", "value"},
		Rows: func() [][]string {
			if !e.There {
				return row(Printable(e.Key), "(absent)")
			}
			return row(Printable(e.Key), Printable(e.Value))
		},
		JSON: func() any {
			if !e.There {
				return object{{"key", keyName(e.Key)}, {"value", nil}}
			}
			b := blobOf(e.Value)
			return object{{"key", keyName(e.Key)}, {"value", b.Value}, {"enc", b.Enc}}
		},
	}
}

// Key is a key alone.
func Key(key string) Record {
	return Record{
		Text:    func(p *Printer) string { return p.Show(key) },
		Raw:     func() string { return key },
		Columns: []string{"key"},
		Rows:    func() [][]string { return row(Printable(key)) },
		JSON:    func() any { return object{{"key", keyName(key)}} },
	}
}

// Siblings is all that a key shows.
func Siblings(s client.Reading) Record {
	return Record{
		Text: func(p *Printer) string {
			lines := []string{fmt.Sprintf("%s under %s: %s", p.Show(s.Key), s.Resolver, Count(len(s.Values), "value"))}
			for i, v := range s.Values {
				lines = append(lines, fmt.Sprintf("%d) %s", i+1, p.Show(v)))
			}
			return strings.Join(append(lines, "token "+s.Token), "\n")
		},
		Raw:     func() string { return strings.Join(s.Values, "\n") + "\n" },
		Columns: []string{"key", "resolver", "values", "token"},
		Rows:    func() [][]string { return row(Printable(s.Key), s.Resolver, joined(s.Values), s.Token) },
		JSON: func() any {
			return object{{"key", keyName(s.Key)}, {"values", each(s.Values, blobOf)}, {"token", s.Token}, {"resolver", s.Resolver}}
		},
	}
}

// Change is what a key shows from some time on, which is when kv saw it.
func Change(at time.Time, r client.Reading) Record {
	clock := at.Format("15:04:05.000")
	return Record{
		Text: func(p *Printer) string {
			what := "(absent)"
			switch n := len(r.Values); {
			case n == 1:
				what = p.Show(r.Values[0])
			case n > 1:
				what = fmt.Sprintf("%d siblings: %s", n, joined(r.Values))
			}
			return clock + "  " + what
		},
		Raw:     func() string { return joined(r.Values) },
		Columns: []string{"at", "values"},
		Rows:    func() [][]string { return row(clock, joined(r.Values)) },
		JSON: func() any {
			return object{{"at", at}, {"key", keyName(r.Key)}, {"values", each(r.Values, blobOf)}, {"token", r.Token}}
		},
	}
}

// Op is one write of a key, as KVD.HISTORY tells it; value is null where there is none.
func Op(r client.Reply) Record {
	word := func(name string) string { return r.Field(name).Text }
	number := func(name string) int64 { return r.Field(name).Int }
	parents := r.Field("parents").Texts()
	clock := time.Unix(0, number("wall")).UTC().Format("2006-01-02T15:04:05.000000Z") + " ±" + time.Duration(number("error")).String()
	return Record{
		Text: func(p *Printer) string {
			text := fmt.Sprintf("%s  %s\n    over %s; wall %s, hlc %s, lamport %d", word("dot"), written(r, p.Show),
				cmp.Or(strings.Join(parents, ", "), "nothing"), clock, word("hlc"), number("lamport"))
			if who := word("client"); who != "" {
				text += ", client " + who
			}
			return text
		},
		Raw:     func() string { return word("value") },
		Columns: []string{"dot", "kind", "value", "delta", "wall", "hlc", "lamport", "parents", "client", "expires", "ended"},
		Rows: func() [][]string {
			n := func(name string) string { return strconv.FormatInt(number(name), 10) }
			return row(word("dot"), word("kind"), Printable(word("value")), n("delta"), clock, word("hlc"), n("lamport"), strings.Join(parents, " "), word("client"), n("expires"), n("ended"))
		},
		JSON: func() any {
			fields := object{{"dot", word("dot")}, {"kind", word("kind")}, {"value", reply{r.Field("value")}}, {"delta", number("delta")},
				{"wall", number("wall")}, momentOf("wall", number("wall")), {"error", number("error")}, {"hlc", word("hlc")}, {"lamport", number("lamport")}, {"parents", parents}, {"client", word("client")}}
			for _, name := range []string{"expires", "ended"} {
				if number(name) != 0 {
					fields = append(fields, object{{name, number(name)}, momentOf(name, number(name))}...)
				}
			}
			return fields
		},
	}
}

// written is what a write did, and when its value ends or what ended it: a deletion says
// which deadline it had reached, and when, by the time that the leaders agreed on.
func written(op client.Reply, show func(string) string) string {
	text := op.Field("kind").Text
	if delta := op.Field("delta").Int; delta != 0 {
		text += fmt.Sprintf(" %+d", delta)
	}
	if v := op.Field("value"); !v.IsNull() {
		text += " " + show(v.Text)
	}
	switch expires, ended := op.Field("expires").Int, op.Field("ended").Int; {
	case ended != 0:
		return text + ", because its time to live ended at " + clockText(expires) + " (the leaders' time was " + clockText(ended) + ")"
	case expires != 0:
		return text + ", ends at " + clockText(expires)
	case op.Field("kind").Text == "touch":
		return text + ", never ends"
	}
	return text
}

// Comparison is what leaders show of a key.
func Comparison(c client.Comparison) Record {
	at := func(i int) string { return joinedOr(c.Values[i], "(absent)") }
	return Record{
		Text: func(p *Printer) string {
			if c.Same() {
				return p.Show(c.Key) + "  same  " + at(0)
			}
			lines := []string{p.Show(c.Key) + "  " + p.mark("differs")}
			for i, l := range c.Leaders {
				mark := " "
				if c.Apart(i) {
					mark = p.mark("≠")
				}
				lines = append(lines, fmt.Sprintf("  %s %s  %s", mark, Printable(l.Name), at(i)))
			}
			return strings.Join(lines, "\n")
		},
		Raw:     func() string { return c.Key },
		Columns: append([]string{"key", "same"}, each(c.Leaders, func(l *client.Leader) string { return Printable(l.Name) })...),
		Rows: func() [][]string {
			cells := []string{Printable(c.Key), strconv.FormatBool(c.Same())}
			for i := range c.Leaders {
				mark := ""
				if c.Apart(i) {
					mark = "≠ "
				}
				cells = append(cells, mark+at(i))
			}
			return row(cells...)
		},
		JSON: func() any {
			var leaders []object
			for i, l := range c.Leaders {
				leaders = append(leaders, object{{"leader", l.Name}, {"values", each(c.Values[i], blobOf)}})
			}
			return object{{"key", keyName(c.Key)}, {"same", c.Same()}, {"leaders", leaders}}
		},
	}
}

// Member is one leader of the cluster.
func Member(m client.Member) Record {
	addresses := [][2]string{{"resp", m.RESP}, {"http", m.HTTP}, {"peer", m.Peer}, {"origin", m.Origin}}
	return Record{
		Text: func(p *Printer) string {
			parts := []string{p.Show(m.Name), p.Show(m.Status)}
			for _, a := range addresses {
				if a[1] != "" {
					parts = append(parts, a[0]+" "+p.Show(a[1]))
				}
			}
			return strings.Join(parts, "  ")
		},
		Raw:     func() string { return m.Name },
		Columns: []string{"name", "status", "resp", "http", "peer", "origin"},
		Rows: func() [][]string {
			return row(ShownAll([]string{m.Name, m.Status, m.RESP, m.HTTP, m.Peer, m.Origin})...)
		},
		JSON: func() any { return m },
	}
}

// Context is a context in a list; current: it is in use.
func Context(c contexts.Context, current bool) Record {
	mark := map[bool]string{true: "*", false: " "}[current]
	leaders := strings.Join(each(c.Leaders, func(l contexts.Leader) string { return l.Name + "=" + l.Addr }), " ")
	return Record{
		Text:    func(*Printer) string { return mark + " " + c.Name + "  " + leaders },
		Raw:     func() string { return c.Name },
		Columns: []string{"current", "name", "leaders", "user", "tls"},
		Rows:    func() [][]string { return row(mark, c.Name, leaders, c.User, cmp.Or(c.TLSCA, "no")) },
		JSON: func() any {
			return struct {
				contexts.Context
				Current bool `json:"current"`
			}{c, current}
		},
	}
}
