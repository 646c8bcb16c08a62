package explain

import (
	"errors"
	"fmt"

	"kvd/replica/ledger"
)

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
