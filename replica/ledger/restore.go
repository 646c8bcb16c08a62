package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// What cannot be restored. Each is wrapped with the dot and what to do.
var (
	ErrNotLost   = errors.New("the write is not lost")
	ErrUnclear   = errors.New("whether the write is lost cannot be told here")
	ErrDeletion  = errors.New("the write is a deletion")
	ErrTouch     = errors.New("it changed a deadline and wrote no value")
	ErrUnknown   = errors.New("the write is not known here")
	ErrForgotten = errors.New("the log no longer holds the write")
	ErrExpired   = errors.New("the value has expired")
)

// Restoration is how a lost value comes back: as a new write.
type Restoration struct {
	// Request writes the value over exactly what the key shows now and the lost
	// write itself: that is what its author has seen, and nothing that arrives
	// meanwhile. Once it survives, the lost write is superseded, and every leader
	// retracts the loss. Its ID, retry identity and token are for the sender to
	// fill in.
	Request *replica.Request
	Lost    Fate
	// Beaten says that the new write would lose again, because what the key shows
	// bears a stamp that this leader's clock has not reached. Empty: it would not.
	Beaten string
	// Until is how long, by this leader's clock, it would lose; zero: it would not.
	Until time.Duration
}

// Restore gives the request that writes the lost value with dot d again. It
// refuses what is not known to be lost under the resolver that serves the key, or to have
// ended there at its deadline, and deletions:
// who wants to delete again deletes.
func (a *Account) Restore(d logical.Dot) (*Restoration, error) {
	f, err := a.Fate(d)
	if err != nil {
		return nil, err
	}
	if err := a.restorable(f); err != nil {
		return nil, fmt.Errorf("restore %s: %w", d, err)
	}
	value, err := a.whole(f)
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", d, err)
	}
	q := a.about(f.Key)
	shown := append(q.survivors(q.panel.Serving), d)
	slices.SortFunc(shown, logical.Dot.Compare)
	r := &Restoration{Lost: *f, Request: &replica.Request{
		Verb: replica.Set, Key: f.Key, Value: value, Expires: f.stays(a.cfg.deadlines()), Exact: true, Shown: shown}}
	r.Beaten, r.Until = q.beats()
	return r, q.err
}

// stays is when the value ends once it is written again: where its time to live has
// ended, never.
func (f *Fate) stays(now wallclock.Instant) wallclock.Instant {
	if f.Was.Expires <= now || f.Verdicts[0].State == Deleted {
		return 0
	}
	return f.Was.Expires
}

// whole is all of the lost value, from the log, else from the ledger's row, which
// may have kept only the begin of it. It is the caller's.
func (a *Account) whole(f *Fate) ([]byte, error) {
	if f.Known == Here {
		op, ok, err := a.reader.Op(f.Dot)
		if err != nil || !ok {
			return nil, errors.Join(err, ErrForgotten)
		}
		return op.Value, nil
	}
	w, ok, err := a.ledger.(Keeper).Evidence(f.Key, f.Dot)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, fmt.Errorf("%w, and the ledger kept nothing of it; ask another leader, or take the value from a backup", ErrForgotten)
	case len(w.Value) < w.Size:
		return nil, fmt.Errorf("%w, and the ledger kept only the first %d of %d bytes; ask another leader, or take the value from a backup", ErrForgotten, len(w.Value), w.Size)
	}
	return w.Value, nil
}

// restorable says why not.
func (a *Account) restorable(f *Fate) error {
	switch f.Known {
	case Forgotten:
		if len(f.Verdicts) == 0 {
			return fmt.Errorf("%w, nor does the ledger; ask another leader, or take the value from a backup", ErrForgotten)
		}
	case Ahead, UnknownOrigin, Unreplicated:
		return fmt.Errorf("%w; ask the leader that accepted it", ErrUnknown)
	}
	if f.Was.Kind == resolve.Touch {
		return fmt.Errorf("%w; to change when the key ends, do so again", ErrTouch)
	}
	v := &f.Verdicts[0]
	switch {
	case v.State == Deleted && v.ByWrite.ended(): // it comes back to stay, whoever's clock was right
		return nil
	case v.State == Unclear:
		return fmt.Errorf("%w under %s: %s; ask another leader, or set the key to write its value again", ErrUnclear, v.Resolver, v.Text())
	case v.State != Lost:
		return fmt.Errorf("%w under %s: %s; to write its value again, set the key", ErrNotLost, v.Resolver, v.Text())
	case f.Was.Kind == resolve.Delete:
		return fmt.Errorf("%w; to delete the key again, delete it", ErrDeletion)
	case f.Was.Expires != 0 && f.Was.Expires <= a.cfg.deadlines():
		return fmt.Errorf("%w at %s; set the key with a new deadline", ErrExpired, clock(f.Was.Expires))
	}
	return nil
}

// beats says what stamp among those shown a write accepted now would not reach,
// and how long that lasts.
func (q *asked) beats() (why string, until time.Duration) {
	var top *resolve.Version
	for _, i := range q.panel.Survivors(q.object, q.panel.Serving, nil) {
		v := &q.object.Versions[i]
		if d := q.unreached(v); d > until {
			top, until = v, d
		}
	}
	if top == nil {
		return "", 0
	}
	return fmt.Sprintf("what the key shows was stamped %s, and this leader's clock shows %s: for %s more %s keeps what is there, and the restored write would lose as well",
		dated(q.stamped(top), q.cfg.Now.Midpoint()), clock(q.cfg.Now.Midpoint()), until, q.panel.Serving), until
}

// unreached is how long a write accepted here would not reach v's stamp, under the
// serving resolver. Stamps that count, and those that a leader takes over from what
// it has heard, are reached at once.
func (q *asked) unreached(v *resolve.Version) time.Duration {
	now := q.cfg.Now
	switch q.panel.Serving {
	case resolve.LWW:
		return v.Wall.Midpoint().Sub(now.Midpoint()) + 1
	case resolve.Interval:
		return v.Wall.Earliest.Sub(now.Latest)
	case resolve.HLC:
		if v.HLC.Compare(q.cfg.HLC) > 0 {
			return wallclock.Instant(v.HLC.Wall).Sub(now.Midpoint()) + 1
		}
	}
	return 0
}

// stamped is the instant in v's stamp.
func (q *asked) stamped(v *resolve.Version) wallclock.Instant {
	switch q.panel.Serving {
	case resolve.Interval:
		return v.Wall.Earliest
	case resolve.HLC:
		return wallclock.Instant(v.HLC.Wall)
	}
	return v.Wall.Midpoint()
}
