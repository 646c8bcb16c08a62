package replay

import (
	"fmt"
	"slices"
	"sort"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
)

// opIndex is an op's index in the order of replaying.
type opIndex = uint32

const noOp = ^opIndex(0)

// past is what is remembered of the ops replayed so far. It answers folding's
// questions, so that the ops themselves can be let go.
type past struct {
	entries chunked[entry]
	edges   chunked[opIndex] // parents, then hidden, of each op in turn
	origins []logical.Origin
	logs    [][]opIndex // by origin: its ops, ascending
	keys    []string
	byKey   map[string]uint32

	requests   map[request]opIndex
	duplicates map[opIndex][]opIndex // of each op of a request with several: all of them, by dot
	pairs      [][2]opIndex          // what joins the ops of each such request, in the order found
	wide       map[opIndex]sums      // of ops whose numbers 64 bits do not hold
	beyond     int                   // parents and hidden dots that name no op of the history

	ops  []resolve.Op  // lent to the fold under way, and reused by the next
	dots []logical.Dot // of those
}

// entry is one op without its value.
type entry struct {
	seq      logical.Seq
	lamport  logical.Lamport
	delta    int64
	total    int64   // recorded; or what the op adds, where no counter judged it
	prev     opIndex // where the total was recorded before
	edges    uint32  // where its parents begin
	key      uint32
	origin   uint32
	parents  uint32 // how many
	hidden   uint32
	inverted resolve.Mask
	lost     resolve.Mask // known at the end
	panel    resolve.Mask // who judged where it was accepted
	kind     resolve.Kind
	derived  bool // no counter judged it
}

// sums is an entry's delta and total.
type sums struct{ delta, total number.Int128 }

// request is one of a key: a client that numbers writes to two keys alike has
// made two, and keys do not know of each other.
type request struct {
	client, number uint64
	key            uint32
}

func newPast() *past {
	return &past{byKey: map[string]uint32{}, requests: map[request]opIndex{}, duplicates: map[opIndex][]opIndex{}, wide: map[opIndex]sums{}}
}

// add remembers op, which must come after what it depends on. It fails when the
// order cannot be causal.
func (p *past) add(op *resolve.Op) (opIndex, error) {
	at := opIndex(p.entries.len())
	if at == noOp-1 {
		return 0, fmt.Errorf("replay %s: more than %d ops; replay a part of the keys", op.Dot, at)
	}
	origin := p.origin(op.Dot.Origin)
	log := p.logs[origin]
	if n := len(log); n > 0 && p.entries.at(log[n-1]).seq >= op.Dot.Seq {
		return 0, fmt.Errorf("replay %s: it comes after seq %d of the same origin; replay in causal order", op.Dot, p.entries.at(log[n-1]).seq)
	}
	_, _, lamport := op.Stamps()
	e := entry{seq: op.Dot.Seq, lamport: lamport, delta: op.Delta.Clamp(), origin: origin, key: noOp,
		edges: p.edges.len(), inverted: op.Inverted, kind: op.Kind, panel: op.Panel, prev: noOp}
	total := p.count(op, &e)
	if e.total = total.Clamp(); !op.Delta.Fits() || !total.Fits() {
		p.wide[at] = sums{op.Delta, total}
	}
	e.parents, e.hidden = p.link(op.Parents, op.Key, &e), p.link(op.Hidden, op.Key, &e)
	if e.key == noOp {
		e.key = p.key(op.Key)
	}
	p.logs[origin] = append(log, at)
	p.entries.append(e)
	p.pair(op, at)
	return at, nil
}

// count keeps what a counter asks for, and gives the total.
func (p *past) count(op *resolve.Op, e *entry) number.Int128 {
	if op.Kind == resolve.Delete || op.Kind == resolve.Touch {
		return number.Int128{}
	}
	adds, recorded := op.Adds()
	if e.derived = !recorded; e.derived {
		return adds
	}
	if op.Prev != 0 {
		e.prev, _ = p.find(logical.Dot{Origin: op.Dot.Origin, Seq: op.Prev})
	}
	return op.Total
}

// sums is what the op at an index adds, and its total.
func (p *past) sums(at opIndex) sums {
	if len(p.wide) > 0 {
		if s, wide := p.wide[at]; wide {
			return s
		}
	}
	e := p.entries.at(at)
	return sums{number.Of(e.delta), number.Of(e.total)}
}

// hide enters dots among what the last op had hidden.
func (p *past) hide(at opIndex, dots []logical.Dot, key string) {
	if len(dots) > 0 {
		e := p.entries.at(at)
		e.hidden += p.link(dots, key, e)
	}
}

// link keeps the edges to those of dots that are known ops of the key, and says
// how many. The first of them knows the key's number: it is nearer at hand than
// the table.
func (p *past) link(dots []logical.Dot, key string, e *entry) uint32 {
	n := uint32(0)
	for _, d := range dots {
		at, ok := p.find(d)
		if ok {
			of := p.entries.at(at).key
			if e.key == noOp && p.keys[of] == key {
				e.key = of
			}
			ok = of == e.key
		}
		if !ok {
			p.beyond++
			continue
		}
		p.edges.append(at)
		n++
	}
	return n
}

// pair notices when another leader had accepted the op's request too.
func (p *past) pair(op *resolve.Op, at opIndex) {
	if !op.HasRequest() {
		return
	}
	r := request{op.Client, op.Request, p.entries.at(at).key}
	other, known := p.requests[r]
	if known {
		p.join(other, at)
	}
	if !known || op.Dot.Compare(p.dot(other)) < 0 {
		p.requests[r] = at
	}
}

// join enters an op among those of its request, of which other is one.
func (p *past) join(other, at opIndex) {
	all := slices.Clone(p.duplicates[other])
	if all == nil {
		all = []opIndex{other}
	}
	all = append(all, at)
	slices.SortFunc(all, func(a, b opIndex) int { return p.dot(a).Compare(p.dot(b)) })
	for _, t := range all {
		p.duplicates[t] = all
	}
	p.pairs = append(p.pairs, [2]opIndex{other, at})
}

// origin is the number of an origin, a new one if need be. There are few.
func (p *past) origin(o logical.Origin) uint32 {
	for i := range p.origins {
		if p.origins[i] == o {
			return uint32(i)
		}
	}
	p.origins = append(p.origins, o)
	p.logs = append(p.logs, nil)
	return uint32(len(p.origins) - 1)
}

// key is the number of a key, a new one if need be.
func (p *past) key(k string) uint32 {
	if n, ok := p.byKey[k]; ok {
		return n
	}
	n := uint32(len(p.keys))
	p.keys = append(p.keys, k)
	p.byKey[k] = n
	return n
}

// find is the index of the op with dot d. A log without gaps is found by
// counting; ops of other keys that were left out only bring it nearer.
func (p *past) find(d logical.Dot) (opIndex, bool) {
	for i := range p.origins {
		if p.origins[i] == d.Origin {
			return p.findIn(p.logs[i], d.Seq)
		}
	}
	return noOp, false
}

func (p *past) findIn(log []opIndex, q logical.Seq) (opIndex, bool) {
	if len(log) == 0 || q < p.entries.at(log[0]).seq {
		return noOp, false
	}
	i := int(min(uint64(q-p.entries.at(log[0]).seq), uint64(len(log)-1)))
	if p.entries.at(log[i]).seq != q {
		i = sort.Search(i, func(i int) bool { return p.entries.at(log[i]).seq >= q })
	}
	return log[i], p.entries.at(log[i]).seq == q
}

// dot is the dot of the op at an index.
func (p *past) dot(at opIndex) logical.Dot {
	e := p.entries.at(at)
	return logical.Dot{Origin: p.origins[e.origin], Seq: e.seq}
}

var _ resolve.History = (*past)(nil)

// Op is what folding asks of an op that was replayed: all but value, stamps, deps
// and hidden dots. A put that counts by its value is lent as an addition of that. It is lent until the next [past.lend].
func (p *past) Op(d logical.Dot) (*resolve.Op, bool) {
	at, ok := p.find(d)
	if !ok {
		return nil, false
	}
	e := p.entries.at(at)
	from := len(p.dots)
	for i := range e.parents {
		p.dots = append(p.dots, p.dot(*p.edges.at(e.edges + i)))
	}
	op, sums := p.nextOp(), p.sums(at)
	op.Dot, op.Key, op.Kind, op.Delta, op.Lamport = d, p.keys[e.key], e.kind, sums.delta, e.lamport
	op.Inverted, op.Parents = e.inverted, p.dots[from:len(p.dots):len(p.dots)]
	op.Hidden, op.Client, op.Panel = nil, 0, e.panel
	op.Total, op.Prev = sums.total, 0
	if e.prev != noOp {
		op.Prev = p.entries.at(e.prev).seq
	}
	if e.derived && e.kind == resolve.Put { // its value, which it counts by, is not kept
		op.Kind, op.Delta, op.Total = resolve.Add, sums.total, number.Int128{}
	}
	return op, true
}

// nextOp is the next op to lend. Ops are large: what all of them leave at zero is
// not written again.
func (p *past) nextOp() *resolve.Op {
	if len(p.ops) < cap(p.ops) {
		p.ops = p.ops[:len(p.ops)+1]
	} else {
		p.ops = append(p.ops, resolve.Op{})
	}
	return &p.ops[len(p.ops)-1]
}

// lend begins a fold: what was lent to the last one is taken back.
func (p *past) lend() { p.ops, p.dots = p.ops[:0], p.dots[:0] }

// Duplicates is all dots of d's request, lent like what [past.Op] gives.
func (p *past) Duplicates(d logical.Dot) []logical.Dot {
	if len(p.duplicates) == 0 {
		return nil
	}
	at, ok := p.find(d)
	if !ok {
		return nil
	}
	from := len(p.dots)
	for _, t := range p.duplicates[at] {
		p.dots = append(p.dots, p.dot(t))
	}
	return p.dots[from:len(p.dots):len(p.dots)]
}

// Lost is false: no ledger is kept. What is lost is found at the end, all at
// once, and what survives does not depend on it.
func (p *past) Lost(string, logical.Dot) resolve.Mask { return 0 }

// spread gives every ancestor of a marked op its marks, and what it had hidden
// those of hidden. Parents come before their children, so one walk from the end
// is enough; only duplicates lead back up.
func (p *past) spread(marks []resolve.Mask, hidden resolve.Mask) {
	for at := len(marks) - 1; at >= 0; at-- {
		p.pass(opIndex(at), marks, hidden, nil)
	}
	var queue []opIndex
	for i, a, b := 0, opIndex(0), opIndex(0); i < len(p.pairs); i++ {
		if a, b = p.pairs[i][0], p.pairs[i][1]; marks[a] != marks[b] {
			marks[a] |= marks[b]
			marks[b] = marks[a]
			queue = append(queue, a, b)
		}
	}
	for len(queue) > 0 {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		p.pass(at, marks, hidden, &queue)
		for _, t := range p.duplicates[at] {
			if marks[t]|marks[at] != marks[t] {
				marks[t] |= marks[at]
				queue = append(queue, t)
			}
		}
	}
}

// pass marks what the op at an index had seen, and queues what gets new marks.
func (p *past) pass(at opIndex, marks []resolve.Mask, hidden resolve.Mask, queue *[]opIndex) {
	e := p.entries.at(at)
	for i := range e.parents + e.hidden {
		m := marks[at]
		if i >= e.parents {
			m &= hidden
		}
		to := *p.edges.at(e.edges + i)
		if marks[to]|m == marks[to] {
			continue
		}
		if marks[to] |= m; queue != nil {
			*queue = append(*queue, to)
		}
	}
}

// chunked is a list that grows without moving, so that a million entries cost
// what they take and no more.
type chunked[T any] struct {
	chunks [][]T
	n      uint32
}

const chunk = 1 << 14

func (c *chunked[T]) len() uint32 { return c.n }

func (c *chunked[T]) append(v T) {
	if c.n%chunk == 0 {
		c.chunks = append(c.chunks, make([]T, chunk))
	}
	c.chunks[c.n/chunk][c.n%chunk] = v
	c.n++
}

// at is the entry itself: it may be changed.
func (c *chunked[T]) at(i uint32) *T { return &c.chunks[i/chunk][i%chunk] }
