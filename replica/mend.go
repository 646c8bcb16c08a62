package replica

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// A dot that a leader and its copy gave to two writes is settled by whoever looked at
// both. Leaders that folded the one content differ from those that folded the other,
// and go on to differ whatever is written next: a counter by the running total, a live
// set by what was removed. So a mend begins with a deletion over all of that (see
// [resolve.Panel.DraftMend]) and writes again what shall stand. Each of its ops says
// which dot it settles, and all are accepted in one step.

// Mend says what becomes of a dot with several contents.
type Mend struct {
	// Contents are those that are known: first that of this leader's log.
	Contents []*resolve.Op
	// Chosen is which of them shall stand; [NoContent]: what the keys show here.
	// Contents of other keys are no rivals of it: they stand too, unless something
	// newer does.
	Chosen int
	// Newer says that the chosen one, too, gives way to what is newer.
	Newer bool
}

// NoContent chooses none.
const NoContent = -1

// whole reports whether the mend can be thought about.
func (m *Mend) whole() bool {
	if m == nil || len(m.Contents) < 2 || m.Chosen < NoContent || m.Chosen >= len(m.Contents) {
		return false
	}
	return !slices.ContainsFunc(m.Contents, func(c *resolve.Op) bool { return c.Dot != m.Contents[0].Dot })
}

// Seen is what whoever looked at the contents has seen: a leader that has not applied
// all of it waits.
func (m *Mend) Seen() (t Token) {
	for _, c := range m.Contents {
		t = t.Join(Token{Frontier: c.Deps, Lamport: c.Lamport, HLC: c.HLC})
	}
	t.Lamport = min(t.Lamport, maxLamport)
	return t
}

// keys is the contents' keys; the chosen one's is the last.
func (m *Mend) keys() []string {
	var keys []string
	for _, c := range m.Contents {
		keys = append(keys, c.Key)
	}
	if m.Chosen != NoContent {
		keys = append(keys, m.Contents[m.Chosen].Key)
	}
	slices.Reverse(keys)
	var unique []string
	for _, k := range keys {
		if !slices.Contains(unique, k) {
			unique = append(unique, k)
		}
	}
	slices.Reverse(unique)
	return unique
}

// stands is a value that a mended key is given.
type stands struct {
	value   []byte
	expires wallclock.Instant
}

// mended is one key of a mend: what it is given, and the deletion that comes first.
type mended struct {
	panel  resolve.Panel
	gone   *resolve.Op
	values []stands
}

// settle serves a Settle. Nothing is accepted before all of it is known to be possible.
func (t *turn) settle(q *Request) {
	if err := t.readOnly(q.Verb, q.Key); err != nil {
		t.refuse(q, err)
		return
	}
	var all []mended
	for _, key := range q.Mend.keys() {
		m, err := t.mend(q.Mend, key)
		if err != nil {
			t.refuse(q, fmt.Errorf("%s %.64q: %w", q.Verb, key, err))
			return
		}
		all = append(all, m)
	}
	var last *resolve.Op
	for i := range all {
		last = t.mendKey(&all[i], q.Mend.Contents[0].Dot)
	}
	t.reply(Reply{ID: q.ID, Dot: last.Dot, Over: last.Parents, Wall: last.Wall, Token: t.token()})
}

// mend plans the mend of one key.
func (t *turn) mend(m *Mend, key string) (mended, error) {
	out := mended{panel: t.panel(key)}
	object := t.r.Object(key)
	var contents []*resolve.Op
	for _, c := range m.Contents {
		if c.Key == key {
			contents = append(contents, c)
		}
	}
	if err := t.above(contents); err != nil {
		return out, err
	}
	gone, err := out.panel.DraftMend(object, contents, t.r)
	if err == nil && max(len(gone.Parents), len(gone.Hidden)) > MaxDots {
		err = fmt.Errorf("%w: it would go over %d versions, one op can name %d; merge some of them first", ErrBadRequest, len(gone.Parents)+len(gone.Hidden), MaxDots)
	}
	if err == nil {
		err = t.oversize(&gone)
	}
	if err != nil {
		return out, err
	}
	out.gone = &gone
	if out.panel.Serving == resolve.Counter {
		out.values, err = t.countAgain(m, key, object)
		return out, err
	}
	out.values = t.standAgain(m, key, out.panel, object)
	for _, v := range out.values {
		if err := t.oversize(&resolve.Op{Key: key, Value: v.value, Parents: make([]logical.Dot, 1)}); err != nil {
			return out, err
		}
	}
	return out, nil
}

// above is why what this leader stamps now would not beat the contents everywhere.
func (t *turn) above(contents []*resolve.Op) error {
	for _, c := range contents {
		wall, hlc, lamport := c.Stamps()
		if ahead := wall.Midpoint().Sub(t.m.Wall.Midpoint()); ahead >= 0 {
			return fmt.Errorf("%w: a content of %s was written at a time that this leader's clock reaches only in %s; ask again then, or another leader",
				ErrBehind, c.Dot, ahead)
		}
		if hlc.Compare(t.st.HLC) > 0 && hlc.Wall >= int64(t.m.Wall.Midpoint()) || lamport > t.st.Lamport {
			return fmt.Errorf("%w: a content of %s has a logical stamp that this leader has not reached; ask again later, or another leader", ErrBehind, c.Dot)
		}
	}
	return nil
}

// standAgain is what a key that no counter serves shall show.
func (t *turn) standAgain(m *Mend, key string, panel resolve.Panel, object *resolve.Object) []stands {
	shown := t.standing(panel, object)
	var chosen []stands
	for i, c := range m.Contents {
		if c.Key != key || !m.wants(i) || c.Kind == resolve.Touch {
			continue
		}
		newer, knew := t.newer(panel, object, c)
		switch {
		case !newer || i == m.Chosen && !m.Newer:
			if c.Kind == resolve.Delete {
				return nil
			}
			if v := (stands{c.Value, c.Expires}); c.Expires == 0 || c.Expires > t.now() {
				chosen = append(chosen, v)
			}
			return chosen
		case knew || c.Kind == resolve.Delete || !panel.KeepsSiblings() || c.Expires != 0 && c.Expires <= t.now():
		default:
			shown = addValue(shown, stands{c.Value, c.Expires})
		}
	}
	return shown
}

// wants reports whether the i-th content shall stand: the chosen one, and those of
// other keys.
func (m *Mend) wants(i int) bool {
	return m.Chosen != NoContent && (i == m.Chosen || m.Contents[i].Key != m.Contents[m.Chosen].Key)
}

// standing is the values that the key shows.
func (t *turn) standing(panel resolve.Panel, object *resolve.Object) (all []stands) {
	for _, i := range panel.Survivors(object, panel.Serving, nil) {
		if v := &object.Versions[i]; !v.Deleted() && !v.Expired(t.now()) {
			all = addValue(all, stands{v.Value, v.Expires})
		}
	}
	return all
}

// addValue leaves out what stands there already: the dots of one request are one write.
func addValue(all []stands, v stands) []stands {
	if slices.ContainsFunc(all, func(o stands) bool { return bytes.Equal(o.value, v.value) && o.expires == v.expires }) {
		return all
	}
	return append(all, v)
}

// newer reports whether the key shows something that the author of c had not applied,
// and whether an author of that had applied the dot.
func (t *turn) newer(panel resolve.Panel, object *resolve.Object, c *resolve.Op) (newer, knew bool) {
	for _, d := range panel.Read(object, t.r).Dots {
		if d == c.Dot || c.Deps.Covers(d) {
			continue
		}
		newer = true
		if op, ok := t.r.Op(d); ok && op.Deps.Covers(c.Dot) {
			knew = true
		}
	}
	return newer, knew
}

// countAgain is what a counter shall come to: what it comes to here, with what was
// chosen and without what was not.
func (t *turn) countAgain(m *Mend, key string, object *resolve.Object) ([]stands, error) {
	sum, live := object.Sum()
	end, _ := object.Deadline()
	expired := end.Expires != 0 && end.Expires <= t.now()
	if expired {
		sum, live, end.Expires = resolve.Int128{}, false, 0
	}
	one := false // the sum holds one of the contents, and no more than one
	for _, i := range m.chosenFirst() {
		c := m.Contents[i]
		if c.Key != key || c.Kind == resolve.Touch {
			continue
		}
		newer, _ := t.newer(t.panel(key), object, c)
		if c.Kind != resolve.Add && i == m.Chosen && (!newer || !m.Newer) {
			return t.countFrom(c)
		}
		if c.Kind == resolve.Delete {
			continue
		}
		counted, known := object.Counted(c, i == 0, t.r)
		if expired { // the sum holds nothing of what has expired
			counted, known = false, true
		}
		counted = counted && !one
		one = one || counted
		delta, _ := c.Adds()
		switch {
		case !known:
		case m.wants(i) && !counted:
			sum, live = sum.Plus(delta), true
		case !m.wants(i) && counted:
			sum = sum.Minus(delta)
		}
	}
	if !live {
		return nil, nil
	}
	return []stands{{value: strconv.AppendInt(nil, sum.Clamp(), 10), expires: end.Expires}}, nil
}

// chosenFirst is the places of the contents, those first that shall stand; none if
// what the keys show shall.
func (m *Mend) chosenFirst() (all []int) {
	if m.Chosen == NoContent {
		return nil
	}
	for _, want := range [2]bool{true, false} {
		for i := range m.Contents {
			if m.wants(i) == want {
				all = append(all, i)
			}
		}
	}
	return all
}

// countFrom is what a counter holds after a content that is no addition.
func (t *turn) countFrom(c *resolve.Op) ([]stands, error) {
	if c.Kind == resolve.Delete {
		return nil, nil
	}
	if _, ok := c.Number(); !ok {
		return nil, fmt.Errorf("%w: the content of %s is no number; set the key to what it shall be, and settle the dot as it is shown then", ErrBadRequest, c.Dot)
	}
	return []stands{{value: slices.Clone(c.Value), expires: c.Expires}}, nil
}

// mendKey accepts the ops of one key's mend, and gives the last.
func (t *turn) mendKey(m *mended, settles logical.Dot) *resolve.Op {
	last := m.gone
	last.Settles = settles
	t.accept(m.panel, t.r.Object(last.Key), last)
	for _, v := range m.values {
		object := t.r.Object(m.gone.Key)
		in := resolve.Intent{Kind: resolve.Put, Value: v.value, Expires: v.expires, Now: t.now(), Exact: true, Shown: []logical.Dot{m.gone.Dot}}
		op, err := m.panel.Draft(object, t.st.Origin, in, t.r)
		if err != nil {
			panic("replica: a value that the key held is refused: " + err.Error())
		}
		op.Settles = settles
		last = &op
		t.accept(m.panel, object, last)
	}
	return last
}
