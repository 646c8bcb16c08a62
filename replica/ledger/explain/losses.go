package explain

import (
	"fmt"
	"slices"
	"strings"

	"kvd/replica/ledger"
	"kvd/resolve"
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
	case d.SawWinner:
		return ", although its author had been shown that " + noun(&d.Won)
	case d.Relation == resolve.Inverted:
		return "; where it was accepted it was beaten by what its author had been shown"
	case d.LeaderHadWinner:
		return "; its author had not been shown the winner, although " + d.Was.Leader + " already held it"
	case d.LeaderHadLoser:
		return "; the winner's author had not been shown it, although " + d.Won.Leader + " already held it"
	}
	return "; neither author had been shown the other's write"
}

func noun(w *ledger.Write) string {
	if w.Kind == resolve.Delete {
		return "deletion"
	}
	return "value"
}
