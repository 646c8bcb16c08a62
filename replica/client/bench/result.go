package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run came to.
type Result struct {
	Requests int64 // answered, refused ones included
	Refused  int64
	Refusal  string // one of them; empty: none
	Unsent   int64  // open loop: due, and not sent when the time was over
	Took     time.Duration
	Latency  Spread
	Late     Spread // open loop: how late idle clients were woken
}

// Rate is answered requests a second.
func (r *Result) Rate() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(r.Requests) / r.Took.Seconds()
}

// Spread is how durations are spread. Each is right to a thousandth, and
// never below 1 µs.
type Spread struct {
	Count                          int64
	P50, P90, P99, P999, Max, Mean time.Duration
}

// Histograms reach from a microsecond to a minute; what is longer counts as a
// minute.
const (
	shortest = int64(time.Microsecond)
	longest  = int64(time.Minute)
	digits   = 3
)

// histogram is one that several clients share.
type histogram struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram
}

func newHistogram() *histogram {
	return &histogram{h: hdrhistogram.New(shortest, longest, digits)}
}

// record adds durations, all under one lock.
func (h *histogram) record(all []time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range all {
		// Within the bounds, so it cannot fail.
		_ = h.h.RecordValue(min(max(int64(d), shortest), longest))
	}
}

func spread(all []*histogram) Spread {
	sum := newHistogram().h
	for _, h := range all {
		h.mu.Lock()
		sum.Merge(h.h)
		h.mu.Unlock()
	}
	if sum.TotalCount() == 0 {
		return Spread{}
	}
	at := func(q float64) time.Duration { return time.Duration(sum.ValueAtQuantile(q)) }
	return Spread{
		Count: sum.TotalCount(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: time.Duration(sum.Max()), Mean: time.Duration(sum.Mean()),
	}
}
