package ledger

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

type counted struct {
	ops     []trace // by dot
	sizes   int     // bytes that are charged
	covers  bool    // some op hides what it does not name
	retried map[[2]uint64][]*trace
	ledger  []resolve.Loss
}

// trace is one op without its value. A pass holds very many.
type trace struct {
	dot             logical.Dot
	parents         []logical.Dot
	extra           *extra // nil for most
	kind            resolve.Kind
	live, seen      resolve.Mask
	inverted, other resolve.Mask // in the ledger
}

// extra is what few ops have.
type extra struct {
	request [2]uint64
	hidden  []logical.Dot
	covers  *resolve.Op // where its leader kept no live set: what it hides
}

// What ops and keys are charged, about what they take in memory.
const (
	traceBytes = 96 // of an op, with what a growing list has to spare
	extraBytes = 64
	coverBytes = 512
	dotBytes   = 16
	keyBytes   = 256
	usualTrace = traceBytes + 2*dotBytes + keyBytes/8 // of an op that nobody has seen yet
)

// take holds one op; live says that somebody asks what it hides.
func (k *counted) take(op *resolve.Op, live bool) {
	t := trace{dot: op.Dot, parents: op.Parents, kind: op.Kind}
	k.sizes += traceBytes + dotBytes*len(op.Parents)
	covers := live && op.HidesMore(resolve.Siblings)
	if op.HasRequest() || live && len(op.Hidden) > 0 || covers {
		t.extra = &extra{}
		k.sizes += extraBytes
	}
	if op.HasRequest() {
		t.extra.request = [2]uint64{op.Client, op.Request}
	}
	if live && len(op.Hidden) > 0 {
		t.extra.hidden = op.Hidden
		k.sizes += dotBytes * len(op.Hidden)
	}
	if covers {
		t.extra.covers, k.covers = &resolve.Op{Dot: op.Dot, Panel: op.Panel, Deps: op.Deps, Unseen: op.Unseen}, true
		k.sizes += coverBytes + dotBytes*(op.Deps.Len()+len(op.Unseen))
	}
	k.ops = append(k.ops, t)
}

// index orders what was read, and finds the requests that have several dots.
func (k *counted) index() {
	slices.SortFunc(k.ops, func(a, b trace) int { return a.dot.Compare(b.dot) })
	var asked []*trace
	for i := range k.ops {
		if t := &k.ops[i]; t.extra != nil && t.extra.request[0] != 0 {
			asked = append(asked, t)
		}
	}
	slices.SortFunc(asked, func(a, b *trace) int { return slices.Compare(a.extra.request[:], b.extra.request[:]) })
	for i := 1; i < len(asked); i++ {
		if r := asked[i].extra.request; r == asked[i-1].extra.request {
			if k.retried == nil {
				k.retried = map[[2]uint64][]*trace{}
			}
			if len(k.retried[r]) == 0 {
				k.retried[r] = asked[i-1 : i : i]
			}
			k.retried[r] = append(k.retried[r], asked[i])
		}
	}
}

func (k *counted) find(d logical.Dot) *trace {
	i, ok := slices.BinarySearchFunc(k.ops, d, func(t trace, d logical.Dot) int { return t.dot.Compare(d) })
	if !ok {
		return nil
	}
	return &k.ops[i]
}

// mark finds the survivors and all that they had seen. It reports whether a
// survivor's own op is gone.
func (k *counted) mark(panel resolve.Panel, o *resolve.Object, id resolve.ID) (beyond bool) {
	var queue []*trace
	reach := func(t *trace) {
		if t != nil && !t.seen.Has(id) {
			t.seen |= id.Mask()
			queue = append(queue, t)
		}
	}
	for _, i := range panel.Survivors(o, id, nil) {
		if t := k.find(o.Versions[i].Dot); t != nil {
			t.live |= id.Mask()
			reach(t)
		} else {
			beyond = true
		}
	}
	for i := range k.ops {
		if t := &k.ops[i]; id == resolve.Counter || id == resolve.Siblings && t.kind == resolve.Delete {
			reach(t) // it has its part in a sum, or has deleted what its author saw
		}
	}
	behind := k.coverage(id)
	for len(queue) > 0 {
		t := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, d := range t.parents {
			reach(k.find(d))
		}
		if t.extra == nil {
			continue
		}
		for _, duplicate := range k.retried[t.extra.request] {
			reach(duplicate)
		}
		if id == resolve.Siblings {
			for _, d := range t.extra.hidden {
				reach(k.find(d))
			}
			behind.each(t.extra.covers, reach)
		}
	}
	return beyond
}

// coverage finds what ops cover without naming it, each op once.
type coverage struct {
	logs map[logical.Origin][]trace // what of each origin's ops has not been looked at
	left []*trace                   // looked at, and covered by nobody so far
}

func (k *counted) coverage(id resolve.ID) *coverage {
	c := &coverage{logs: map[logical.Origin][]trace{}}
	if id != resolve.Siblings || !k.covers {
		return c
	}
	from := 0
	for i := range k.ops {
		if o := k.ops[i].dot.Origin; i+1 == len(k.ops) || k.ops[i+1].dot.Origin != o {
			c.logs[o], from = k.ops[from:i+1], i+1
		}
	}
	return c
}

// each hands over what op covers and none before it did.
func (c *coverage) each(op *resolve.Op, reach func(*trace)) {
	if op == nil {
		return
	}
	for o, log := range c.logs {
		n := 0
		for n < len(log) && log[n].dot.Seq <= op.Deps.At(o) {
			c.left = append(c.left, &log[n])
			n++
		}
		c.logs[o] = log[n:]
	}
	c.left = slices.DeleteFunc(c.left, func(u *trace) bool {
		if !op.Covers(u.dot) {
			return false
		}
		reach(u)
		return true
	})
}
