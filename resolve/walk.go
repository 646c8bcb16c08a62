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
	below                   // it is the beaten version or an ancestor of it
)

// walk goes down two ancestries at once, newest first, like a search for the
// merge base of two branches. Lamport stamps fall along every parent edge, so
// the walk ends when no queued op can be above anything that only lies below.
type walk struct {
	history History
	twins   bool // two dots may be one write: walk to the end
	nodes   map[logical.Dot]*node
	queue   frontline
	pending int // queued nodes that only lie below
}

type node struct {
	op     *Op
	from   reach
	queued bool
}

func (a *account) newWalk() *walk {
	return &walk{history: a.history, twins: a.twins, nodes: map[logical.Dot]*node{}}
}

// mark reaches d from r, and queues it if that is news. What the log no longer
// holds is left alone.
func (w *walk) mark(d logical.Dot, r reach) {
	n := w.nodes[d]
	if n == nil {
		op, ok := w.history.Op(d)
		if !ok {
			return
		}
		n = &node{op: op}
		w.nodes[d] = n
	}
	if n.from&r == r {
		return
	}
	w.requeue(n, n.from|r)
	if w.twins {
		if t, ok := w.history.Twin(d); ok {
			w.mark(t, r)
		}
	}
}

// requeue gives n its new reach and keeps count of who only lies below.
func (w *walk) requeue(n *node, r reach) {
	if n.queued && n.from == below {
		w.pending--
	}
	n.from = r
	if r == below {
		w.pending++
	}
	if !n.queued {
		n.queued = true
		heap.Push(&w.queue, n)
	}
}

// run spreads the marks.
func (w *walk) run() {
	floor := logical.Lamport(0)
	for len(w.queue) > 0 && (w.twins || w.pending > 0 || floor > 0 && w.queue[0].op.Lamport > floor) {
		n := heap.Pop(&w.queue).(*node)
		n.queued = false
		if n.from == below {
			w.pending--
			floor = lowest(floor, n.op.Lamport)
		}
		for _, p := range n.op.Parents {
			w.mark(p, n.from)
		}
	}
}

// lowest is the smaller stamp, where zero is none yet.
func lowest(floor, l logical.Lamport) logical.Lamport {
	if floor == 0 {
		return l
	}
	return min(floor, l)
}

func (w *walk) has(d logical.Dot, r reach) bool {
	n := w.nodes[d]
	return n != nil && n.from&r != 0
}

// lost lists the ops that only lie below, by dot.
func (w *walk) lost() []*Op {
	var ops []*Op
	for _, n := range w.nodes {
		if n.from == below {
			ops = append(ops, n.op)
		}
	}
	slices.SortFunc(ops, func(a, b *Op) int { return a.Dot.Compare(b.Dot) })
	return ops
}

// frontline is a heap of nodes, the greatest Lamport stamp first.
type frontline []*node

func (f frontline) Len() int { return len(f) }
func (f frontline) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(f[j].op.Lamport, f[i].op.Lamport), f[i].op.Dot.Compare(f[j].op.Dot)) < 0
}
func (f frontline) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *frontline) Push(x any)   { *f = append(*f, x.(*node)) }
func (f *frontline) Pop() any {
	old := *f
	n := old[len(old)-1]
	*f = old[:len(old)-1]
	return n
}
