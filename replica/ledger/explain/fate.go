package explain

import (
	"errors"
	"fmt"
	"strings"

	"kvd/replica/ledger"
	"kvd/resolve"
)

// Fate says what became of a write in sentences, the serving resolver's verdict first.
func Fate(f *ledger.Fate) string {
	switch f.Known {
	case ledger.Forgotten:
		if len(f.Verdicts) > 0 {
			break
		}
		return fmt.Sprintf("%s was applied here, and neither the log nor the ledger holds it any more: what became of it can no longer be told. Ask another leader.", f.Dot)
	case ledger.Ahead:
		return fmt.Sprintf("%s has not been applied here yet: it is on its way from %s, or was never accepted.", f.Dot, f.Leader)
	case ledger.Unreplicated:
		return fmt.Sprintf("%s is unreplicated: it has not been applied here, and nobody who can be reached is known to have it. %s accepted it, if anybody did; it arrives when that leader comes back with its disk, and else is lost.", f.Dot, f.Leader)
	case ledger.UnknownOrigin:
		return fmt.Sprintf("%s is of an origin that this leader has never heard of: nothing that %s accepted has arrived.", f.Dot, f.Leader)
	}
	var b strings.Builder
	key := Word(f.Key)
	switch {
	case f.Was.Kind == 0:
		fmt.Fprintf(&b, "%s wrote %s at %s. The log no longer holds it, and the ledger did not keep its value.\n", f.Dot, key, f.Leader)
	case f.Known == ledger.Forgotten:
		fmt.Fprintf(&b, "%s is %s, accepted from %s (clock %s). The log no longer holds it: this is what the ledger has kept.\n", f.Dot, article(&f.Was, key), whose(&f.Was), dated(f.Was.Wall.Midpoint(), f.Now))
	default:
		fmt.Fprintf(&b, "%s is %s, accepted from %s (clock %s).\n", f.Dot, article(&f.Was, key), whose(&f.Was), dated(f.Was.Wall.Midpoint(), f.Now))
	}
	switch {
	case f.Was.Kind != resolve.Touch:
	case f.Holds:
		b.WriteString("It holds. It wrote no value, so no resolver judges it.\n")
	default:
		b.WriteString("It holds no more: what it was stated of has been written over or has ended, or a later statement holds. It wrote no value, so no resolver judges it.\n")
	}
	for i := range f.Elsewhere {
		c := &f.Elsewhere[i]
		fmt.Fprintf(&b, "The dot was given twice, by a leader and its copy: another leader has %s under it.\n", article(&c.Write, Word(c.Key)))
	}
	switch {
	case !f.SettledBy.IsZero():
		fmt.Fprintf(&b, "That is settled by %s: all leaders show the same, and the audit counts neither.\n", f.SettledBy)
	case len(f.Elsewhere) > 0:
		b.WriteString("Nothing settles that yet: kv admin accept says which of them stands.\n")
	}
	for i := range f.Verdicts {
		v := &f.Verdicts[i]
		if v.Resolver == f.Serving {
			fmt.Fprintf(&b, "%s, which serves the key: %s.\n", v.Resolver, Verdict(v))
			continue
		}
		fmt.Fprintf(&b, "%s: %s.\n", v.Resolver, Verdict(v))
	}
	return b.String()
}

func article(w *ledger.Write, key string) string {
	switch w.Kind {
	case resolve.Touch:
		if w.Expires == 0 {
			return "a change of when " + key + " ends: never"
		}
		return "a change of when " + key + " ends: at " + dated(w.Expires, w.Wall.Midpoint())
	case resolve.Delete:
		if w.Expired() {
			return "the end of " + key + ": " + how(w, w.Wall.Midpoint())
		}
		return "a deletion of " + key
	case resolve.Add:
		return fmt.Sprintf("an addition of %d to %s, which made it %s", w.Delta, key, what(w))
	}
	return fmt.Sprintf("a write of %s to %s", what(w), key)
}

// Verdict is the verdict as a clause.
func Verdict(v *ledger.Verdict) string {
	switch v.State {
	case ledger.Live:
		return "live"
	case ledger.Superseded:
		if v.Hidden {
			return fmt.Sprintf("superseded by %s (%s): had %s served, its author would have been shown it", from(&v.ByWrite), v.By, v.Resolver)
		}
		return fmt.Sprintf("superseded by %s (%s), whose author had been shown it", from(&v.ByWrite), v.By)
	case ledger.Deleted:
		if v.By.IsZero() {
			return "deleted by one who had seen it"
		}
		if v.ByWrite.Expired() {
			return fmt.Sprintf("gone (%s): %s", v.By, how(&v.ByWrite, v.ByWrite.Wall.Midpoint()))
		}
		return fmt.Sprintf("deleted by %s (%s), who had been shown it", whose(&v.ByWrite), v.By)
	case ledger.Lost:
		text := fmt.Sprintf("lost to %s (%s)%s: %s", against(v.LossRecord), v.By, knowing(v.LossRecord), comparison(&v.LossRecord.Why, &v.LossRecord.Was))
		if v.LossRecord.NoRow != "" {
			text += "; " + v.LossRecord.NoRow
		}
		return text
	case ledger.Merged:
		return "merged: it has its part in what the key shows"
	case ledger.Doubled:
		return fmt.Sprintf("its request counts once, as %s", v.By)
	}
	if v.Bounded {
		return "unclear: it does not survive, and whether anybody had seen it lies too far back to tell"
	}
	return "unclear: it does not survive, and what would say who had seen it is no longer in the log"
}

// Beaten says why a restored write would lose again; empty: it would not.
func Beaten(r *ledger.Restoration) string {
	if r.Until == 0 {
		return ""
	}
	now := r.Lost.Now
	return fmt.Sprintf("what the key shows was stamped %s, and this leader's clock shows %s: for %s more %s keeps what is there, and the restored write would lose as well",
		dated(r.Stamp, now), clock(now), r.Until, r.Lost.Serving)
}

// Error is why a write is not restored, and what to do instead. Any other error says
// so itself.
func Error(err error) string {
	e, ok := errors.AsType[*ledger.RestoreError](err)
	if !ok {
		return err.Error()
	}
	return fmt.Sprintf("%v%s", e, instead(e))
}

func instead(e *ledger.RestoreError) string {
	const elsewhere = "; ask another leader, or take the value from a backup"
	switch e.Why {
	case ledger.ErrForgotten:
		switch {
		case !e.Row:
			return ", nor does the ledger" + elsewhere
		case e.Size == 0:
			return ", and the ledger kept nothing of it" + elsewhere
		}
		return fmt.Sprintf(", and the ledger kept only the first %d of %d bytes%s", e.Kept, e.Size, elsewhere)
	case ledger.ErrUnknown:
		return "; ask the leader that accepted it"
	case ledger.ErrTouch:
		return "; to change when the key ends, do so again"
	case ledger.ErrUnclear:
		return fmt.Sprintf(" under %s: %s; ask another leader, or set the key to write its value again", e.Verdict.Resolver, Verdict(e.Verdict))
	case ledger.ErrNotLost:
		return fmt.Sprintf(" under %s: %s; to write its value again, set the key", e.Verdict.Resolver, Verdict(e.Verdict))
	case ledger.ErrDeletion:
		return "; to delete the key again, delete it"
	case ledger.ErrExpired:
		return fmt.Sprintf(" at %s; set the key with a new deadline", clock(e.Expired))
	}
	return ""
}
