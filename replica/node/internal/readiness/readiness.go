// Package readiness is what keeps a leader from serving clients for now, and what clients and
// people are told of it.
//
// What the package is not: it does not say when that is over; who blocks releases.
package readiness

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kvd/replica/console"
	"kvd/replica/resp/server"
)

// Blockers are what keeps a leader from serving clients for now; the zero value has none.
// As long as there is one, commands that look at keys are answered LOADING, /health/ready
// is 503, and both say why and how far it has come. Replication, questions about the
// leader, and its stop go on.
type Blockers struct {
	Leader string // its name; not changed any more

	any atomic.Bool // there are some: what a served command looks at
	mu  sync.Mutex
	all []*blocker // by cause
}

// blocker is one reason. All of one cause are told as one, the first that began.
type blocker struct {
	cause console.Cause
	since time.Time
	tell  func() (detail string, p console.Progress)
}

// Block keeps the leader from serving until release is called, which may be called
// again. tell is asked for every refused command, from many goroutines: a sentence
// that says what is under way, with the numbers, and how far it has come.
func (b *Blockers) Block(cause console.Cause, tell func() (detail string, p console.Progress)) (release func()) {
	one := &blocker{cause, time.Now(), tell}
	b.mu.Lock()
	defer b.mu.Unlock()
	i, _ := slices.BinarySearchFunc(b.all, one, func(x, y *blocker) int { return cmp.Or(cmp.Compare(x.cause, y.cause), x.since.Compare(y.since)) })
	b.all = slices.Insert(b.all, i, one)
	b.any.Store(true)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.all = slices.DeleteFunc(b.all, func(x *blocker) bool { return x == one })
		b.any.Store(len(b.all) > 0)
	}
}

// Serving reports whether there are none.
func (b *Blockers) Serving() bool { return !b.any.Load() }

// now is the blockers there are, one of each cause.
func (b *Blockers) now() []*blocker {
	if !b.any.Load() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.CompactFunc(slices.Clone(b.all), func(x, y *blocker) bool { return x.cause == y.cause })
}

// Reasons is why clients are not served; none: they are.
func (b *Blockers) Reasons() []console.Reason {
	var why []console.Reason
	for _, one := range b.now() {
		detail, p := one.tell()
		why = append(why, console.Reason{Cause: one.cause, Detail: b.Leader + " does not serve yet: " + detail, Progress: &p})
	}
	return why
}

// Loading is what clients are told; nil: they are served.
func (b *Blockers) Loading() *server.Loading {
	all := b.now()
	if len(all) == 0 {
		return nil
	}
	detail, p := all[0].tell()
	return &server.Loading{Why: b.Leader + " does not serve yet: " + detail, Since: all[0].since, Done: p.Done, Total: p.Total}
}
