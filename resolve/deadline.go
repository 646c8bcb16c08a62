package resolve

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve/internal/mix"
	"kvd/wallclock"
)

// A deadline is stated about versions: by the op that made one, and by every Touch
// that names it. Of several statements the one with the greatest stamp holds. A
// Touch removes nothing and adds nothing, so no resolver judges it. A version that is
// gone stays gone: the new value that replaced it has the deadline that its own author
// gave it.
//
// A counter has one deadline, that of the key. Each origin's share keeps the statements
// made about it, and of all of them the greatest holds. A share that replaces another
// inherits its statements; a deletion removes the statements about what it takes away.
//
// So a statement ends with what it speaks of. Suppose that a counter is given a
// deadline and expires at one leader, while another leader, which was cut off and has
// not heard of it, adds to the counter. The addition stays, because nobody who took the
// count away had seen it, and it has no deadline: the key then shows what Redis shows
// after an INCR that follows the end. A statement that outlived what it speaks of would
// end additions whose authors never saw the expired key, and every expiry would have to
// be kept for ever for it. Whoever counts in windows states the deadline with every
// addition (EXPIRE key seconds NX).

// Stamp ranks statements about deadlines.
type Stamp struct {
	HLC logical.HLC
	By  logical.Dot // the op that stated it; zero: nobody did
}

// Deadline is one statement about an origin's share of a counter.
type Deadline struct {
	Seq     logical.Seq       // the newest op of the share that its author had been shown
	Expires wallclock.Instant // zero: never
	Stamp   Stamp
}

// after reports whether s holds against t. A hash breaks ties of equal stamps, as it
// does for versions.
func (s *Stamp) after(key string, t *Stamp) bool {
	return cmp.Or(s.HLC.Compare(t.HLC), cmp.Compare(mix.Of(key, s.By), mix.Of(key, t.By)), s.By.Compare(t.By)) > 0
}

// Statement is what the op states about a deadline; false: nothing.
func (o *Op) Statement() (Stamp, bool) {
	switch {
	case !o.Stated.By.IsZero():
		return o.Stated, true
	case o.Kind == Touch || o.Kind != Delete && o.Expires != 0:
		return Stamp{o.HLC, o.Dot}, true
	}
	return Stamp{}, false
}

// Rank completes the draft of an op that has been stamped. What the op states holds
// against every statement that its leader had applied, even one whose stamp the leader's
// hybrid clock refused. A Put without a deadline states so only where there was another
// statement.
func (o *Op) Rank() {
	seen := o.Stated.HLC
	switch {
	case !o.Stated.By.IsZero(): // it repeats what its author had been shown
	case o.Kind == Delete || o.Kind == Add && o.Expires == 0:
		o.Stated = Stamp{}
	case seen.Compare(o.HLC) >= 0:
		o.Stated = Stamp{seen.Next(0), o.Dot}
	case o.Kind == Put && o.Expires == 0 && seen != logical.HLC{}:
		o.Stated = Stamp{o.HLC, o.Dot}
	default:
		o.Stated = Stamp{}
	}
}

// newestStatement is the greatest hybrid stamp among the statements about o's versions.
func (o *Object) newestStatement() (newest logical.HLC) {
	see := func(h logical.HLC) {
		if h.Compare(newest) > 0 {
			newest = h
		}
	}
	for i := range o.Versions {
		v := &o.Versions[i]
		if v.Touched != nil {
			see(v.Touched.HLC)
		}
		for j := range v.Count.Deadlines {
			see(v.Count.Deadlines[j].Stamp.HLC)
		}
	}
	return newest
}

// keepDeadline gives op the deadline that its author had been shown, if any.
func (p Panel) keepDeadline(o *Object, op *Op, now wallclock.Instant) {
	if p.Serving == Counter {
		if e, ok := o.Deadline(); ok && e.Expires > now {
			op.Expires, op.Stated = e.Expires, e.Stamp
		}
		return
	}
	var buf [8]int
	for _, i := range p.Survivors(o, p.Serving, buf[:0]) {
		v := &o.Versions[i]
		switch {
		case v.Deleted() || v.Expired(now):
			continue
		case v.Expires == 0:
		case v.Touched != nil:
			op.Expires, op.Stated = v.Expires, *v.Touched
		default:
			op.Expires, op.Stated = v.Expires, Stamp{v.HLC, v.Dot}
		}
		return
	}
}

// touchable is the dots shown that a Touch speaks of: not deletions, nor what has
// expired.
func (p Panel) touchable(o *Object, now wallclock.Instant) []logical.Dot {
	return slices.DeleteFunc(p.shown(o, nil), func(d logical.Dot) bool {
		i, _ := o.Find(d)
		v := &o.Versions[i]
		return v.Deleted() || p.Serving != Counter && v.Expired(now)
	})
}

// touch folds a Touch into the versions that it names, and into the shares of their
// origins. Few of many versions are shares: an origin has one, and one that is derived.
func (o *Object) touch(op *Op) {
	s, _ := op.Statement()
	var buf [8]int
	shares := buf[:0]
	for i := range o.Versions {
		if o.Versions[i].Mask&(Counter.Mask()|Derived) != 0 {
			shares = append(shares, i)
		}
	}
	for _, d := range op.Parents {
		if i, ok := o.Find(d); ok {
			o.Versions[i].touch(o.Key, op.Expires, &s)
		}
		for _, i := range shares {
			if v := &o.Versions[i]; v.Dot.Origin == d.Origin {
				v.Count.state(o.Key, Deadline{d.Seq, op.Expires, s})
			}
		}
	}
}

// touch sets the version's deadline, unless the statement that it has holds.
func (v *Version) touch(key string, at wallclock.Instant, s *Stamp) {
	if v.Deleted() || v.Mask == Derived || v.Touched != nil && !s.after(key, v.Touched) {
		return
	}
	v.Expires, v.Touched = at, s
}

// state keeps e unless a deletion took away what it speaks of, or another statement
// speaks of as much and holds against it. So it does not matter which came first, the
// deletion or the statement.
func (c *Count) state(key string, e Deadline) {
	holds := func(a, b *Deadline) bool {
		return a.Seq >= b.Seq && (a.Stamp == b.Stamp || a.Stamp.after(key, &b.Stamp))
	}
	if e.Seq <= c.Base.Seq || slices.ContainsFunc(c.Deadlines, func(old Deadline) bool { return holds(&old, &e) }) {
		return
	}
	rest := make([]Deadline, 0, len(c.Deadlines)+1)
	for i := range c.Deadlines {
		if !holds(&e, &c.Deadlines[i]) {
			rest = append(rest, c.Deadlines[i])
		}
	}
	i, _ := slices.BinarySearchFunc(rest, e.Seq, func(e Deadline, s logical.Seq) int { return cmp.Compare(e.Seq, s) })
	c.Deadlines = slices.Insert(rest, i, e)
}

// forget drops the statements about what lies up to the base; nil if none is left,
// so that equal counts are equal bytes.
func (c *Count) forget() {
	n := 0
	for n < len(c.Deadlines) && c.Deadlines[n].Seq <= c.Base.Seq {
		n++
	}
	if c.Deadlines = slices.Clone(c.Deadlines[n:]); len(c.Deadlines) == 0 {
		c.Deadlines = nil
	}
}

// Deadline is the statement that holds about the counter; false: there is none, so it
// never expires.
func (o *Object) Deadline() (Deadline, bool) {
	var best *Deadline
	for i := range o.Versions {
		v := &o.Versions[i]
		if !v.Mask.Has(Counter) {
			continue
		}
		for j := range v.Count.Deadlines {
			if e := &v.Count.Deadlines[j]; best == nil || e.Stamp.after(o.Key, &best.Stamp) {
				best = e
			}
		}
	}
	if best == nil {
		return Deadline{}, false
	}
	return *best, true
}
