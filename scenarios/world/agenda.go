package world

import (
	"container/heap"
	"time"
)

// agenda is what will happen, by true time; at one instant, in the order it was
// entered.
type agenda struct {
	now     time.Duration
	entered uint64
	items   itemHeap
}

type item struct {
	at    time.Duration
	order uint64
	do    func()
}

// at enters something for true time t, or for now if t has passed.
func (a *agenda) at(t time.Duration, do func()) {
	a.entered++
	heap.Push(&a.items, item{at: max(t, a.now), order: a.entered, do: do})
}

// after enters something d from now.
func (a *agenda) after(d time.Duration, do func()) { a.at(a.now+d, do) }

// next does the first thing due until end, and reports whether there was one.
func (a *agenda) next(end time.Duration) bool {
	if len(a.items) == 0 || a.items[0].at > end {
		return false
	}
	it := heap.Pop(&a.items).(item)
	a.now = it.at
	it.do()
	return true
}

type itemHeap []item

func (h itemHeap) Len() int { return len(h) }
func (h itemHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}
func (h itemHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *itemHeap) Push(x any)   { *h = append(*h, x.(item)) }
func (h *itemHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = item{}
	*h = old[:len(old)-1]
	return it
}
