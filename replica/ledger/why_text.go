package ledger

import (
	"fmt"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/resolve"
)

// Text tells the story in sentences.
func (s *Story) Text() string {
	t := telling{Story: s}
	t.present()
	t.deadline()
	t.past()
	t.losses()
	t.silence()
	return t.text.String()
}

// telling is a story being told.
type telling struct {
	*Story
	text strings.Builder
}

// say adds a sentence as a line of its own.
func (t *telling) say(format string, args ...any) { fmt.Fprintf(&t.text, format+"\n", args...) }

// present says what the key shows and who wrote it.
func (t *telling) present() {
	var values, deletes []*Write
	for i := range t.Shown {
		if w := &t.Shown[i]; w.Kind == resolve.Delete {
			deletes = append(deletes, w)
		} else {
			values = append(values, w)
		}
	}
	switch {
	case t.Serving == resolve.Counter && len(values) > 0:
		t.count(values)
	case len(values) > 1:
		t.say("%s shows %d values, none of whose authors had been shown another: %s.", word([]byte(t.Key)), len(values), list(values, t.told))
	case len(values) == 1:
		t.say("%s is %s, written by %s (clock %s).", word([]byte(t.Key)), values[0].what(), values[0].whose(), t.when(values[0]))
	case len(deletes) > 0:
		t.gone(deletes[0])
	case t.Removed != nil:
		t.gone(t.Removed)
	default:
		t.say("%s holds nothing here: it was never written, or what deleted it left no trace.", word([]byte(t.Key)))
	}
}

// gone says what deleted the key's value.
func (t *telling) gone(w *Write) {
	if w.ended() {
		t.say("%s holds nothing: %s. No client deleted it.", word([]byte(t.Key)), w.how(t.Now))
		return
	}
	t.say("%s holds nothing: it was deleted by %s (clock %s).", word([]byte(t.Key)), w.whose(), t.when(w))
}

// deadline says when what the key shows ends, or that it has and is still stored.
func (t *telling) deadline() {
	if t.Ends == 0 {
		return
	}
	by := ""
	if !t.TouchedBy.IsZero() {
		by = ", as " + t.TouchedBy.String() + " stated later"
	}
	if t.Ends > t.Agreed {
		t.say("It ends at %s%s; the time that this leader and its peers agree on is %s.", dated(t.Ends, t.Now), by, dated(t.Agreed, t.Now))
		return
	}
	t.say("It is not shown: its time to live ended at %s%s, and the time that this leader and its peers agree on is %s. The leader that accepted it will delete it.",
		dated(t.Ends, t.Now), by, dated(t.Agreed, t.Now))
}

func (t *telling) count(shares []*Write) {
	where := func(w *Write) string { return w.Leader }
	key, from := word([]byte(t.Key)), list(shares, where)
	if t.Sum.Fits() {
		t.say("%s is %s, added up from what %s accepted.", key, t.Sum, from)
		return
	}
	t.say("%s shows %d, the nearest that 64 bits hold to %s, which is what %s accepted comes to: leaders apart cannot know each other's additions. Nothing of the sum is forgotten; an addition that takes it back is accepted, and so is a set.",
		key, t.Sum.Clamp(), t.Sum, from)
}

// told is the write with its author and its clock.
func (s *Story) told(w *Write) string {
	return fmt.Sprintf("%s (clock %s)", w.from(), s.when(w))
}

func (s *Story) when(w *Write) string { return dated(w.Wall.Midpoint(), s.Now) }

// maxListed is how many writes one sentence names.
const maxListed = 12

// list joins what say says of each, as far as a sentence goes.
func list(ws []*Write, say func(*Write) string) string {
	var parts []string
	for _, w := range ws[:min(len(ws), maxListed)] {
		parts = append(parts, say(w))
	}
	if more := len(ws) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return joined(parts)
}

// past says what was written over.
func (t *telling) past() {
	if len(t.Past) == 0 {
		return
	}
	var ws []*Write
	for i := range t.Past {
		ws = append(ws, &t.Past[i].Write)
	}
	more := ""
	if t.PastLeft > 0 {
		more = " and more before"
	}
	whose := "Its author"
	if len(t.Shown) > 1 {
		whose = "Their authors"
	}
	t.say("%s, directly or through others, had been shown %s%s: nothing of that is lost.", whose,
		list(ws, (*Write).from), more)
}

// lost says how one write lost, and who else would have lost it. It is told of
// once: under the resolver that serves, or else under the first that lost it.
func (t *telling) lost(d *LossRecord) {
	said := d.among(len(t.Shown) == 1 && d.Winner == t.Shown[0].Dot)
	if d.Resolver != t.Serving {
		said = fmt.Sprintf("Had %s served, %s", d.Resolver, strings.ToLower(said[:1])+said[1:])
	}
	var too, not []string
	for _, id := range t.Shadows {
		switch {
		case id == d.Resolver:
		case slices.ContainsFunc(t.Lost, func(l LossRecord) bool { return l.Loser == d.Loser && l.Resolver == id }):
			too = append(too, id.String())
		case !t.unsure.Has(id):
			not = append(not, id.String())
		}
	}
	switch {
	case len(too) > 0 && len(not) > 0:
		said += fmt.Sprintf(" %s would have lost it too; %s would not.", joined(too), joined(not))
	case len(too) > 0:
		said += fmt.Sprintf(" %s would have lost it too.", joined(too))
	case len(not) > 0:
		said += fmt.Sprintf(" %s would not have lost it.", joined(not))
	}
	t.say("%s", said)
}

func joined(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// Text is the loss in one sentence.
func (d *LossRecord) Text() string {
	subject := "The write " + d.Was.from()
	switch {
	case d.Was.Kind == resolve.Delete:
		subject = "The deletion from " + d.Was.whose()
	case d.Was.Kind == 0:
		subject = strings.ToUpper(d.Was.what()[:1]) + d.Was.what()[1:]
	}
	return d.sentence(subject, d.against())
}

// among says it among the sentences of a story, and calls the winner it when that
// was the last thing spoken of.
func (d *LossRecord) among(it bool) string {
	subject := "Another write, " + d.Was.from() + ","
	if d.Relation == resolve.Inverted {
		subject = "A later write, " + d.Was.from() + ","
	}
	if d.Was.Kind == resolve.Delete {
		subject = strings.Replace(subject, " write, a deletion ", " deletion ", 1)
		subject = strings.TrimSuffix(strings.Replace(subject, "Another", "A", 1), ",")
	}
	if it {
		return d.sentence(subject, "it")
	}
	return d.sentence(subject, d.against())
}

func (d *LossRecord) sentence(subject, against string) string {
	return fmt.Sprintf("%s lost to %s%s: %s.", subject, against, d.knowing(), d.Why.Text())
}

// against names the winner.
func (d *LossRecord) against() string {
	if d.Winner.IsZero() {
		return "what is no longer here"
	}
	return d.Won.from()
}

// knowing says who had seen what.
func (d *LossRecord) knowing() string {
	switch {
	case d.SawWinner:
		return ", although its author had been shown that " + d.Won.noun()
	case d.Relation == resolve.Inverted:
		return "; where it was accepted it was beaten by what its author had been shown"
	case d.LeaderHadWinner:
		return "; its author had not been shown the winner, although " + d.Was.Leader + " already held it"
	case d.LeaderHadLoser:
		return "; the winner's author had not been shown it, although " + d.Won.Leader + " already held it"
	}
	return "; neither author had been shown the other's write"
}

// noun is what kind of write it is.
func (w *Write) noun() string {
	if w.Kind == resolve.Delete {
		return "deletion"
	}
	return "value"
}

// Tree draws the story: what is shown, under it what it was written over, beside
// it what lost.
func (s *Story) Tree() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", word([]byte(s.Key)), s.Serving)
	drawn := map[logical.Dot]bool{}
	for i := range s.Shown {
		s.branch(&b, s.Shown[i], "", i == len(s.Shown)-1 && len(s.losers()) == 0, "● ", drawn)
	}
	losers := s.losers()
	left := s.LostWrites - len(losers)
	for i, d := range losers {
		twig(&b, "", i == len(losers)-1 && left == 0, "✗ "+s.told(&d.Was)+" "+d.Was.Dot.String()+s.fates(d.Loser))
	}
	if left > 0 {
		twig(&b, "", true, more(left)+" not drawn: "+s.listing("kv losses --prefix ", " --resolver all"))
	}
	return b.String()
}

// branch draws a write and what it was written over.
func (s *Story) branch(b *strings.Builder, w Write, indent string, last bool, mark string, drawn map[logical.Dot]bool) {
	drawn[w.Dot] = true
	twig(b, indent, last, mark+s.told(&w)+" "+w.Dot.String())
	if indent += "│  "; last {
		indent = strings.TrimSuffix(indent, "│  ") + "   "
	}
	var under []Write
	for i := range s.Past {
		if s.Past[i].By == w.Dot && !drawn[s.Past[i].Dot] {
			under = append(under, s.Past[i].Write)
		}
	}
	for i := range under {
		s.branch(b, under[i], indent, i == len(under)-1, "", drawn)
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
func (s *Story) losers() []LossRecord {
	var out []LossRecord
	for _, d := range s.Lost {
		if !slices.ContainsFunc(out, func(o LossRecord) bool { return o.Loser == d.Loser }) {
			out = append(out, d)
		}
	}
	return out
}

// fates says under whom a write is lost.
func (s *Story) fates(d logical.Dot) string {
	var names []string
	for _, l := range s.Lost {
		if l.Loser == d {
			names = append(names, fmt.Sprintf("%s under %s", l.Relation, l.Resolver))
		}
	}
	return " — lost: " + strings.Join(names, ", ")
}
