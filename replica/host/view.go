package host

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
)

// view is what is stored with the running batch laid over it. It watches the
// output that the core appends to: every question first takes in what was put
// since the last one, so a fold sees what its own step has put.
type view struct {
	store  *storage.Store
	shelf  *shelf
	out    *replica.Output
	tamper Tamper
	seen   int   // puts of out that were taken in
	err    error // the first read that failed; all later answers are worthless

	dirty    []*resolve.Object // in the order in which keys were first put
	before   before
	grown    int64          // how many more keys hold something than before the batch
	objects  map[string]int // places in dirty
	log      []tail         // by origin
	requests map[request]logical.Dot
	twins    map[logical.Dot][]logical.Dot
	ops      map[logical.Dot]*resolve.Op // read from the log; nil: it is not there
	ledger   ledger
}

var _ replica.Reader = (*view)(nil)

// before is the object that was last read from below the overlay: whoever puts one
// has just read it.
type before struct {
	key   string
	holds bool
}

// tail is what one origin's log gained, ascending without gaps.
type tail struct {
	origin logical.Origin
	ops    []*resolve.Op
}

type request struct{ client, number uint64 }

// keptOps is how many ops that were read are held on to within a batch: folding
// asks for the same one under each resolver.
const keptOps = 1024

func newView(shelf *shelf, out *replica.Output, tamper Tamper) view {
	return view{store: shelf.store, shelf: shelf, out: out, tamper: tamper,
		objects:  map[string]int{},
		requests: map[request]logical.Dot{},
		twins:    map[logical.Dot][]logical.Dot{},
		ops:      map[logical.Dot]*resolve.Op{},
	}
}

// clear forgets the overlay: the store has it all.
func (v *view) clear() {
	clear(v.dirty)
	v.dirty, v.log, v.grown, v.before = v.dirty[:0], nil, 0, before{}
	clear(v.objects)
	clear(v.requests)
	clear(v.twins)
	clear(v.ops)
	v.ledger.clear()
}

// catchUp takes in the puts that were appended since the last look.
func (v *view) catchUp() {
	for ; v.seen < len(v.out.Puts); v.seen++ {
		p := v.out.Puts[v.seen]
		if v.tamper != nil {
			p = v.tamper.Put(p)
			v.out.Puts[v.seen] = p
		}
		v.take(p)
	}
}

func (v *view) take(p replica.Put) {
	switch p := p.(type) {
	case replica.PutOp:
		t := v.tail(p.Op.Dot.Origin)
		t.ops = append(t.ops, p.Op)
	case replica.PutObject:
		v.takeObject(p.Object)
	case replica.PutRequest:
		v.requests[request{p.Client, p.Number}] = p.Dot
	case replica.PutTwins:
		for _, d := range p.Dots {
			v.twins[d] = p.Dots
		}
	case replica.PutLoss:
		v.book(&p)
	case replica.DropLoss:
		v.withdraw(p.Resolvers, storage.RowID{Key: p.Key, Loser: p.Loser})
	}
}

func (v *view) takeObject(o *resolve.Object) {
	if i, ok := v.objects[o.Key]; ok {
		v.grown += flag(v.shelf.holds(o)) - flag(v.shelf.holds(v.dirty[i]))
		v.dirty[i] = o
		return
	}
	if v.before.key != o.Key {
		v.stored(o.Key)
	}
	v.grown += flag(v.shelf.holds(o)) - flag(v.before.holds)
	v.objects[o.Key] = len(v.dirty)
	v.dirty = append(v.dirty, o)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// tail is where the origin's new ops stand.
func (v *view) tail(o logical.Origin) *tail {
	i, ok := v.findTail(o)
	if !ok {
		v.log = slices.Insert(v.log, i, tail{origin: o})
	}
	return &v.log[i]
}

func (v *view) findTail(o logical.Origin) (int, bool) {
	return slices.BinarySearchFunc(v.log, o, func(t tail, o logical.Origin) int { return cmp.Compare(t.origin, o) })
}

// staged is the origin's new ops.
func (v *view) staged(o logical.Origin) []*resolve.Op {
	if i, ok := v.findTail(o); ok {
		return v.log[i].ops
	}
	return nil
}

// Object is the key's object, a copy of its own: a fold changes it, and others
// may be reading what it was copied from.
func (v *view) Object(key string) *resolve.Object {
	v.catchUp()
	if i, ok := v.objects[key]; ok {
		return v.dirty[i].Clone()
	}
	return v.stored(key).Clone()
}

// stored is the key's object below the overlay, decoded before or now. Nobody
// may change it.
func (v *view) stored(key string) *resolve.Object {
	o := v.shelf.object(key)
	if o == nil {
		var err error
		if o, err = v.store.Object(key); v.fail(err) {
			return &resolve.Object{Key: key}
		}
		v.shelf.keep(o, nil)
	}
	v.before = before{key, v.shelf.holds(o)}
	return o
}

// Op is the op with dot d.
func (v *view) Op(d logical.Dot) (*resolve.Op, bool) {
	v.catchUp()
	if ops := v.staged(d.Origin); len(ops) > 0 && d.Seq >= ops[0].Dot.Seq {
		i := int(d.Seq - ops[0].Dot.Seq)
		if i >= len(ops) {
			return nil, false
		}
		return ops[i], true
	}
	if op, ok := v.ops[d]; ok {
		return op, op != nil
	}
	op, ok, err := v.store.Op(d)
	if v.fail(err) {
		return nil, false
	}
	if len(v.ops) < keptOps {
		v.ops[d] = op
	}
	return op, ok
}

// isStaged reports whether the op with dot d came with the running batch.
func (v *view) isStaged(d logical.Dot) bool {
	ops := v.staged(d.Origin)
	return len(ops) > 0 && d.Seq >= ops[0].Dot.Seq
}

// Ops is the stored beginning and, if there is room, the staged end.
func (v *view) Ops(origin logical.Origin, from logical.Seq, maxOps, maxBytes int) []*resolve.Op {
	v.catchUp()
	staged := v.staged(origin)
	var ops []*resolve.Op
	if len(staged) == 0 || from < staged[0].Dot.Seq {
		var err error
		if ops, err = v.store.Ops(origin, from, maxOps, maxBytes); v.fail(err) {
			return nil
		}
	}
	if len(staged) == 0 {
		return ops
	}
	return extend(ops, staged, from, maxOps, maxBytes)
}

// extend appends the staged ops that follow ops, within the bounds; one at least
// if ops is empty.
func extend(ops, staged []*resolve.Op, from logical.Seq, maxOps, maxBytes int) []*resolve.Op {
	for _, op := range ops {
		maxBytes -= size(op)
	}
	next := from + logical.Seq(len(ops))
	for _, op := range staged {
		if op.Dot.Seq != next {
			continue
		}
		if maxBytes -= size(op); len(ops) >= maxOps || len(ops) > 0 && maxBytes < 0 {
			break
		}
		ops = append(ops, op)
		next++
	}
	return ops
}

func size(op *resolve.Op) int { return len(op.Key) + len(op.Value) }

// Request is the dot a request was given.
func (v *view) Request(client, number uint64) (logical.Dot, bool) {
	v.catchUp()
	if d, ok := v.requests[request{client, number}]; ok {
		return d, true
	}
	d, ok, err := v.store.Request(client, number)
	return d, ok && !v.fail(err)
}

// Twins is all dots of d's request.
func (v *view) Twins(d logical.Dot) []logical.Dot {
	v.catchUp()
	if dots, ok := v.twins[d]; ok {
		return dots
	}
	dots, err := v.store.Twins(d)
	v.fail(err)
	return dots
}

// fail keeps the first error and reports whether there was one.
func (v *view) fail(err error) bool {
	if err != nil && v.err == nil {
		v.err = err
	}
	return err != nil
}
