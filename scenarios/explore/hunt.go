package explore

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"kvd/scenarios"
)

// hunt gathers what the workers find.
type hunt struct {
	Config
	began  time.Time
	mu     sync.Mutex
	report Report
}

func (h *hunt) count(r *scenarios.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Runs++
	if r != nil {
		h.report.Virtual += r.Virtual
		h.report.Ops += r.Ops
		h.report.Fired.Add(r.Fired)
	}
}

func (h *hunt) fail(f Failure) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Failures = append(h.report.Failures, f)
	if h.Found != nil {
		h.Found(&f)
	}
}

// enough reports whether as many histories broke as were asked for.
func (h *hunt) enough() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.MaxFailures > 0 && len(h.report.Failures) >= h.MaxFailures {
		h.report.Stopped = true
	}
	return h.report.Stopped
}

func (h *hunt) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Seeds++
	if h.Progress != nil {
		h.Progress(h.report.Seeds, h.Seeds, len(h.report.Failures))
	}
}

func (h *hunt) sort() {
	slices.SortFunc(h.report.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Seed, b.Seed), cmp.Compare(a.Resolver, b.Resolver))
	})
}
