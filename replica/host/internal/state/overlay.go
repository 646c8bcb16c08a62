package state

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// Overlay is what is stored with the running batch laid over it. It watches the
// output that the core appends to: every question first takes in what was put
// since the last one, so a fold sees what its own step has put.
type Overlay struct {
	store     *storage.Store
	committed *Committed
	out       *replica.Output
	tamper    Tamper
	seen      int   // puts of out that were taken in
	err       error // the first read that failed; all later answers are worthless

	dirty        []*resolve.Object // in the order in which keys were first put
	counts       []contribution    // what each of them adds to the population, as last put
	lastRead     lastRead
	arena        arena          // of what is read
	spareObjects objects        // of batches that were published
	grown        growth         // how many more keys hold something than before the batch
	weights      []int64        // bytes of what is dirty
	encoded      [][]byte       // what is dirty, as it is stored; empty until the batch is staged
	weight       int64          // of all of it
	objects      map[string]int // indexes in dirty
	log          []logTail      // by origin
	requests     map[request]logical.Dot
	duplicates   map[logical.Dot][]logical.Dot
	ops          map[logical.Dot]*resolve.Op // read from the log; nil: it is not there
	opBytes      int                         // of those
	ledger       ledger

	sealed []*sealed // batches that are written and not known to be durable, oldest first
	spare  []*sealed // to be used again
}

var _ replica.Reader = (*Overlay)(nil)

// lastRead is the object that was last read from below the overlay: whoever puts one
// has just read it.
type lastRead struct {
	key    string
	counts contribution
	object *resolve.Object // nil: nothing was read, or it was given out
}

// logTail is what one origin's log gained, ascending without gaps.
type logTail struct {
	origin logical.Origin
	ops    []*resolve.Op
}

type request struct{ client, number uint64 }

// maxCachedOps is how many ops that were read are held on to within a batch: folding
// asks for the same one under each resolver. They take maxCachedOpBytes at most.
const maxCachedOps, maxCachedOpBytes = 1024, 8 << 20

// Tamper may replace what is put, and drops it by nil. It is for tests alone.
type Tamper interface {
	Put(p replica.Put) replica.Put
}

// NewOverlay lays what is appended to out over the committed state. A nil tamper is
// the rule.
func NewOverlay(committed *Committed, out *replica.Output, tamper Tamper, o Ledger) (*Overlay, error) {
	v := &Overlay{store: committed.Store, committed: committed, out: out, tamper: tamper,
		objects:    map[string]int{},
		requests:   map[request]logical.Dot{},
		duplicates: map[logical.Dot][]logical.Dot{},
		ops:        map[logical.Dot]*resolve.Op{},
	}
	return v, v.ledger.open(committed, o)
}

// Begin starts a new batch, whose puts are appended to out.
func (v *Overlay) Begin(out *replica.Output) { v.out, v.seen = out, 0 }

// Skip leaves out what was put since the last question.
func (v *Overlay) Skip() { v.seen = len(v.out.Puts) }

// Err is the first read that failed: nothing that was answered since is to be used.
func (v *Overlay) Err() error { return v.err }

// Bytes is how many bytes of values the batch's objects take.
func (v *Overlay) Bytes() int64 { return v.weight }

// Stage puts into the batch what is written once however many steps put it: objects,
// and what the ledger became.
func (v *Overlay) Stage(b *storage.Batch, m wallclock.Moment) error {
	for _, o := range v.dirty {
		v.encoded = append(v.encoded, b.PutObject(o))
	}
	v.applyLedger(b, m)
	return v.err
}

// clear begins a batch of which nothing is known.
func (v *Overlay) clear() {
	v.counts, v.log, v.lastRead = v.counts[:0], nil, lastRead{}
	v.weights, v.weight = v.weights[:0], 0
	clear(v.requests)
	clear(v.duplicates)
	clear(v.ops)
	v.opBytes = 0
	v.ledger.clear()
}

// CatchUp takes in the puts that were appended since the last question.
func (v *Overlay) CatchUp() error {
	v.catchUp()
	return v.err
}

func (v *Overlay) catchUp() {
	for ; v.seen < len(v.out.Puts); v.seen++ {
		p := v.out.Puts[v.seen]
		if v.tamper != nil {
			p = v.tamper.Put(p)
			v.out.Puts[v.seen] = p
		}
		v.take(p)
	}
}

func (v *Overlay) take(p replica.Put) {
	switch p := p.(type) {
	case replica.PutOp:
		t := v.tail(p.Op.Dot.Origin)
		t.ops = append(t.ops, p.Op)
	case replica.PutObject:
		v.takeObject(p.Object)
	case replica.PutRequest:
		v.requests[request{p.Client, p.Number}] = p.Dot
	case replica.PutDuplicates:
		for _, d := range p.Dots {
			v.duplicates[d] = p.Dots
		}
	case replica.PutLoss:
		v.insertLoss(&p)
	case replica.DropLoss:
		v.retractLoss(p.Resolvers, losses.ID{Key: p.Key, Loser: p.Loser})
	}
}

func (v *Overlay) takeObject(o *resolve.Object) {
	counts, weight := v.committed.contributes(o), valueBytes(o)
	if i, ok := v.objects[o.Key]; ok {
		v.grow(&v.counts[i], &counts)
		v.weight += weight - v.weights[i]
		v.dirty[i], v.counts[i], v.weights[i] = o, counts, weight
		return
	}
	if v.lastRead.key != o.Key {
		v.stored(o.Key)
	}
	v.grow(&v.lastRead.counts, &counts)
	v.objects[o.Key] = len(v.dirty)
	v.dirty, v.counts = append(v.dirty, o), append(v.counts, counts)
	v.weights, v.weight = append(v.weights, weight), v.weight+weight
}

// grow counts a key that contributed one thing and contributes another.
func (v *Overlay) grow(was, is *contribution) {
	v.grown.population = v.grown.plus(is.population).less(was.population)
	if was.expires == is.expires {
		return
	}
	v.grown.moved = append(v.grown.moved, expiry{was.expires, -1}, expiry{is.expires, 1})
}

// valueBytes is how many bytes of values the object takes.
func valueBytes(o *resolve.Object) (bytes int64) {
	for i := range o.Versions {
		bytes += int64(len(o.Versions[i].Value))
	}
	return bytes
}

// tail is where the origin's new ops are.
func (v *Overlay) tail(o logical.Origin) *logTail {
	i, ok := v.findTail(o)
	if !ok {
		v.log = slices.Insert(v.log, i, logTail{origin: o})
	}
	return &v.log[i]
}

func (v *Overlay) findTail(o logical.Origin) (int, bool) {
	return slices.BinarySearchFunc(v.log, o, func(t logTail, o logical.Origin) int { return cmp.Compare(t.origin, o) })
}

// staged is the origin's new ops.
func (v *Overlay) staged(o logical.Origin) []*resolve.Op {
	if i, ok := v.findTail(o); ok {
		return v.log[i].ops
	}
	return nil
}

// Object is the key's object. A fold changes it, so the first one of a batch is decoded for
// it. Until the commit nobody reads the batch's own, and whoever changes it puts it
// again. A key with many versions that peers fill up costs no copy for each.
func (v *Overlay) Object(key string) *resolve.Object {
	v.catchUp()
	if i, ok := v.objects[key]; ok {
		return v.dirty[i]
	}
	o := v.stored(key)
	v.lastRead.object = nil // it is the caller's
	return o
}

// stored is the key's object below the overlay, decoded before or now. Whoever changes it
// takes it out of lastRead.
func (v *Overlay) stored(key string) *resolve.Object {
	if v.lastRead.object != nil && v.lastRead.key == key {
		return v.lastRead.object
	}
	o := v.written(key)
	if o == nil {
		o = v.committed.object(key, &v.arena, &v.spareObjects)
	}
	if o == nil {
		var err error
		if o, err = v.store.Object(key); v.fail(err) {
			return &resolve.Object{Key: key}
		}
		if len(o.Versions) > 0 {
			v.committed.keep(o, nil)
		}
	}
	v.lastRead = lastRead{key, v.committed.contributes(o), o}
	return o
}

// Readable is nil unless what is stored of the key cannot be read. What it reads
// is not read again for the step that follows.
func (v *Overlay) Readable(key string) error {
	if _, ok := v.objects[key]; ok || v.err != nil {
		return nil
	}
	v.stored(key)
	err := v.err
	v.err = nil
	return err
}

// Op is the op with dot d.
func (v *Overlay) Op(d logical.Dot) (*resolve.Op, bool) {
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
	bytes := 0
	if op != nil {
		bytes = op.Size()
	}
	if len(v.ops) < maxCachedOps && v.opBytes+bytes <= maxCachedOpBytes {
		v.ops[d] = op
		v.opBytes += bytes
	}
	return op, ok
}

// isStaged reports whether the op with dot d came with the running batch.
func (v *Overlay) isStaged(d logical.Dot) bool {
	ops := v.staged(d.Origin)
	return len(ops) > 0 && d.Seq >= ops[0].Dot.Seq
}

// Ops is the stored beginning and, if the bounds allow it, the staged end.
func (v *Overlay) Ops(origin logical.Origin, from logical.Seq, maxOps, maxBytes int) []*resolve.Op {
	v.catchUp()
	staged := v.staged(origin)
	var ops []*resolve.Op
	if len(staged) == 0 || from < staged[0].Dot.Seq {
		if from < v.store.Log().First(origin) {
			return nil
		}
		var err error
		if ops, err = v.store.Ops(origin, from, maxOps, maxBytes); v.fail(err) {
			return nil
		}
		if len(ops) > 0 && ops[0].Dot.Seq != from { // it was removed meanwhile
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
		maxBytes -= op.Size()
	}
	next := from + logical.Seq(len(ops))
	for _, op := range staged {
		if op.Dot.Seq != next {
			continue
		}
		if maxBytes -= op.Size(); len(ops) >= maxOps || len(ops) > 0 && maxBytes < 0 {
			break
		}
		ops = append(ops, op)
		next++
	}
	return ops
}

// Request is the dot a request was given.
func (v *Overlay) Request(client, number uint64) (logical.Dot, bool) {
	v.catchUp()
	if d, ok := v.requests[request{client, number}]; ok {
		return d, true
	}
	d, ok, err := v.store.Request(client, number)
	return d, ok && !v.fail(err)
}

// Duplicates is all dots of d's request.
func (v *Overlay) Duplicates(d logical.Dot) []logical.Dot {
	v.catchUp()
	if dots, ok := v.duplicates[d]; ok {
		return dots
	}
	dots, err := v.store.Duplicates(d)
	v.fail(err)
	return dots
}

// Sum is what the log of through's origin adds up to, ops of earlier steps included.
func (v *Overlay) Sum(through logical.Dot) (uint64, bool) {
	sum, ok, err := v.store.Sum(through)
	return sum, ok && !v.fail(err)
}

// Same compares what is stored of two ops.
func (v *Overlay) Same(op *resolve.Op) (same, held bool) {
	mine, held := v.Op(op.Dot)
	return held && codec.SameOp(mine, op), held
}

// fail keeps the first error and reports whether there was one.
func (v *Overlay) fail(err error) bool {
	if err != nil && v.err == nil {
		v.err = OnDisk(err)
	}
	return err != nil
}
