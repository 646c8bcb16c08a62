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

// What cannot be restored.
var (
	ErrNotLost   = errors.New("the write is not lost")
	ErrUnclear   = errors.New("whether the write is lost cannot be told here")
	ErrDeletion  = errors.New("the write is a deletion")
	ErrTouch     = errors.New("it changed a deadline and wrote no value")
	ErrUnknown   = errors.New("the write is not known here")
	ErrForgotten = errors.New("the log no longer holds the write")
	ErrExpired   = errors.New("the value has expired")
)

// RestoreError is why a write is not restored, as data.
type RestoreError struct {
	Dot     logical.Dot
	Why     error             // one of those above
	Verdict *Verdict          // ErrNotLost, ErrUnclear: of the serving resolver
	Row     bool              // ErrForgotten: the ledger has a row of the write
	Kept    int               // of that: bytes of the value that the row has
	Size    int               // of the whole value
	Expired wallclock.Instant // ErrExpired: when
}

// Error names the write and the reason; package explain says what to do.
func (e *RestoreError) Error() string { return fmt.Sprintf("restore %s: %v", e.Dot, e.Why) }

// Unwrap is the reason.
func (e *RestoreError) Unwrap() error { return e.Why }

// Restoration is how a lost value comes back: as a new write.
type Restoration struct {
	// Request writes the value over exactly what the key shows now and the lost
	// write itself: that is what its author has seen, and nothing that arrives
	// meanwhile. Once it survives, the lost write is superseded, and every leader
	// retracts the loss. Its ID, retry identity and token are for the sender to
	// fill in.
	Request *replica.Request
	Lost    Fate
	// Until is how long, by this leader's clock, the new write would lose again,
	// because what the key shows bears a stamp that the clock has not reached; zero:
	// it would not.
	Until time.Duration
	Stamp wallclock.Instant // Until above zero: the instant in that stamp
}

// Restore gives the request that writes the lost value with dot d again. It
// refuses what is not known to be lost under the resolver that serves the key, or to have
// ended there at its deadline, and deletions:
// who wants to delete again deletes.
func (r *Reader) Restore(d logical.Dot) (*Restoration, error) {
	f, err := r.Fate(d)
	if err != nil {
		return nil, err
	}
	if refused := r.restorable(f); refused != nil {
		return nil, refused
	}
	value, err := r.whole(f)
	if err != nil {
		return nil, err
	}
	q := r.about(f.Key)
	expires := f.Was.Expires
	if expires <= r.cfg.deadlines() || f.Verdicts[0].State == Deleted { // its time to live has ended: it comes back to stay
		expires = 0
	}
	shown := append(q.survivors(q.panel.Serving), d)
	slices.SortFunc(shown, logical.Dot.Compare)
	out := &Restoration{Lost: *f, Request: &replica.Request{
		Verb: replica.Set, Key: f.Key, Value: value, Expires: expires, Exact: true, Shown: shown}}
	out.Stamp, out.Until = q.ahead()
	return out, q.err
}

// whole is all of the lost value, from the log, else from the ledger's row, which
// may have kept only the begin of it. It is the caller's.
func (r *Reader) whole(f *Fate) ([]byte, error) {
	if f.Known == Here {
		op, ok, err := r.store.Op(f.Dot)
		if err == nil && !ok {
			err = ErrForgotten
		}
		if err != nil {
			return nil, fmt.Errorf("restore %s: %w", f.Dot, err)
		}
		return op.Value, nil
	}
	w, ok, err := r.ledger.Evidence(f.Key, f.Dot)
	switch {
	case err != nil:
		return nil, fmt.Errorf("restore %s: %w", f.Dot, err)
	case !ok || len(w.Value) < w.Size:
		return nil, &RestoreError{Dot: f.Dot, Why: ErrForgotten, Row: true, Kept: len(w.Value), Size: w.Size}
	}
	return w.Value, nil
}

// restorable is why not; nil: it is.
func (r *Reader) restorable(f *Fate) *RestoreError {
	no := &RestoreError{Dot: f.Dot}
	switch f.Known {
	case Forgotten:
		if len(f.Verdicts) == 0 {
			no.Why = ErrForgotten
			return no
		}
	case Ahead, UnknownOrigin, Unreplicated:
		no.Why = ErrUnknown
		return no
	}
	if f.Was.Kind == resolve.Touch {
		no.Why = ErrTouch
		return no
	}
	no.Verdict = &f.Verdicts[0]
	switch v := no.Verdict; {
	case v.State == Deleted && v.ByWrite.Expired(): // it comes back to stay, whoever's clock was right
		return nil
	case v.State == Unclear:
		no.Why = ErrUnclear
	case v.State != Lost:
		no.Why = ErrNotLost
	case f.Was.Kind == resolve.Delete:
		no.Why = ErrDeletion
	case f.Was.Expires != 0 && f.Was.Expires <= r.cfg.deadlines():
		no.Why, no.Expired = ErrExpired, f.Was.Expires
	default:
		return nil
	}
	return no
}

// ahead is the stamp among those shown that a write accepted now would be longest
// without reaching, and how long; zero: it reaches all of them.
func (q *question) ahead() (stamp wallclock.Instant, until time.Duration) {
	for _, i := range q.panel.Survivors(q.object, q.panel.Serving, nil) {
		if at, d := q.unreached(&q.object.Versions[i]); d > until {
			stamp, until = at, d
		}
	}
	return stamp, until
}

// unreached is the instant in v's stamp, and how long a write accepted here would not
// reach it, under the serving resolver. Stamps that count, and those that a leader takes
// over from what it has heard, are reached at once.
func (q *question) unreached(v *resolve.Version) (stamp wallclock.Instant, until time.Duration) {
	now := q.cfg.Now
	switch q.panel.Serving {
	case resolve.LWW:
		return v.Wall.Midpoint(), v.Wall.Midpoint().Sub(now.Midpoint()) + 1
	case resolve.Interval:
		return v.Wall.Earliest, v.Wall.Earliest.Sub(now.Latest)
	case resolve.HLC:
		if at := wallclock.Instant(v.HLC.Wall); v.HLC.Compare(q.cfg.HLC) > 0 {
			return at, at.Sub(now.Midpoint()) + 1
		}
	}
	return 0, 0
}
