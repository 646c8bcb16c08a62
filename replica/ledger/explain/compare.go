package explain

import (
	"fmt"

	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/wallclock"
)

// comparison is a clause: what was compared with the loser, and how it came out.
func comparison(c *ledger.Comparison, loser *ledger.Write) string {
	other := &c.Against
	switch c.By {
	case ledger.ByStamp:
		return stamps(c, loser) + skew(&c.Skew)
	case ledger.ByTie:
		_, stamp := stampsOf(c.Resolver, loser, other)
		return "both have the stamp " + stamp + ", and between equal stamps a hash of key and dot decides"
	case ledger.ByInterval:
		a, b := loser.Wall.Latest, other.Wall.Earliest
		return fmt.Sprintf("%s's clock said it was %s at the latest, and %s's that it was %s at the earliest, %s later",
			loser.Leader, clock(a), other.Leader, dated(b, a), c.Behind) + skew(&c.Skew)
	case ledger.ByCover:
		return fmt.Sprintf("%s held it without showing it, and took %s in its place unseen", other.Leader, from(other))
	case ledger.ByBase:
		return fmt.Sprintf("what had been written over it, %s, is lost itself", from(other))
	}
	return "what decided is no longer in the log"
}

func stamps(c *ledger.Comparison, loser *ledger.Write) string {
	lost, won := stampsOf(c.Resolver, loser, &c.Against)
	switch c.Resolver {
	case resolve.LWW:
		return fmt.Sprintf("%s's clock showed %s, %s behind %s's %s", loser.Leader, lost, c.Behind, c.Against.Leader, won)
	case resolve.Lamport:
		return fmt.Sprintf("its Lamport stamp is %s, the winner's %s", lost, won)
	}
	text := fmt.Sprintf("its hybrid stamp is %s, the winner's %s", lost, won)
	if c.Behind > 0 {
		text += fmt.Sprintf(", %s ahead", c.Behind)
	}
	return text
}

// stampsOf is the stamps of two writes, as the resolver reads them.
func stampsOf(id resolve.ID, l, w *ledger.Write) (lost, won string) {
	switch id {
	case resolve.LWW:
		a, b := l.Wall.Midpoint(), w.Wall.Midpoint()
		return clock(a), dated(b, a)
	case resolve.Lamport:
		return fmt.Sprint(uint64(l.Lamport)), fmt.Sprint(uint64(w.Lamport))
	}
	a, b := wallclock.Instant(l.HLC.Wall), wallclock.Instant(w.HLC.Wall)
	return fmt.Sprintf("%s+%d", clock(a), l.HLC.Count), fmt.Sprintf("%s+%d", dated(b, a), w.HLC.Count)
}

func skew(s *ledger.Skew) string {
	switch {
	case s.Understated:
		return ", so one of them was further off than it claimed"
	case s.Later == "":
		return ""
	case s.Later == s.Earlier:
		return fmt.Sprintf(", so %s's clock had gone back by at least %s", s.Later, s.By)
	}
	return fmt.Sprintf(", so %s's clock was at least %s ahead of %s's", s.Earlier, s.By, s.Later)
}
