package account

import (
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// What cannot be restored. Each is wrapped with the dot and what to do.
var (
	ErrNotLost   = errors.New("the write is not lost")
	ErrDeletion  = errors.New("the write is a deletion")
	ErrUnknown   = errors.New("the write is not known here")
	ErrForgotten = errors.New("the log no longer holds the write")
	ErrExpired   = errors.New("the value has expired")
)

// Restoration is how a lost value comes back: as a new write.
type Restoration struct {
	// Request writes the value over exactly what the key shows now, so it takes
	// the place of what its author can be said to have seen, and of nothing that
	// arrives meanwhile. Its ID, retry identity and token are for the sender to
	// fill in.
	Request *replica.Request
	Lost    Fate
	// Beaten says that the new write would lose again, because what the key shows
	// bears a stamp that this leader's clock has not reached. Empty: it would not.
	Beaten string
}

// Restore gives the request that writes the lost value with dot d again. It
// refuses what is not lost under the resolver that serves the key, and deletions:
// who wants to delete again deletes.
func (a *Account) Restore(d logical.Dot) (*Restoration, error) {
	f, err := a.Fate(d)
	if err != nil {
		return nil, err
	}
	if err := a.restorable(f); err != nil {
		return nil, fmt.Errorf("restore %s: %w", d, err)
	}
	op, ok, err := a.reader.Op(d)
	if err != nil || !ok {
		return nil, fmt.Errorf("restore %s: read it again: %w", d, errors.Join(err, ErrForgotten))
	}
	q := a.about(op.Key)
	shown := q.survivors(q.panel.Serving)
	slices.SortFunc(shown, logical.Dot.Compare)
	r := &Restoration{Lost: *f, Beaten: q.beats(), Request: &replica.Request{
		Verb: replica.Set, Key: op.Key, Value: slices.Clone(op.Value), Expires: op.Expires, Exact: true, Shown: shown}}
	return r, q.err
}

// restorable says why not.
func (a *Account) restorable(f *Fate) error {
	switch f.Known {
	case Forgotten:
		return fmt.Errorf("%w; ask another leader, or take the value from a backup", ErrForgotten)
	case Ahead, Stranger:
		return fmt.Errorf("%w; ask the leader that accepted it", ErrUnknown)
	}
	v := &f.Verdicts[0]
	switch {
	case v.State != Lost:
		return fmt.Errorf("%w under %s: %s; to write its value again, set the key", ErrNotLost, v.Resolver, v.Text())
	case f.Was.Kind == resolve.Delete:
		return fmt.Errorf("%w; to delete the key again, delete it", ErrDeletion)
	case f.Was.Expires != 0 && f.Was.Expires <= a.cfg.Now.Latest:
		return fmt.Errorf("%w at %s; set the key with a new deadline", ErrExpired, clock(f.Was.Expires))
	}
	return nil
}

// beats says what stamp among those shown a write accepted now would not reach.
func (q *asked) beats() string {
	for _, i := range q.panel.Survivors(q.object, q.panel.Serving, nil) {
		v := &q.object.Versions[i]
		ahead := v.Wall.Midpoint().Sub(q.cfg.Now.Midpoint())
		if q.panel.Serving == resolve.LWW && ahead >= 0 || q.panel.Serving == resolve.Interval && q.cfg.Now.Before(v.Wall) {
			return fmt.Sprintf("what the key shows was stamped %s, %s ahead of this leader's clock: until that time %s keeps it, and the restored write would lose as well",
				dated(v.Wall.Midpoint(), q.cfg.Now.Midpoint()), ahead, q.panel.Serving)
		}
	}
	return ""
}
