package resolvetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Past is a causal history of one key.
type Past struct {
	Panel resolve.Panel
	Key   string
	Ops   []*resolve.Op // in an order that respects causality
	Err   error         // what went wrong at a leader while it came about
}

// String lists the ops.
func (p Past) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "key %q served by %s\n", p.Key, p.Panel.Serving)
	for _, op := range p.Ops {
		b.WriteString(RenderOp(op) + "\n")
	}
	return b.String()
}

// Pasts draws histories in which every leader judges by the panel. Draws are
// small on purpose: equal stamps and crossing retries must come up.
func Pasts(p resolve.Panel) *rapid.Generator[Past] {
	return rapid.Custom(func(t *rapid.T) Past {
		w := newWorld(t, p)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if w.past.Err != nil {
				break
			}
			w.step(t)
		}
		return w.past
	})
}

// world is a history coming about.
type world struct {
	past     Past
	leaders  []*Leader
	now      wallclock.Instant
	requests uint64
	asked    []asked
	readings []reading
}

// asked is a request that may be retried elsewhere, and there again.
type asked struct {
	Asked
	given []logical.Dot // the dots of it, one for each leader that accepted it
	needs logical.Frontier
}

// reading is what some client was shown once.
type reading struct {
	dots    []logical.Dot
	applied logical.Frontier
}

func newWorld(t *rapid.T, p resolve.Panel) *world {
	w := &world{past: Past{Panel: p, Key: rapid.SampledFrom([]string{"k", "cart/7", "x"}).Draw(t, "key")}, now: 1000}
	for i := range rapid.IntRange(2, 4).Draw(t, "leaders") {
		l := NewLeader(p, w.past.Key, logical.Origin(10*(i+1)))
		l.Clock = drawClock(t, w.now)
		w.leaders = append(w.leaders, l)
	}
	return w
}

// drawClock is a clock with an offset; the error it claims need not cover it.
func drawClock(t *rapid.T, now wallclock.Instant) wallclock.Skewed {
	return wallclock.NewSkewed(wallclock.Faults{
		Offset: time.Duration(rapid.SampledFrom([]int{0, 0, 0, 5, -5, 20, -20, 60}).Draw(t, "offset")),
		Error:  time.Duration(rapid.SampledFrom([]int{0, 1, 6, 25}).Draw(t, "error")),
	}, now)
}

func (w *world) step(t *rapid.T) {
	w.now += wallclock.Instant(rapid.IntRange(0, 4).Draw(t, "pass"))
	l := rapid.SampledFrom(w.leaders).Draw(t, "leader")
	switch rapid.SampledFrom([]string{"write", "write", "write", "ship", "ship", "read", "retry", "retry", "clock", "expire"}).Draw(t, "do") {
	case "write":
		w.write(t, l)
	case "ship":
		from := rapid.SampledFrom(w.leaders).Draw(t, "from")
		w.fail(l.Pull(from, rapid.IntRange(1, 6).Draw(t, "ops"), w.now))
	case "read":
		w.readings = append(w.readings, reading{l.Panel.Read(l.Object, l.History).Dots, l.Applied})
	case "retry":
		w.retry(t, l)
	case "expire":
		op, err := l.Expire(w.now)
		if w.fail(err); op != nil {
			w.past.Ops = append(w.past.Ops, op)
		}
	case "clock":
		l.Clock = drawClock(t, w.now)
	}
}

// write accepts something new at l.
func (w *world) write(t *rapid.T, l *Leader) {
	a := asked{Asked: Asked{Intent: drawIntent(t, w.now)}}
	if context, ok := w.context(t, l); ok {
		a.Exact, a.Shown, a.needs = true, context.dots, context.applied
	}
	if rapid.Bool().Draw(t, "retries") {
		w.requests++
		a.Client, a.Number = 1+w.requests%3, w.requests
	}
	l.Skip(rapid.IntRange(0, 1).Draw(t, "skip"))
	if w.accept(l, &a) {
		w.asked = append(w.asked, a)
	}
}

// context is what the author had been shown, unless it writes plainly: some
// earlier reading that l has caught up with, or nothing at all.
func (w *world) context(t *rapid.T, l *Leader) (reading, bool) {
	if rapid.IntRange(0, 2).Draw(t, "exact") > 0 {
		return reading{}, false
	}
	known := []reading{{}}
	for _, r := range w.readings {
		if l.Applied.Includes(r.applied) {
			known = append(known, r)
		}
	}
	return rapid.SampledFrom(known).Draw(t, "context"), true
}

// drawIntent is what an author wants at now. Deadlines are near, so that some pass.
func drawIntent(t *rapid.T, now wallclock.Instant) resolve.Intent {
	in := drawOutcome(t)
	in.Now = now
	switch in.Kind {
	case resolve.Put:
		in.Keep = rapid.IntRange(0, 3).Draw(t, "keep") == 0
		fallthrough
	case resolve.Touch:
		in.Expires = drawDeadline(t, now)
	}
	return in
}

func drawDeadline(t *rapid.T, now wallclock.Instant) wallclock.Instant {
	if in := rapid.SampledFrom([]int{0, 0, 2, 9, 500}).Draw(t, "lasts"); in != 0 {
		return now + wallclock.Instant(in)
	}
	return 0
}

func drawOutcome(t *rapid.T) resolve.Intent {
	switch rapid.SampledFrom([]string{"put", "put", "put", "delete", "add", "add", "touch", "touch"}).Draw(t, "intent") {
	case "delete":
		return resolve.Intent{Kind: resolve.Delete}
	case "touch":
		return resolve.Intent{Kind: resolve.Touch}
	case "add":
		return resolve.Intent{Kind: resolve.Add, Delta: int64(rapid.IntRange(-3, 9).Draw(t, "delta"))}
	}
	return resolve.Intent{Kind: resolve.Put, Value: []byte(rapid.SampledFrom([]string{"1", "7", "40", "word"}).Draw(t, "value"))}
}

// retry accepts at l a request that others had accepted and l has not heard of.
// What it comes to may depend on the leader: a deadline that has passed on one
// clock, and not on another, makes a put a deletion.
func (w *world) retry(t *rapid.T, l *Leader) {
	var open []int
	for i, a := range w.asked {
		if a.Client != 0 && !slices.ContainsFunc(a.given, l.Applied.Covers) && l.Applied.Includes(a.needs) {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return
	}
	a := &w.asked[rapid.SampledFrom(open).Draw(t, "request")]
	first := a.Intent
	if rapid.IntRange(0, 5).Draw(t, "decides anew") == 0 {
		a.Intent = drawIntent(t, w.now)
		a.Exact, a.Shown = first.Exact, first.Shown
	}
	w.accept(l, a)
	a.Intent = first
}

func (w *world) accept(l *Leader, a *asked) bool {
	again := a.Asked
	again.Value = slices.Clone(a.Value)
	op, err := l.Accept(again, w.now)
	w.fail(err)
	if op == nil {
		return false
	}
	a.given = append(a.given, op.Dot)
	w.past.Ops = append(w.past.Ops, op)
	return true
}

func (w *world) fail(err error) {
	if w.past.Err == nil {
		w.past.Err = err
	}
}
