package node

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kvd/replica/console"
	"kvd/replica/resp/server"
)

// holds is what keeps the leader from serving clients for now: as long as one of
// them is there, commands that look at keys are answered LOADING, /health/ready is
// 503, and both say why and how far it has come. Replication, questions about the
// leader, and its stop go on. Refusing writes alone is another matter, see
// refusals.go.
//
// Whoever has work to do before the leader may be believed begins a hold, before
// the doors are open or at any time later, and ends it when the work is done.
type holds struct {
	name string // the leader's

	any atomic.Bool // there are some: what a served command looks at
	mu  sync.Mutex
	all []*hold // by cause
}

// hold is one reason. All of one cause are told as one, the first that began.
type hold struct {
	cause console.Cause
	since time.Time
	tell  func() (detail string, p console.Progress)
}

// begin keeps the leader from serving until end is called, which may be called
// again. tell is asked for every refused command, from many goroutines: a sentence
// that says what is under way, with the numbers, and how far it has come.
func (h *holds) begin(cause console.Cause, tell func() (detail string, p console.Progress)) (end func()) {
	one := &hold{cause, time.Now(), tell}
	h.mu.Lock()
	defer h.mu.Unlock()
	i, _ := slices.BinarySearchFunc(h.all, one, func(a, b *hold) int { return cmp.Or(cmp.Compare(a.cause, b.cause), a.since.Compare(b.since)) })
	h.all = slices.Insert(h.all, i, one)
	h.any.Store(true)
	return func() { h.end(one) }
}

func (h *holds) end(one *hold) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = slices.DeleteFunc(h.all, func(x *hold) bool { return x == one })
	h.any.Store(len(h.all) > 0)
}

// now is the holds there are, one of each cause.
func (h *holds) now() []*hold {
	if !h.any.Load() {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.CompactFunc(slices.Clone(h.all), func(a, b *hold) bool { return a.cause == b.cause })
}

// reasons is why clients are not served; none: they are.
func (h *holds) reasons() []console.Reason {
	var why []console.Reason
	for _, one := range h.now() {
		detail, p := one.tell()
		why = append(why, console.Reason{Cause: one.cause, Detail: h.name + " does not serve yet: " + detail, Progress: &p})
	}
	return why
}

// loading is what clients are told; nil: they are served.
func (h *holds) loading() *server.Loading {
	all := h.now()
	if len(all) == 0 {
		return nil
	}
	detail, p := all[0].tell()
	return &server.Loading{Why: h.name + " does not serve yet: " + detail, Since: all[0].since, Done: p.Done, Total: p.Total}
}
