package explain

import (
	"fmt"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/resolve"
)

// Key says in sentences why a key holds what it holds.
func Key(e *ledger.Explanation) string {
	t := formatter{Explanation: e}
	t.present()
	t.lifted()
	t.deadline()
	t.past()
	t.losses()
	t.missing()
	return t.text.String()
}

// formatter is the sentences about a key, as far as they are written.
type formatter struct {
	*ledger.Explanation
	text strings.Builder
}

func (t *formatter) say(format string, args ...any) { fmt.Fprintf(&t.text, format+"\n", args...) }

func (t *formatter) present() {
	var values, deletes []*ledger.Write
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
		t.say("%s shows %d values, none of whose authors had been shown another: %s.", Word(t.Key), len(values), list(values, t.author))
	case len(values) == 1:
		t.say("%s is %s, written by %s (clock %s).", Word(t.Key), what(values[0]), whose(values[0]), t.when(values[0]))
	case len(deletes) > 0:
		t.gone(deletes[0])
	case t.Removed != nil:
		t.gone(t.Removed)
	default:
		t.say("%s holds nothing here: it was never written, or what deleted it left no trace.", Word(t.Key))
	}
}

// lifted tells of writes that were given another stamp than the clock showed.
func (t *formatter) lifted() {
	for i := range t.Shown {
		if w := &t.Shown[i]; w.Lifted != nil {
			t.say("The clock of %s showed %s when it accepted %s: a write that was there already had a later stamp and would have beaten it, so its own was raised just above that, as doomed=lift says.",
				w.Leader, dated(w.Lifted.Midpoint(), t.Now), what(w))
		}
	}
}

func (t *formatter) gone(w *ledger.Write) {
	if w.Expired() {
		t.say("%s holds nothing: %s. No client deleted it.", Word(t.Key), how(w, t.Now))
		return
	}
	t.say("%s holds nothing: it was deleted by %s (clock %s).", Word(t.Key), whose(w), t.when(w))
}

func (t *formatter) deadline() {
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

func (t *formatter) count(shares []*ledger.Write) {
	where := func(w *ledger.Write) string { return w.Leader }
	key, from := Word(t.Key), list(shares, where)
	if t.Sum.Fits() {
		t.say("%s is %s, added up from what %s accepted.", key, t.Sum, from)
		return
	}
	t.say("%s shows %d, the nearest that 64 bits hold to %s, which is what %s accepted comes to: leaders apart cannot know each other's additions. Nothing of the sum is forgotten; an addition that takes it back is accepted, and so is a set.",
		key, t.Sum.Clamp(), t.Sum, from)
}

func (t *formatter) author(w *ledger.Write) string {
	return fmt.Sprintf("%s (clock %s)", from(w), t.when(w))
}

func (t *formatter) when(w *ledger.Write) string { return dated(w.Wall.Midpoint(), t.Now) }

const maxListed = 12

// list joins what say says of each, as far as a sentence goes.
func list(ws []*ledger.Write, say func(*ledger.Write) string) string {
	var parts []string
	for _, w := range ws[:min(len(ws), maxListed)] {
		parts = append(parts, say(w))
	}
	if more := len(ws) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return joined(parts)
}

func (t *formatter) past() {
	if len(t.Past) == 0 {
		return
	}
	var ws []*ledger.Write
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
		list(ws, from), more)
}

func joined(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

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
