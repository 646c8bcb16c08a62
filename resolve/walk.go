package resolve

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve/internal/dotset"
)

// reach is from where a walk has reached an op.
type reach uint8

const (
	above reach = 1 << iota // it is a survivor or an ancestor of one
	below                   // it is a beaten version or an ancestor of one
)

// walk goes down ancestries, newest first, like a search for the merge base of
// two branches. Lamport stamps fall along every parent edge; only from one dot
// of a request to the other may they rise.
//
// One walk after the other uses the same memory.
type walk struct {
	*Folding
	dotset.Index
	nodes          []node // by the index of the dot
	queue          []int  // a heap of nodes: the greatest Lamport stamp first, then the smallest dot
	lost           []int
	onlyBelowCount int // nodes that only lie below
	openBelow      int // those among them that are queued
}

type node struct {
	dot     logical.Dot
	lamport logical.Lamport
	op      *Op  // nil: not read yet, or no longer in the log
	read    bool // the log was asked for op
	gone    bool // neither log nor object hold it any more: it is left out
	from    reach
	queued  bool
}

// inverted is what was decided when node i's op was accepted. A version that outlived its
// log entry was never beaten before.
func (w *walk) inverted(i int) Mask {
	if op := w.op(i); op != nil {
		return op.Inverted
	}
	return 0
}

// op is node i's, nil when the log has it no more. The log is asked only for nodes that
// the walk takes: it never takes most of many survivors.
func (w *walk) op(i int) *Op {
	n := &w.nodes[i]
	if !n.read {
		n.op, _ = w.History.Op(n.dot)
		n.read = true
	}
	return n.op
}

// begin forgets the last walk.
func (w *walk) begin(f *Folding) {
	w.release()
	w.Folding = f
}

// rest lets go of the ops that were walked over.
func (w *walk) release() {
	clear(w.nodes)
	w.Index.Release()
	w.Folding, w.onlyBelowCount, w.openBelow = nil, 0, 0
	w.nodes, w.queue, w.lost = dotset.Reuse(w.nodes), dotset.Reuse(w.queue), dotset.Reuse(w.lost)
}

// onlyBelow lists, by dot, the nodes of what gone holds or has seen and left neither
// holds nor has seen. The list is the walk's own memory.
//
// The newest comes first, so whatever is above an op has been taken before it:
// the walk ends when nothing queued lies only below. Where two dots may be one
// write, an older op can still lead up to a newer one, and it ends when nothing
// at all lies only below, or at the end of the log.
func (w *walk) onlyBelow(gone, left []logical.Dot) []int {
	w.markAll(left, above)
	w.markAll(gone, below)
	for w.openBelow > 0 || w.Object.Duplicates && w.onlyBelowCount > 0 && len(w.queue) > 0 {
		w.next()
	}
	for i := range w.nodes {
		if w.nodes[i].from == below {
			w.lost = append(w.lost, i)
		}
	}
	slices.SortFunc(w.lost, func(a, b int) int { return w.nodes[a].dot.Compare(w.nodes[b].dot) })
	return w.lost
}

// sees reports whether one of the versions wanted is among dots or what they
// have seen.
func (w *walk) sees(dots, wanted []logical.Dot) bool {
	floor, sought := ^logical.Lamport(0), dotset.Of(wanted)
	for _, d := range wanted {
		i, _ := w.Object.Find(d)
		floor = min(floor, w.Object.Versions[i].Lamport)
	}
	w.markAll(dots, below)
	for len(w.queue) > 0 && (w.Object.Duplicates || w.nodes[w.queue[0]].lamport >= floor) {
		if sought.Has(w.next()) {
			return true
		}
	}
	return false
}

// next takes the newest queued node, marks its parents, and returns its dot.
func (w *walk) next() logical.Dot {
	i := w.pop()
	n := w.nodes[i]
	w.nodes[i].queued = false
	if n.from == below {
		w.openBelow--
	}
	if op := w.op(i); op != nil {
		w.markAll(op.Parents, n.from)
	}
	return n.dot
}

func (w *walk) markAll(dots []logical.Dot, r reach) {
	for _, d := range dots {
		w.mark(d, r)
	}
}

// mark reaches d from r, and queues it if that is news.
func (w *walk) mark(d logical.Dot, r reach) {
	i := w.node(d)
	if n := &w.nodes[i]; n.gone || n.from&r == r {
		return
	}
	w.put(i, w.nodes[i].from|r)
	for _, t := range w.duplicates(d) {
		w.mark(t, r)
	}
}

// put gives node i its new reach and queues it.
func (w *walk) put(i int, r reach) {
	n := &w.nodes[i]
	if n.from == below {
		w.onlyBelowCount--
		if n.queued {
			w.openBelow--
		}
	}
	n.from = r
	if r == below {
		w.onlyBelowCount++
		w.openBelow++
	}
	if !n.queued {
		n.queued = true
		w.push(i)
	}
}

// node is d's.
func (w *walk) node(d logical.Dot) int {
	i, ok := w.Find(d)
	if ok {
		return i
	}
	n := node{dot: d}
	if at, live := w.Object.Find(d); live {
		n.lamport = w.Object.Versions[at].Lamport
	} else if op, logged := w.History.Op(d); logged {
		n.op, n.read, n.lamport = op, true, op.Lamport
	} else {
		n.gone = true
	}
	w.nodes = append(w.nodes, n)
	return w.Add(d)
}

// isAbove reports whether a survivor is d, which was walked over, or has seen it.
func (w *walk) isAbove(d logical.Dot) bool {
	i, _ := w.Find(d)
	return w.nodes[i].from&above != 0
}

// newer is the order of the queue. No two nodes are equal in it.
func (w *walk) newer(i, j int) bool {
	a, b := &w.nodes[i], &w.nodes[j]
	return cmp.Or(cmp.Compare(b.lamport, a.lamport), a.dot.Compare(b.dot)) < 0
}

// push and pop keep the queue a binary heap. Most queues hold one or two nodes,
// and package heap would box each.
func (w *walk) push(n int) {
	w.queue = append(w.queue, n)
	for i := len(w.queue) - 1; i > 0; {
		up := (i - 1) / 2
		if !w.newer(w.queue[i], w.queue[up]) {
			return
		}
		w.queue[i], w.queue[up] = w.queue[up], w.queue[i]
		i = up
	}
}

func (w *walk) pop() int {
	first, last := w.queue[0], len(w.queue)-1
	w.queue[0] = w.queue[last]
	w.queue = w.queue[:last]
	for i := 0; 2*i+1 < last; {
		down := 2*i + 1
		if down+1 < last && w.newer(w.queue[down+1], w.queue[down]) {
			down++
		}
		if !w.newer(w.queue[down], w.queue[i]) {
			break
		}
		w.queue[i], w.queue[down] = w.queue[down], w.queue[i]
		i = down
	}
	return first
}
