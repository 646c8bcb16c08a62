package ledger

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Knowledge is what a leader knows of a dot at all.
type Knowledge uint8

// What can be known.
const (
	Here          Knowledge = 1 + iota // applied, and the log still holds it
	Forgotten                          // applied, and the log no longer holds it; the ledger may
	Ahead                              // of an origin known here, and not yet applied
	UnknownOrigin                      // of an origin that this leader has never heard of
	Unreplicated                       // not applied, and nobody who can be reached is known to have it
)

// String names it in a word.
func (k Knowledge) String() string {
	return nameIn([]string{"", "here", "forgotten", "ahead", "unknown-origin", "unreplicated"}, uint8(k))
}

func nameIn(names []string, x uint8) string {
	if int(x) < len(names) {
		return names[x]
	}
	return "unknown"
}

// State is what became of a write under one resolver.
type State uint8

// The states.
const (
	Live       State = 1 + iota // it survives
	Superseded                  // a survivor's author had seen it
	Deleted                     // a deletion's author had seen it
	Lost                        // thrown away unseen
	Merged                      // it counts in a sum, or has deleted what its author saw
	Doubled                     // its request counts under its other dot
	Unclear                     // what is left does not say
)

// String names the state.
func (s State) String() string {
	return nameIn([]string{"", "live", "superseded", "deleted", "lost", "merged", "doubled", "unclear"}, uint8(s))
}

// Fate is what became of one write, at one leader, under every resolver of its
// key's panel.
type Fate struct {
	Dot      logical.Dot
	Known    Knowledge
	Leader   string // that accepted it
	Key      string // empty: it is not known
	Was      Write
	Serving  resolve.ID
	Verdicts []Verdict // the serving resolver's first; none unless the key is known
	Now      wallclock.Instant
	// Holds says of a change of a deadline, which nobody judges, that something still
	// ends as it says.
	Holds bool
	// Elsewhere is what other leaders have under the dot, which a leader and its copy
	// gave to two writes; SettledBy what settles it, zero if nothing does.
	Elsewhere []Content
	SettledBy logical.Dot
}

// Content is a write that another leader has under a dot.
type Content struct {
	Key string
	Write
}

func (q *question) holds(d logical.Dot) bool {
	for i := range q.object.Versions {
		if v := &q.object.Versions[i]; v.Touched != nil && v.Touched.By == d {
			return true
		}
	}
	e, _ := q.object.Deadline()
	return e.Stamp.By == d
}

// Verdict is what one resolver made of the write.
type Verdict struct {
	Resolver   resolve.ID
	State      State
	By         logical.Dot // Superseded, Deleted: the nearest that had seen it; Lost: the winner; Doubled: the other dot
	ByWrite    Write       // of By
	LossRecord *LossRecord // Lost
	// Hidden says that By's author had not been shown the write: the leader that
	// accepted By held it, and would have shown it under this resolver.
	Hidden bool
	// Bounded says of what is Unclear that the search for it ended at its bound, and not
	// where the log ends.
	Bounded bool
}

// Fate asks what became of the write with dot d.
func (r *Reader) Fate(d logical.Dot) (*Fate, error) {
	f := &Fate{Dot: d, Leader: r.leader(d.Origin), Now: r.cfg.Now.Midpoint()}
	known := false
	var err error
	if f.Known, f.Key, known, err = r.find(d); err != nil {
		return nil, fmt.Errorf("ask about %s: %w", d, err)
	}
	if err := r.disputed(f); err != nil || !known {
		return f, err
	}
	q := r.about(f.Key)
	f.Serving, f.Was = q.panel.Serving, q.write(d)
	if f.Was.Kind == resolve.Touch {
		f.Holds = q.holds(d)
		return f, q.err
	}
	f.Verdicts = append(f.Verdicts, q.verdict(f.Serving, &f.Was))
	for _, id := range resolve.IDs() {
		if q.panel.Shadows.Has(id) {
			f.Verdicts = append(f.Verdicts, q.verdict(id, &f.Was))
		}
	}
	if q.err != nil {
		return nil, q.err
	}
	return f, nil
}

// disputed fills in what is known of a dot that was given twice.
func (r *Reader) disputed(f *Fate) (err error) {
	ops, err := r.store.ConflictsOf(f.Dot)
	if err == nil {
		f.SettledBy, _, err = r.store.SettledBy(f.Dot)
	}
	for _, op := range ops {
		c := Content{op.Key, Write{Dot: op.Dot, Kind: op.Kind, Value: truncate(op.Value, r.cfg.Value), Size: len(op.Value), Delta: op.Delta.Clamp(), Expires: op.Expires}}
		if op.IsExpiry() {
			c.Ended = op.Expired
		}
		c.Wall, c.HLC, c.Lamport = op.Stamps()
		f.Elsewhere = append(f.Elsewhere, c)
	}
	if err != nil {
		return fmt.Errorf("ask about %s: %w", f.Dot, err)
	}
	return nil
}

// find is the key of d, from the log, else from the ledger.
func (r *Reader) find(d logical.Dot) (k Knowledge, key string, known bool, err error) {
	op, ok, err := r.store.Op(d)
	if err != nil {
		return 0, "", false, err
	}
	if ok {
		return Here, op.Key, true, nil
	}
	if k = r.unknown(d); k != Forgotten {
		return k, "", false, nil
	}
	key, known, err = r.ledger.KeyOf(d)
	return k, key, known, err
}

func (r *Reader) unknown(d logical.Dot) Knowledge {
	switch {
	case r.cfg.Applied.Covers(d):
		return Forgotten
	case r.cfg.OutOfReach != nil && r.cfg.OutOfReach(d):
		return Unreplicated
	case r.cfg.Applied.At(d.Origin) > 0:
		return Ahead
	}
	return UnknownOrigin
}

func (q *question) verdict(id resolve.ID, w *Write) Verdict {
	v := Verdict{Resolver: id, State: Unclear}
	switch {
	case id == resolve.Counter:
		q.counted(&v, w)
	case q.shows(id, w.Dot):
		v.State = Live
	default:
		q.gone(&v, w)
	}
	if !v.By.IsZero() {
		v.ByWrite = q.write(v.By)
	}
	return v
}

func (q *question) shows(id resolve.ID, d logical.Dot) bool {
	return slices.Contains(q.survivors(id), d)
}

// gone says what became of a write that does not survive.
func (q *question) gone(v *Verdict, w *Write) {
	rows, duplicates := q.losses(w.Dot), q.duplicatesOf(w.Dot)
	if i := slices.IndexFunc(rows, func(l resolve.Loss) bool { return l.Resolver == v.Resolver }); i >= 0 {
		d := q.lossRecord(rows[i])
		v.State, v.By, v.LossRecord = Lost, d.Winner, &d
		return
	}
	if i := slices.IndexFunc(duplicates, func(t logical.Dot) bool { return q.shows(v.Resolver, t) }); i >= 0 {
		v.State, v.By = Doubled, duplicates[i]
		return
	}
	if v.Resolver == resolve.Siblings && w.Kind == resolve.Delete {
		v.State = Merged
		return
	}
	if v.Resolver.Loses() && !q.absenceCounts(v, w) {
		return
	}
	by, ok := q.overwriter(v.Resolver, w.Dot)
	if !ok {
		if t := q.duplicate(w.Dot, func(t logical.Dot) bool { _, seen := q.overwriter(v.Resolver, t); return seen }); !t.IsZero() {
			v.State, v.By = Doubled, t
		}
		v.Bounded = q.steps <= 0
		return
	}
	v.State, v.By, v.Hidden = Superseded, by.dot, by.hidden
	if w := q.write(by.dot); w.Kind == resolve.Delete {
		v.State = Deleted
	}
}

func (q *question) counted(v *Verdict, w *Write) {
	if w.Kind == resolve.Delete {
		v.State = Merged
		return
	}
	switch s, doubled := q.share(w.Dot); {
	case s == nil:
		v.State = Deleted
	case doubled:
		v.State = Doubled
		v.By = q.duplicate(w.Dot, func(t logical.Dot) bool { s, doubled := q.share(t); return s != nil && !doubled })
	default:
		v.State = Merged
	}
}
