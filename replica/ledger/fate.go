package ledger

import (
	"fmt"
	"strings"

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
	names := [...]string{"", "here", "forgotten", "ahead", "unknown-origin", "unreplicated"}
	if int(k) < len(names) {
		return names[k]
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

var stateNames = [...]string{"", "live", "superseded", "deleted", "lost", "merged", "doubled", "unclear"}

// String names the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
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

// holds reports whether anything of the key ends as the touch d says.
func (q *asked) holds(d logical.Dot) bool {
	for i := range q.object.Versions {
		if v := &q.object.Versions[i]; v.Touched != nil && v.Touched.By == d {
			return true
		}
	}
	e, _ := q.object.Ending()
	return e.Stamp.By == d
}

// Verdict is what one resolver made of the write.
type Verdict struct {
	Resolver   resolve.ID
	State      State
	By         logical.Dot // Superseded, Deleted: the nearest that had seen it; Lost: the winner; Doubled: the other dot
	ByWrite    Write       // of By
	LossRecord *LossRecord // Lost
	// Held says that By's author had not been shown the write: the leader that
	// accepted By held it, and would have shown it under this resolver.
	Held bool
	// Cut says of what is Unclear that the search for it ended at its bound, and not
	// where the log ends.
	Cut bool
}

// Fate asks what became of the write with dot d.
func (a *Account) Fate(d logical.Dot) (*Fate, error) {
	f := &Fate{Dot: d, Leader: a.leader(d.Origin), Now: a.cfg.Now.Midpoint()}
	known := false
	var err error
	if f.Known, f.Key, known, err = a.find(d); err != nil {
		return nil, fmt.Errorf("account for %s: %w", d, err)
	}
	if err := a.disputed(f); err != nil || !known {
		return f, err
	}
	q := a.about(f.Key)
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
func (a *Account) disputed(f *Fate) (err error) {
	of, ok := a.reader.(Disputes)
	if !ok {
		return nil
	}
	ops, err := of.ConflictsOf(f.Dot)
	if err == nil {
		f.SettledBy, _, err = of.SettledBy(f.Dot)
	}
	for _, op := range ops {
		c := Content{op.Key, Write{Dot: op.Dot, Kind: op.Kind, Value: cut(op.Value, a.cfg.Value), Size: len(op.Value), Delta: op.Delta.Clamp(), Expires: op.Expires, Ended: op.Ended}}
		c.Wall, c.HLC, c.Lamport = op.Stamps()
		f.Elsewhere = append(f.Elsewhere, c)
	}
	if err != nil {
		return fmt.Errorf("account for %s: %w", f.Dot, err)
	}
	return nil
}

// find is the key of d, from the log, else from the ledger.
func (a *Account) find(d logical.Dot) (k Knowledge, key string, known bool, err error) {
	op, ok, err := a.reader.Op(d)
	if err != nil {
		return 0, "", false, err
	}
	if ok {
		return Here, op.Key, true, nil
	}
	if k = a.unknown(d); k != Forgotten {
		return k, "", false, nil
	}
	if keeper, ok := a.ledger.(Keeper); ok {
		key, known, err = keeper.KeyOf(d)
	}
	return k, key, known, err
}

// unknown says why there is no op.
func (a *Account) unknown(d logical.Dot) Knowledge {
	switch {
	case a.cfg.Applied.Covers(d):
		return Forgotten
	case a.cfg.OutOfReach != nil && a.cfg.OutOfReach(d):
		return Unreplicated
	case a.cfg.Applied.At(d.Origin) > 0:
		return Ahead
	}
	return UnknownOrigin
}

// verdict asks one resolver.
func (q *asked) verdict(id resolve.ID, w *Write) Verdict {
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

func (q *asked) shows(id resolve.ID, d logical.Dot) bool {
	for _, s := range q.survivors(id) {
		if s == d {
			return true
		}
	}
	return false
}

// gone says what became of a write that does not survive.
func (q *asked) gone(v *Verdict, w *Write) {
	if l, lost := q.row(v.Resolver, w.Dot); lost {
		d := q.lossRecord(l)
		v.State, v.By, v.LossRecord = Lost, d.Winner, &d
		return
	}
	if t, ok := q.shownDuplicate(v.Resolver, w.Dot); ok {
		v.State, v.By = Doubled, t
		return
	}
	if v.Resolver == resolve.Siblings && w.Kind == resolve.Delete {
		v.State = Merged
		return
	}
	if v.Resolver.Loses() && !q.vouched(v, w) {
		return
	}
	by, ok := q.overwriter(v.Resolver, w.Dot)
	if !ok {
		if t, ok := q.seenDuplicate(v.Resolver, w.Dot); ok {
			v.State, v.By = Doubled, t
		}
		v.Cut = q.steps <= 0
		return
	}
	v.State, v.By, v.Held = Superseded, by.dot, by.hidden
	if w := q.write(by.dot); w.Kind == resolve.Delete {
		v.State = Deleted
	}
}

// counted says whether what the write adds is in the sum.
func (q *asked) counted(v *Verdict, w *Write) {
	if w.Kind == resolve.Delete {
		v.State = Merged
		return
	}
	switch s, doubled := q.share(w.Dot); {
	case s == nil:
		v.State = Deleted
	case doubled:
		v.State, v.By = Doubled, q.countedDuplicate(w.Dot)
	default:
		v.State = Merged
	}
}

// Text says it in sentences, the serving resolver's verdict first.
func (f *Fate) Text() string {
	switch f.Known {
	case Forgotten:
		if len(f.Verdicts) > 0 {
			break
		}
		return fmt.Sprintf("%s was applied here, and neither the log nor the ledger holds it any more: what became of it can no longer be told. Ask another leader.", f.Dot)
	case Ahead:
		return fmt.Sprintf("%s has not been applied here yet: it is on its way from %s, or was never accepted.", f.Dot, f.Leader)
	case Unreplicated:
		return fmt.Sprintf("%s is unreplicated: it has not been applied here, and nobody who can be reached is known to have it. %s accepted it, if anybody did; it arrives when that leader comes back with its disk, and else is lost.", f.Dot, f.Leader)
	case UnknownOrigin:
		return fmt.Sprintf("%s is of an origin that this leader has never heard of: nothing that %s accepted has arrived.", f.Dot, f.Leader)
	}
	var b strings.Builder
	key := word([]byte(f.Key))
	switch {
	case f.Was.Kind == 0:
		fmt.Fprintf(&b, "%s wrote %s at %s. The log no longer holds it, and the ledger did not keep its value.\n", f.Dot, key, f.Leader)
	case f.Known == Forgotten:
		fmt.Fprintf(&b, "%s is %s, accepted from %s (clock %s). The log no longer holds it: this is what the ledger has kept.\n", f.Dot, article(f.Was, key), f.Was.whose(), dated(f.Was.Wall.Midpoint(), f.Now))
	default:
		fmt.Fprintf(&b, "%s is %s, accepted from %s (clock %s).\n", f.Dot, article(f.Was, key), f.Was.whose(), dated(f.Was.Wall.Midpoint(), f.Now))
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
		fmt.Fprintf(&b, "The dot was given twice, by a leader and its copy: another leader has %s under it.\n", article(c.Write, word([]byte(c.Key))))
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
			fmt.Fprintf(&b, "%s, which serves the key: %s.\n", v.Resolver, v.Text())
			continue
		}
		fmt.Fprintf(&b, "%s: %s.\n", v.Resolver, v.Text())
	}
	return b.String()
}

// article is the write with its kind and its key.
func article(w Write, key string) string {
	switch w.Kind {
	case resolve.Touch:
		if w.Expires == 0 {
			return "a change of when " + key + " ends: never"
		}
		return "a change of when " + key + " ends: at " + dated(w.Expires, w.Wall.Midpoint())
	case resolve.Delete:
		if w.ended() {
			return "the end of " + key + ": " + w.how(w.Wall.Midpoint())
		}
		return "a deletion of " + key
	case resolve.Add:
		return fmt.Sprintf("an addition of %d to %s, which made it %s", w.Delta, key, w.what())
	}
	return fmt.Sprintf("a write of %s to %s", w.what(), key)
}

// Text is the verdict as a clause.
func (v *Verdict) Text() string {
	switch v.State {
	case Live:
		return "live"
	case Superseded:
		if v.Held {
			return fmt.Sprintf("superseded by %s (%s): had %s served, its author would have been shown it", v.ByWrite.from(), v.By, v.Resolver)
		}
		return fmt.Sprintf("superseded by %s (%s), whose author had been shown it", v.ByWrite.from(), v.By)
	case Deleted:
		if v.By.IsZero() {
			return "deleted by one who had seen it"
		}
		if v.ByWrite.ended() {
			return fmt.Sprintf("gone (%s): %s", v.By, v.ByWrite.how(v.ByWrite.Wall.Midpoint()))
		}
		return fmt.Sprintf("deleted by %s (%s), who had been shown it", v.ByWrite.whose(), v.By)
	case Lost:
		text := fmt.Sprintf("lost to %s (%s)%s: %s", v.LossRecord.against(), v.By, v.LossRecord.knowing(), v.LossRecord.Why.Text())
		if v.LossRecord.NoRow != "" {
			text += "; " + v.LossRecord.NoRow
		}
		return text
	case Merged:
		return "merged: it has its part in what the key shows"
	case Doubled:
		return fmt.Sprintf("its request counts once, as %s", v.By)
	}
	if v.Cut {
		return "unclear: it does not survive, and whether anybody had seen it lies too far back to tell"
	}
	return "unclear: it does not survive, and what would say who had seen it is no longer in the log"
}
