package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/wallclock"
)

// lost says how one write lost, and who else would have lost it. It is mentioned
// once: under the resolver that serves, or else under the first that lost it.
func (t *formatter) lost(d *ledger.LossRecord) {
	said := among(d, len(t.Shown) == 1 && d.Winner == t.Shown[0].Dot)
	if d.Resolver != t.Serving {
		said = fmt.Sprintf("Had %s served, %s", d.Resolver, strings.ToLower(said[:1])+said[1:])
	}
	var too, not []string
	for _, id := range t.Shadows {
		switch {
		case id == d.Resolver:
		case slices.ContainsFunc(t.Lost, func(l ledger.LossRecord) bool { return l.Loser == d.Loser && l.Resolver == id }):
			too = append(too, id.String())
		case !t.Unsure.Has(id):
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

// Loss is a loss in one sentence.
func Loss(d *ledger.LossRecord) string {
	subject := "The write " + from(&d.Was)
	switch {
	case d.Was.Kind == resolve.Delete:
		subject = "The deletion from " + whose(&d.Was)
	case d.Was.Kind == 0:
		subject = strings.ToUpper(what(&d.Was)[:1]) + what(&d.Was)[1:]
	}
	return sentence(d, subject, against(d))
}

// among is the loss among other sentences; it: the winner was named last, and is
// called it.
func among(d *ledger.LossRecord, it bool) string {
	subject := "Another write, " + from(&d.Was) + ","
	if d.Relation == resolve.Inverted {
		subject = "A later write, " + from(&d.Was) + ","
	}
	if d.Was.Kind == resolve.Delete {
		subject = strings.Replace(subject, " write, a deletion ", " deletion ", 1)
		subject = strings.TrimSuffix(strings.Replace(subject, "Another", "A", 1), ",")
	}
	if it {
		return sentence(d, subject, "it")
	}
	return sentence(d, subject, against(d))
}

func sentence(d *ledger.LossRecord, subject, against string) string {
	return fmt.Sprintf("%s lost to %s%s: %s.", subject, against, knowing(d), comparison(&d.Why, &d.Was))
}

func against(d *ledger.LossRecord) string {
	if d.Winner.IsZero() {
		return "what is no longer here"
	}
	return from(&d.Won)
}

func knowing(d *ledger.LossRecord) string {
	switch {
	case d.SawWinner && d.Won.Kind == resolve.Delete:
		return ", although its author had been shown that deletion"
	case d.SawWinner:
		return ", although its author had been shown that value"
	case d.Relation == resolve.Inverted:
		return "; where it was accepted it was beaten by what its author had been shown"
	case d.LeaderHadWinner:
		return "; its author had not been shown the winner, although " + d.Was.Leader + " already held it"
	case d.LeaderHadLoser:
		return "; the winner's author had not been shown it, although " + d.Won.Leader + " already held it"
	}
	return "; neither author had been shown the other's write"
}

// What a key lost is said write by write while that is a few sentences. Of more, those
// that lost alike are put together.
const (
	maxSingle    = 4 // writes that each have a sentence
	maxSentences = 4 // about more writes than that, at most
)

// group is writes that lost alike, newest first.
type group []ledger.LossRecord

// groupKey is what the writes of a group have in common. Of those that are bare nothing
// but the dot is left.
type groupKey struct {
	resolver resolve.ID
	leader   string
	winner   logical.Dot
	relation resolve.Relation
	by       ledger.Ground
	deletion bool
	bare     bool
}

func groupKeyOf(d *ledger.LossRecord) groupKey {
	return groupKey{d.Resolver, d.Was.Leader, d.Winner, d.Relation, d.Why.By, d.Was.Kind == resolve.Delete, d.Was.Kind == 0}
}

// groups puts together what lost alike, in the order of the first of each.
func groups(losers []ledger.LossRecord) (out []group) {
	at := map[groupKey]int{}
	for i := range losers {
		k := groupKeyOf(&losers[i])
		j, ok := at[k]
		if !ok {
			j, out = len(out), append(out, nil)
			at[k] = j
		}
		out[j] = append(out[j], losers[i])
	}
	return out
}

func (t *formatter) losses() {
	losers := t.losers()
	told := len(losers)
	if told <= maxSingle {
		for i := range losers {
			t.lost(&losers[i])
		}
	} else {
		told = t.together(groups(losers))
	}
	left, all := t.LostWrites-told, t.listing("KVD.LOSSES PREFIX ", " RESOLVER all")
	switch {
	case left > 0:
		t.counted()
		t.say("%s not told of; %s lists all %s.", more(left), all, thousands(t.LostWrites))
	case len(losers) > maxSingle:
		t.say("%s lists all %s.", all, thousands(t.LostWrites))
	}
}

// counted is a sentence about all that the serving resolver lost, how it is related to what
// is shown and where it was accepted, and one of how much each shadow would have lost.
func (t *formatter) counted() {
	var serving, shadows []string
	all := 0
	for rest := t.Groups; len(rest) > 0; {
		id, n := rest[0].Resolver, 0
		for ; len(rest) > 0 && rest[0].Resolver == id; rest = rest[1:] {
			n += rest[0].Writes
			if id == t.Serving {
				serving = append(serving, fmt.Sprintf("%s %s at %s", thousands(rest[0].Writes), rest[0].Relation, cmp.Or(rest[0].Leader, "other leaders")))
			}
		}
		if id == t.Serving {
			all = n
		} else {
			shadows = append(shadows, thousands(n)+" under "+id.String())
		}
	}
	if all > 0 {
		t.say("In all %s has lost %s: %s.", t.Serving, thousands(all), joined(serving))
	}
	if len(shadows) > 0 {
		t.say("Had another served, so many would be lost: %s.", joined(shadows))
	}
}

// together speaks of groups as far as sentences are left, and answers how many writes
// that was. Of the first, and of others where that leaves none out, one write has a
// sentence of its own.
func (t *formatter) together(all []group) (told int) {
	for left := maxSentences; left > 0 && len(all) > 0; all = all[1:] {
		c := all[0]
		told += len(c)
		if len(c) == 1 || left == maxSentences || left > len(all) {
			t.lost(&c[0])
			c = c[1:]
			left--
		}
		if len(c) > 0 {
			t.say("%s", t.groupText(c, len(c) < len(all[0])))
			left--
		}
	}
	return told
}

// groupText is a sentence about a group; too: after one about a write of it.
func (t *formatter) groupText(c group, too bool) string {
	first := &c[0]
	against := against(first)
	if too {
		against = "it too"
	}
	said := fmt.Sprintf("%s lost to %s%s.", c.subject(), against, c.span(t.Now))
	if first.Resolver != t.Serving {
		said = fmt.Sprintf("Had %s served, %s", first.Resolver, said)
	}
	return said
}

func (g group) subject() string {
	like, what, by := groupKeyOf(&g[0]), "other write", "by clients at"
	switch {
	case like.bare:
		return fmt.Sprintf("%s accepted at %s, of which neither log nor ledger keeps more than the dot,", count(len(g), what), like.leader)
	case like.deletion:
		what = "deletion"
	case like.relation == resolve.Inverted:
		what = "later write"
	}
	if len(g) == 1 {
		by = "by a client at"
	}
	return fmt.Sprintf("%s %s %s", count(len(g), what), by, like.leader)
}

// span is when they were accepted, by that leader's clock, and the last of them.
func (g group) span(now wallclock.Instant) string {
	if groupKeyOf(&g[0]).bare {
		return ""
	}
	from, to := g[0].Was.Wall.Midpoint(), g[0].Was.Wall.Midpoint()
	for i := range g {
		from, to = min(from, g[i].Was.Wall.Midpoint()), max(to, g[i].Was.Wall.Midpoint())
	}
	when := func(i wallclock.Instant) string { return dated(i, now) }
	switch last := g[0].Was; {
	case len(g) == 1 && last.Kind == resolve.Delete:
		return fmt.Sprintf(", at %s (clock)", when(to))
	case len(g) == 1:
		return fmt.Sprintf(", at %s (clock): %s", when(to), what(&last))
	case last.Kind == resolve.Delete:
		return fmt.Sprintf(", between %s and %s (clock)", when(from), when(to))
	default:
		return fmt.Sprintf(", between %s and %s (clock), the last of them %s", when(from), when(to), what(&last))
	}
}

// listing is the command that lists what the key lost; all is how it is asked for what
// shadows lost as well.
func (t *formatter) listing(command, all string) string {
	command += Word(t.Key)
	if slices.ContainsFunc(t.Lost, func(d ledger.LossRecord) bool { return d.Resolver != t.Serving }) {
		command += all
	}
	return command
}

// missing says that what the ledger does not list may be lost all the same.
func (t *formatter) missing() {
	if t.Collected > 0 {
		t.say("The log begins behind %s that it does not keep any more: of what was written before, this is what the objects and the ledger have.", count(int(t.Collected), "op"))
	}
	if t.Evicted == 0 {
		return
	}
	were := "rows of this leader's ledger were"
	if t.Evicted == 1 {
		were = "row of this leader's ledger was"
	}
	t.say("%s %s given up; older losses may be missing here: kv audit counts them.", thousands(int(t.Evicted)), were)
}

func more(n int) string {
	if n == 1 {
		return "1 more lost write is"
	}
	return thousands(n) + " more lost writes are"
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + one + "s"
}

// thousands groups digits so that long numbers can be read.
func thousands(n int) string {
	s := strconv.Itoa(n)
	var parts []string
	for ; len(s) > 3; s = s[:len(s)-3] {
		parts = append(parts, s[len(s)-3:])
	}
	slices.Reverse(parts)
	return strings.Join(append([]string{s}, parts...), ",")
}
