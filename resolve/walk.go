package resolve

import (
	"cmp"
	"container/heap"
	"slices"

	"kvd/logical"
)

// reach says from where a walk has come to an op.
type reach uint8

const (
	above reach = 1 << iota // it is a survivor or an ancestor of one
	below                   // it is a beaten version or an ancestor of one
)

// walk goes down ancestries, newest first, like a search for the merge base of
// two branches. Lamport stamps fall along every parent edge; only from one dot
// of a request to the other may they rise.
type walk struct {
	*Folding
	nodes map[logical.Dot]*node
	queue frontline
	alone int // nodes that only lie below
	open  int // those among them that are queued
}

type node struct {
	dot     logical.Dot
	lamport logical.Lamport
	op      *Op // nil: no longer in the log, and a version of the object
	from    reach
	queued  bool
}

// inverted is what the op's birth decided. A version that outlived its log entry
// was never beaten before.
func (n *node) inverted() Mask {
	if n.op == nil {
		return 0
	}
	return n.op.Inverted
}

func newWalk(f *Folding) *walk { return &walk{Folding: f, nodes: map[logical.Dot]*node{}} }

// onlyBelow lists, by dot, what gone holds and has seen, and what left neither
// holds nor has seen.
//
// The newest comes first, so whatever is above an op has been taken before it:
// the walk ends when nothing queued lies only below. Where two dots may be one
// write, an older op can still lead up to a newer one, and it ends when nothing
// at all lies only below, or at the end of the log.
func (w *walk) onlyBelow(gone, left []logical.Dot) []*node {
	w.markAll(left, above)
	w.markAll(gone, below)
	for w.open > 0 || w.Object.Twins && w.alone > 0 && len(w.queue) > 0 {
		w.next()
	}
	var lost []*node
	for _, n := range w.nodes {
		if n.from == below {
			lost = append(lost, n)
		}
	}
	slices.SortFunc(lost, func(a, b *node) int { return a.dot.Compare(b.dot) })
	return lost
}

// sees reports whether one of the versions wanted is among dots or what they
// have seen.
func (w *walk) sees(dots, wanted []logical.Dot) bool {
	floor := ^logical.Lamport(0)
	for _, d := range wanted {
		if i, ok := w.Object.Find(d); ok {
			floor = min(floor, w.Object.Versions[i].Lamport)
		}
	}
	w.markAll(dots, below)
	for len(w.queue) > 0 && (w.Object.Twins || w.queue[0].lamport >= floor) {
		if slices.Contains(wanted, w.next().dot) {
			return true
		}
	}
	return false
}

// next takes the newest queued node and marks its parents.
func (w *walk) next() *node {
	n := heap.Pop(&w.queue).(*node)
	n.queued = false
	if n.from == below {
		w.open--
	}
	if n.op != nil {
		w.markAll(n.op.Parents, n.from)
	}
	return n
}

func (w *walk) markAll(dots []logical.Dot, r reach) {
	for _, d := range dots {
		w.mark(d, r)
	}
}

// mark reaches d from r, and queues it if that is news.
func (w *walk) mark(d logical.Dot, r reach) {
	n := w.node(d)
	if n == nil || n.from&r == r {
		return
	}
	w.put(n, n.from|r)
	for _, t := range w.twins(d) {
		w.mark(t, r)
	}
}

// put gives n its new reach and queues it.
func (w *walk) put(n *node, r reach) {
	if n.from == below {
		w.alone--
		if n.queued {
			w.open--
		}
	}
	n.from = r
	if r == below {
		w.alone++
		w.open++
	}
	if !n.queued {
		n.queued = true
		heap.Push(&w.queue, n)
	}
}

// node is d's, nil when neither log nor object hold it any more: such an op is
// left alone.
func (w *walk) node(d logical.Dot) *node {
	if n, ok := w.nodes[d]; ok {
		return n
	}
	n := &node{dot: d}
	if op, ok := w.History.Op(d); ok {
		n.op, n.lamport = op, op.Lamport
	} else if i, ok := w.Object.Find(d); ok {
		n.lamport = w.Object.Versions[i].Lamport
	} else {
		return nil
	}
	w.nodes[d] = n
	return n
}

func (w *walk) has(d logical.Dot, r reach) bool {
	n := w.nodes[d]
	return n != nil && n.from&r != 0
}

// frontline is a heap of nodes, the greatest Lamport stamp first.
type frontline []*node

func (f frontline) Len() int { return len(f) }
func (f frontline) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(f[j].lamport, f[i].lamport), f[i].dot.Compare(f[j].dot)) < 0
}
func (f frontline) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *frontline) Push(x any)   { *f = append(*f, x.(*node)) }
func (f *frontline) Pop() any {
	old := *f
	n := old[len(old)-1]
	*f = old[:len(old)-1]
	return n
}
