package show

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
	"kvd/replica/client/answers"
)

// absentees is leaders that could not be asked, in JSON.
func absentees(missing []client.Absentee) []object {
	return each(missing, func(a client.Absentee) object {
		return object{{"leader", a.Name}, {"addr", a.Addr}, {"why", ReasonOf(a.Err)}}
	})
}

// Loss is one lost write. Raw is its dot, which kv fate and kv restore take. JSON has all
// of the value that came, which may be cut, and the size of all of it.
func Loss(l answers.Loss) Record {
	first := l.First()
	decided := clockText(int64(first.At.Midpoint()))
	return Record{
		Text: func(p *Printer) string {
			how := l.Relation.String()
			switch { // what is gone if that is more than a value
			case l.IsIncrement():
				how += ", an increment"
			case l.IsUndone():
				how += ", a deletion undone"
			}
			return fmt.Sprintf("%s: %s\n    lost %s to %s, %s under %s; first decided %s at %s; held by %s", p.Show(l.Key), p.Show(l.Told.Field("text").Text),
				l.Loser, cmp.Or(l.BeatenBy(), "what is no longer here"), how, l.Resolver, decided, Printable(first.Leader), cliutil.Series(ShownAll(l.Leaders())))
		},
		Raw:     func() string { return l.Loser.String() },
		Columns: []string{"key", "value", "resolver", "relation", "class", "lost", "to", "accepted by", "decided", "held by"},
		Rows: func() [][]string {
			value := "(no longer at hand)"
			switch {
			case !l.Told.Field("value").IsNull():
				value = Brief(l.Told.Field("value").Text)
			case l.IsDeletion():
				value = "(a deletion)"
			}
			return row(Printable(l.Key), value, l.Resolver.String(), l.Relation.String(), Printable(l.Told.Field("class").Text), l.Loser.String(), l.BeatenBy(),
				Printable(l.Told.Field("leader").Text), decided, strings.Join(ShownAll(l.Leaders()), " "))
		},
		JSON: func() any { return lossJSON(l) },
	}
}

func lossJSON(l answers.Loss) object {
	by := each(l.By, func(s answers.Sighting) object {
		return object{{"leader", s.Leader}, {"at", int64(s.At.Midpoint())}, momentOf("at", int64(s.At.Midpoint())), {"error", int64(s.At.HalfWidth())}}
	})
	word := func(name string) string { return l.Told.Field(name).Text }
	number := func(name string) int64 { return l.Told.Field(name).Int }
	return object{
		{"resolver", l.Resolver.String()}, {"serving", l.Told.Field("serving").Truth()}, {"relation", l.Relation.String()}, {"key", keyName(l.Key)}, {"loser", l.Loser.String()}, {"winner", orNull(l.BeatenBy())},
		{"value", reply{l.Told.Field("value")}}, {"size", number("size")}, {"kind", word("kind")}, {"class", word("class")}, {"delta", number("delta")},
		{"accepted_by", word("leader")}, {"client", word("client")}, {"wall", number("wall")}, momentOf("wall", number("wall")), {"by", by}, {"text", word("text")},
	}
}

// Losses is all of them as one record, which is for JSON alone.
func Losses(l answers.LossList) Record {
	return only(append(object{{"losses", each(l.Losses, lossJSON)}}, aboutLosses(l)...))
}

// AboutLosses is the last line of many: what there is to say about the lines before.
func AboutLosses(l answers.LossList) Record { return only(aboutLosses(l)) }

func aboutLosses(l answers.LossList) object {
	return object{{"more", l.More}, {"differences", ShownAll(l.Differs)}, {"missing", absentees(l.Missing)}}
}

// Event is what a leader says of a loss. Raw is the dot; of missed ones the number. JSON
// tells keys and values as everywhere in kv, not as the feed does.
func Event(e *answers.Event) Record {
	missed := e.Kind == answers.EventMissed
	value, known := e.ValueBytes()
	return Record{
		Text: func(p *Printer) string { return eventText(e, p) },
		Raw: func() string {
			if missed {
				return "missed " + strconv.FormatInt(e.Count, 10)
			}
			return e.Loser
		},
		Columns: []string{"at", "event", "key", "value", "resolver", "relation", "lost", "to", "accepted by", "said by"},
		Rows: func() [][]string {
			cell := value
			if missed {
				cell = strconv.FormatInt(e.Count, 10)
			}
			return row(clockText(e.At), e.Kind, Printable(e.KeyBytes()), Brief(cell), Printable(e.Resolver), Printable(e.Relation),
				Printable(e.Loser), Printable(e.Winner), Printable(e.AcceptedBy), Printable(e.Leader))
		},
		JSON: func() any {
			if missed {
				return object{{"event", e.Kind}, {"leader", e.Leader}, {"count", e.Count}}
			}
			var blob any
			if known {
				blob = blobOf(value)
			}
			return object{{"event", e.Kind}, {"leader", e.Leader}, {"resolver", e.Resolver}, {"serving", e.Serving}, {"relation", e.Relation}, {"key", keyName(e.KeyBytes())},
				{"value", blob}, {"loser", e.Loser}, {"winner", orNull(e.Winner)}, {"at", e.At}, momentOf("at", e.At), {"accepted_by", e.AcceptedBy}}
		},
	}
}

func eventText(e *answers.Event, p *Printer) string {
	if e.Kind == answers.EventMissed {
		return fmt.Sprintf("missed %d: kv was too slow for %s; its ledger is asked", e.Count, Printable(e.Leader))
	}
	what := e.Loser
	if v, ok := e.ValueBytes(); ok {
		what = p.Show(Cut(v)) + " " + e.Loser
	}
	if e.AcceptedBy != "" {
		what += ", accepted by " + Printable(e.AcceptedBy) + ","
	}
	head := clockText(e.At) + "  " + p.Show(e.KeyBytes()) + ": "
	if e.Kind == answers.EventRetracted {
		return head + what + " is not lost after all under " + Printable(e.Resolver) + ": a survivor had seen it; so says " + Printable(e.Leader)
	}
	return fmt.Sprintf("%s%s lost to %s, %s under %s; so says %s", head, what, cmp.Or(e.Winner, "what is no longer there"), e.Relation, e.Resolver, Printable(e.Leader))
}

// Advice is one advice, and who says so.
func Advice(c answers.Advice) Record {
	return Record{
		Text: func(p *Printer) string {
			head := quoted(c.Is("prefix"))
			if c.Is("prefix") == "" {
				head = `"" (all keys of no other prefix)`
			}
			lines := []string{head + ": " + p.Show(c.Is("sentence"))}
			for _, e := range c.Field("evidence").Texts() {
				lines = append(lines, "    "+p.Show(e))
			}
			return strings.Join(append(lines, "    so says "+cliutil.Series(ShownAll(c.Leaders))), "\n")
		},
		Raw:     func() string { return c.Is("better") },
		Columns: []string{"prefix", "serving", "better", "leaders", "sentence"},
		Rows: func() [][]string {
			return row(quoted(c.Is("prefix")), Printable(c.Is("serving")), Printable(c.Is("better")), strings.Join(ShownAll(c.Leaders), " "), Printable(c.Is("sentence")))
		},
		JSON: func() any { return adviceJSON(c) },
	}
}

func adviceJSON(c answers.Advice) object {
	return object{{"prefix", keyName(c.Is("prefix"))}, {"serving", c.Is("serving")}, {"better", c.Is("better")}, {"sentence", c.Is("sentence")}, {"evidence", c.Field("evidence").Texts()}, {"leaders", c.Leaders}}
}

// AllAdvice is all of it as one record, which is for JSON alone.
func AllAdvice(all []answers.Advice, differs []string, missing []client.Absentee) Record {
	return only(object{{"advice", each(all, adviceJSON)}, {"differences", append([]string{}, differs...)}, {"missing", absentees(missing)}})
}

// ObjectionLines says who advises otherwise than another that has applied the same.
func ObjectionLines(all []answers.Objection) (lines []string) {
	for _, o := range all {
		lines = append(lines, fmt.Sprintf("of %s, %s advises %s and %s does not, and both have applied the same", quoted(o.Advice.Is("prefix")), Printable(o.Gives), Printable(o.Advice.Is("better")), Printable(o.Objects)))
	}
	return lines
}

// Conflict is a dot with two contents.
func Conflict(c answers.Conflict) Record {
	dot, settled := c.Field("dot").Text, c.Field("settled").Text
	return Record{
		Text: func(*Printer) string {
			state := ""
			if settled != "" {
				state = "  settled by " + Printable(settled)
			}
			return fmt.Sprintf("%s%s\n  at %s   %s\n  elsewhere   %s", Printable(dot), state, Printable(c.Leader), contentText(c.Field("here")), contentText(c.Field("there")))
		},
		Raw:     func() string { return dot },
		Columns: []string{"dot", "leader", "settled", "here", "there"},
		Rows: func() [][]string {
			return row(Printable(dot), Printable(c.Leader), Printable(settled), contentText(c.Field("here")), contentText(c.Field("there")))
		},
		JSON: func() any {
			return object{{"dot", dot}, {"accepted_by", c.Field("leader").Text}, {"leader", c.Leader}, {"settled", settled}, {"here", contentJSON(c.Field("here"))}, {"there", contentJSON(c.Field("there"))}}
		},
	}
}

func contentText(c client.Reply) string {
	text := fmt.Sprintf("%s of %s", Printable(c.Field("kind").Text), Brief(c.Field("key").Text))
	if v := c.Field("value"); v.Kind == '$' {
		text += ": " + Brief(v.Text)
	}
	return text
}

// contentJSON has null for the value of a deletion.
func contentJSON(c client.Reply) object {
	value := reply{c.Field("value")}
	if value.Kind != '$' {
		value = reply{}
	}
	return object{{"key", keyName(c.Field("key").Text)}, {"kind", c.Field("kind").Text}, {"value", value}}
}

// Omitted says that a leader found more than it kept.
func Omitted(leader string, n int64) string {
	return fmt.Sprintf("%s found %s more than it keeps: settle what is listed, and start it again, so that the rest is found", Printable(leader), Count(int(n), "content"))
}

// IdentityTroubles says where a leader shares its origin, or dots have two contents.
func IdentityTroubles(p answers.ConflictPage) (troubles []string) {
	for _, why := range p.Refuses {
		troubles = append(troubles, fmt.Sprintf("%s takes no writes: %s", Printable(p.Leader), Printable(why)))
	}
	if p.Omitted > 0 {
		troubles = append(troubles, Omitted(p.Leader, p.Omitted))
	}
	if p.Open > 0 {
		text := fmt.Sprintf("%s has %s whose dot another leader has given to something else", Printable(p.Leader), Count(int(p.Open), "write"))
		if len(p.Conflicts) > 0 {
			text += ", the first " + Printable(p.Conflicts[0].Field("dot").Text) + " of " + Brief(p.Conflicts[0].Field("here").Field("key").Text)
		}
		troubles = append(troubles, text+"; kv admin conflicts names both contents of each, kv admin accept chooses one")
	}
	return troubles
}
