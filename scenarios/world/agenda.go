package world

import (
	"cmp"
	"container/heap"
	"time"
)

// agenda is what will happen, by true time; at one instant, in the order it was
// entered. What can bring news is kept apart from what leaders do over and over
// whether or not there is any: their ticks, and the statuses that go between them.
type agenda struct {
	now     time.Duration
	entered uint64
	news    itemHeap
	routine itemHeap
}

type item struct {
	at    time.Duration
	order uint64
	do    func()
}

func (i *item) compare(j *item) int {
	return cmp.Or(cmp.Compare(i.at, j.at), cmp.Compare(i.order, j.order))
}

// at enters something for true time t, or for now if t has passed.
func (a *agenda) at(t time.Duration, do func()) {
	a.entered++
	a.enter(&a.news, t, a.entered, do)
}

// routinely enters something that brings no news.
func (a *agenda) routinely(t time.Duration, do func()) {
	a.entered++
	a.enter(&a.routine, t, a.entered, do)
}

func (a *agenda) enter(h *itemHeap, t time.Duration, order uint64, do func()) {
	heap.Push(h, item{at: max(t, a.now), order: order, do: do})
}

// repeat enters something n times, period apart, as if each time were entered now.
// Only one of them is held at a time.
func (a *agenda) repeat(from, period time.Duration, n int, do func(turn int)) {
	first := a.entered + 1
	a.entered += uint64(n)
	var turn func(i int)
	turn = func(i int) {
		if i == n {
			return
		}
		a.enter(&a.news, from+time.Duration(i)*period, first+uint64(i), func() {
			turn(i + 1)
			do(i + 1)
		})
	}
	turn(0)
}

// after enters something d from now.
func (a *agenda) after(d time.Duration, do func()) { a.at(a.now+d, do) }

// next does the first thing due until end, and reports whether there was one.
func (a *agenda) next(end time.Duration) bool {
	h := &a.news
	if len(a.news) == 0 || len(a.routine) > 0 && a.routine[0].compare(&a.news[0]) < 0 {
		h = &a.routine
	}
	if len(*h) == 0 || (*h)[0].at > end {
		return false
	}
	it := heap.Pop(h).(item)
	a.now = it.at
	it.do()
	return true
}

type itemHeap []item

func (h itemHeap) Len() int           { return len(h) }
func (h itemHeap) Less(i, j int) bool { return h[i].compare(&h[j]) < 0 }
func (h itemHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *itemHeap) Push(x any)        { *h = append(*h, x.(item)) }
func (h *itemHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = item{}
	*h = old[:len(old)-1]
	return it
}
