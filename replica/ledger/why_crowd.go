package ledger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// What a key lost is told write by write while that is a few sentences. Of more, those
// that lost alike are told of together.
const (
	fewLost       = 4 // writes that are each told of
	lostSentences = 4 // about more writes than that, at most
)

// crowd is writes that lost alike, newest first.
type crowd []LossRecord

// alike is what the writes of a crowd have in common. Of those that are bare nothing
// but the dot is left.
type alike struct {
	resolver resolve.ID
	leader   string
	winner   logical.Dot
	relation resolve.Relation
	by       Ground
	deletion bool
	bare     bool
}

func alikeOf(d *LossRecord) alike {
	return alike{d.Resolver, d.Was.Leader, d.Winner, d.Relation, d.Why.By, d.Was.Kind == resolve.Delete, d.Was.Kind == 0}
}

// crowds puts together what lost alike, in the order of the first of each.
func crowds(losers []LossRecord) (out []crowd) {
	at := map[alike]int{}
	for i := range losers {
		k := alikeOf(&losers[i])
		j, ok := at[k]
		if !ok {
			j, out = len(out), append(out, nil)
			at[k] = j
		}
		out[j] = append(out[j], losers[i])
	}
	return out
}

// losses tells what was lost.
func (t *telling) losses() {
	losers := t.losers()
	told := len(losers)
	if few := told <= fewLost; few {
		for i := range losers {
			t.lost(&losers[i])
		}
	} else {
		told = t.together(crowds(losers))
	}
	left, all := t.LostWrites-told, t.listing("KVD.LOSSES PREFIX ", " RESOLVER all")
	switch {
	case left > 0:
		t.say("%s not told of; %s lists all %s.", more(left), all, thousands(t.LostWrites))
	case len(losers) > fewLost:
		t.say("%s lists all %s.", all, thousands(t.LostWrites))
	}
}

// together tells of crowds as far as there is room, and says how many writes that was.
// Of the first, and of others where that leaves none out, one write is told in full.
func (t *telling) together(all []crowd) (told int) {
	for room := lostSentences; room > 0 && len(all) > 0; all = all[1:] {
		c := all[0]
		told += len(c)
		if len(c) == 1 || room == lostSentences || room > len(all) {
			t.lost(&c[0])
			c = c[1:]
			room--
		}
		if len(c) > 0 {
			t.say("%s", t.crowded(c, len(c) < len(all[0])))
			room--
		}
	}
	return told
}

// crowded tells of a crowd; too: after one of its own.
func (t *telling) crowded(c crowd, too bool) string {
	first := &c[0]
	against := first.against()
	if too {
		against = "it too"
	}
	said := fmt.Sprintf("%s lost to %s%s.", c.subject(), against, c.span(t.Story))
	if first.Resolver != t.Serving {
		said = fmt.Sprintf("Had %s served, %s", first.Resolver, said)
	}
	return said
}

// subject is how many they are, and whose.
func (c crowd) subject() string {
	like, what, by := alikeOf(&c[0]), "other write", "by clients at"
	switch {
	case like.bare:
		return fmt.Sprintf("%s accepted at %s, of which neither log nor ledger keeps more than the dot,", count(len(c), what), like.leader)
	case like.deletion:
		what = "deletion"
	case like.relation == resolve.Inverted:
		what = "later write"
	}
	if len(c) == 1 {
		by = "by a client at"
	}
	return fmt.Sprintf("%s %s %s", count(len(c), what), by, like.leader)
}

// span is when they were accepted, by that leader's clock, and the last of them.
func (c crowd) span(s *Story) string {
	if alikeOf(&c[0]).bare {
		return ""
	}
	from, to := c[0].Was.Wall.Midpoint(), c[0].Was.Wall.Midpoint()
	for i := range c {
		from, to = min(from, c[i].Was.Wall.Midpoint()), max(to, c[i].Was.Wall.Midpoint())
	}
	when := func(i wallclock.Instant) string { return dated(i, s.Now) }
	switch last := c[0].Was; {
	case len(c) == 1 && last.Kind == resolve.Delete:
		return fmt.Sprintf(", at %s (clock)", when(to))
	case len(c) == 1:
		return fmt.Sprintf(", at %s (clock): %s", when(to), last.what())
	case last.Kind == resolve.Delete:
		return fmt.Sprintf(", between %s and %s (clock)", when(from), when(to))
	default:
		return fmt.Sprintf(", between %s and %s (clock), the last of them %s", when(from), when(to), last.what())
	}
}

// listing is the command that lists what the key lost; all is how it is asked for what
// shadows lost as well.
func (s *Story) listing(command, all string) string {
	command += word([]byte(s.Key))
	if slices.ContainsFunc(s.Lost, func(d LossRecord) bool { return d.Resolver != s.Serving }) {
		command += all
	}
	return command
}

// silence says that what the ledger does not list may be lost all the same.
func (t *telling) silence() {
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
