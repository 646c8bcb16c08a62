package replay

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/replay/merge"
	"kvd/wallclock"
)

// Caveat is printed with every result.
const Caveat = "This is the recorded history judged by other rules, not what would have happened: under another rule clients would have been shown other values and might have written something else."

// Config is what a replay depends on, beside the ops.
type Config struct {
	// Policy says which resolver serves a key: its final values are what the
	// others' are compared with. It also says who was on the panel while the
	// history was made: for their resolvers the ops say what was inverted on
	// acceptance, for all others it is worked out.
	Policy resolve.Policy
	// Resolvers is who shall judge, beside the one that serves.
	Resolvers resolve.Mask
	// Now is the time at which the final values are read; zero: none has expired.
	Now wallclock.Instant
	// Differences is how many differing keys each resolver lists at most; the
	// rest are counted.
	Differences int
	// Each is told of every op, in the order in which they came, where it survives, where
	// it is lost, and of these where it was inverted; nil: nobody is.
	Each func(op int, live, lost, inverted resolve.Mask)
	// Size is what an object takes without its key and values, in bytes; nil:
	// bytes are not counted. The object is lent.
	Size func(*resolve.Object) int
}

// Validate says what is wrong with the first setting that makes no sense. It
// sorts the policy's rules.
func (c *Config) Validate() error {
	switch {
	case c.Resolvers&^resolve.All != 0:
		return fmt.Errorf("replay: resolvers %#x are not in the table; name known ones", c.Resolvers&^resolve.All)
	case c.Differences < 0:
		return errors.New("replay: Differences is negative; say how many to list")
	}
	return c.Policy.Validate()
}

// Replay folds ops, which must come in an order that respects causality, through
// every resolver asked for. Ops are not kept; their values are while they
// survive. It fails when the order cannot be causal.
func Replay(c Config, ops iter.Seq[*resolve.Op]) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := newReplayer(c)
	for op := range ops {
		if err := r.apply(op); err != nil {
			return nil, err
		}
	}
	return r.result(), nil
}

// replayer is one replay under way.
type replayer struct {
	cfg         Config
	past        *past
	acceptances *acceptances // nil: every acceptance was recorded
	keys        chunked[keyed]
	peak        [maxResolvers]int
	unrecorded  [maxResolvers]int
	touches     int
	kept        int64 // bytes of versions and values
	folder      resolve.Folder
	scratch     resolve.Op
}

// keyed is one key's state.
type keyed struct {
	object        resolve.Object
	panel         resolve.Panel
	missing       resolve.Mask // who can lose a write and was not on the key's panel
	hiddenUnknown bool         // what was hidden is not known: no live set was on the panel
}

// liveSets is the resolvers that keep a live set.
const liveSets resolve.Mask = 1<<resolve.Interval | 1<<resolve.Siblings | 1<<resolve.Causal

const maxResolvers = 16 // bits of a resolve.Mask

func newReplayer(c Config) *replayer {
	r := &replayer{cfg: c, past: newPast()}
	if c.needsAcceptances() {
		r.acceptances = newAcceptances(r.past)
	}
	return r
}

// needsAcceptances reports whether on some key nobody judged by one of the resolvers
// that can lose a write.
func (c *Config) needsAcceptances() bool {
	for _, id := range resolve.IDs() {
		everywhere := c.Policy.Shadows.Has(id) || c.Policy.Default == id && len(c.Policy.Rules) == 0
		if c.Resolvers.Has(id) && id.Loses() && !everywhere {
			return true
		}
	}
	return false
}

// apply remembers the op, works out its acceptance where that was not recorded, and folds
// it.
func (r *replayer) apply(op *resolve.Op) error {
	if op.Kind == resolve.Touch {
		r.touch(op)
		return nil
	}
	at, err := r.past.add(op)
	if err != nil {
		return err
	}
	r.past.lend()
	k := r.key(op.Key, r.past.entries.at(at).key)
	r.note(op, k)
	r.kept -= weight(&k.object)
	r.past.hide(at, op.Hides(&k.object), op.Key)
	r.fold(op, at, k)
	r.kept += weight(&k.object)
	if len(k.object.Versions) > 1 {
		r.measureShown(k)
	}
	return nil
}

// touch folds what only moves deadlines. It is no write: nobody can lose it to
// another, and no write has seen it.
func (r *replayer) touch(op *resolve.Op) {
	r.touches++
	if n, known := r.past.byKey[op.Key]; known {
		k := r.keys.at(n)
		r.folder.Keep(k.panel, &k.object, op, r.past)
	}
}

// key is a key's state, from now on if it is new.
func (r *replayer) key(name string, n uint32) *keyed {
	if n == r.keys.len() {
		panel := r.cfg.Policy.Panel(name)
		recorded := panel.Mask()
		panel.Shadows = r.cfg.Resolvers &^ panel.Serving.Mask()
		r.keys.append(keyed{object: resolve.Object{Key: name}, panel: panel,
			missing: losing(panel.Mask() &^ recorded), hiddenUnknown: recorded&liveSets == 0})
	}
	return r.keys.at(n)
}

// fold folds the op, and works out its acceptance under resolvers that were on no panel.
func (r *replayer) fold(op *resolve.Op, at opIndex, k *keyed) {
	if r.acceptances != nil {
		r.acceptances.add(op, at)
	}
	missing := r.missing(op, k)
	if missing != 0 && (k.object.Duplicates || len(r.past.duplicates) > 0 && r.paired(at)) {
		r.acceptCopy(op, at, k, missing)
		return
	}
	r.folder.Keep(k.panel, &k.object, op, r.past)
	if missing == 0 {
		return
	}
	o, panel := &k.object, k.panel
	if !r.acceptances.coversAll(op, at) {
		panel = panelOf(missing)
		o = r.acceptances.foldAtLeader(op, at, panel)
	}
	e := r.past.entries.at(at)
	e.inverted = e.inverted&^missing | r.acceptances.inverted(panel, o, op, at, missing)
}

// missing is those who can lose the op and did not judge it where it was accepted.
func (r *replayer) missing(op *resolve.Op, k *keyed) resolve.Mask {
	switch {
	case r.acceptances == nil:
		return 0
	case op.Panel != 0:
		return losing(k.panel.Mask() &^ op.Panel)
	}
	return k.missing
}

// acceptCopy folds an op of a key where some request has several dots. Then only the
// resolvers themselves can say under which of them it was inverted on acceptance. The op
// is shared, so a copy of it is marked.
func (r *replayer) acceptCopy(op *resolve.Op, at opIndex, k *keyed, missing resolve.Mask) {
	r.scratch = *op
	r.scratch.Inverted &^= missing
	if r.acceptances.coversAll(op, at) {
		r.folder.Accept(k.panel, &k.object, &r.scratch, r.past, nil)
	} else {
		r.scratch.Inverted |= r.acceptances.accept(op, at, missing)
		r.folder.Keep(k.panel, &k.object, op, r.past)
	}
	r.past.entries.at(at).inverted = r.scratch.Inverted
}

func (r *replayer) paired(at opIndex) bool {
	_, ok := r.past.duplicates[at]
	return ok
}

// losing is those of m that can lose a write.
func losing(m resolve.Mask) resolve.Mask {
	for _, id := range resolve.IDs() {
		if !id.Loses() {
			m &^= id.Mask()
		}
	}
	return m
}

// note counts missing evidence. An op that says who judged it has all. Others name as
// hidden what some live set on their panel held; without one there is nothing to name.
func (r *replayer) note(op *resolve.Op, k *keyed) {
	if op.Panel != 0 {
		return
	}
	if k.hiddenUnknown {
		for _, id := range [...]resolve.ID{resolve.Interval, resolve.Siblings, resolve.Causal} {
			r.unrecorded[id]++
		}
	}
	if op.Kind != resolve.Delete && !op.Delta.IsZero() && op.Total.IsZero() && op.Prev == 0 {
		r.unrecorded[resolve.Counter]++
	}
}

// relation is how the op is lost under id, if it is: its acceptance decided that.
func (e *entry) relation(id resolve.ID) resolve.Relation {
	if e.inverted.Has(id) {
		return resolve.Inverted
	}
	return resolve.Concurrent
}

// measureShown keeps the greatest number of values that a resolver has shown at once. All
// resolvers but these show one.
func (r *replayer) measureShown(k *keyed) {
	var buf [8]int
	for _, id := range [...]resolve.ID{resolve.Interval, resolve.Siblings} {
		if k.panel.Mask().Has(id) {
			r.peak[id] = max(r.peak[id], r.shown(k, k.panel.Survivors(&k.object, id, buf[:0])))
		}
	}
}

// shown counts the values among survivors, those of one request once.
func (r *replayer) shown(k *keyed, survivors []int) int {
	n := 0
	for j, i := range survivors {
		v := &k.object.Versions[i]
		if v.Deleted() || k.object.Duplicates && r.repeats(k, survivors[:j], v.Dot) {
			continue
		}
		n++
	}
	return n
}

func (r *replayer) repeats(k *keyed, before []int, d logical.Dot) bool {
	all := r.past.Duplicates(d)
	return slices.ContainsFunc(before, func(i int) bool { return slices.Contains(all, k.object.Versions[i].Dot) })
}

// Log is what one leader holds of everybody's ops: *storage.Store is one.
type Log = merge.Log

// Merged is the ops of a log in Lamport order, which respects causality.
type Merged = merge.Merged

// Merge is the ops that upTo covers and whose keys begin with prefix, see
// [merge.New].
func Merge(log Log, upTo logical.Frontier, prefix string) *Merged {
	return merge.New(log, upTo, prefix)
}
