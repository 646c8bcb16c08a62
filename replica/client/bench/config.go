package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"kvd/resolve/limits"
)

// Op is what clients ask for.
type Op string

// The ops.
const (
	Set   Op = "set"   // SET of a random key
	Get   Op = "get"   // GET of a random key
	Incr  Op = "incr"  // INCR of a random key among other keys than SET's
	Mixed Op = "mixed" // seven gets, two sets and one incr of ten, at random
)

// Ops is every op, by name.
func Ops() []string { return []string{string(Set), string(Get), string(Incr), string(Mixed)} }

// Config is what a run is told.
type Config struct {
	Dial     func(context.Context) (net.Conn, error) // a connection that is logged in
	Op       Op
	Clients  int
	Pipeline int    // commands a client sends before it waits, at most
	Size     int    // bytes of a value
	Keys     uint64 // keys are chosen among so many
	Prefix   string // every key begins so
	// Conflicts is how many of a hundred SETs are KVD.SETs by an author who was
	// shown nothing of the key: where it holds something, one of the two loses
	// under a resolver that keeps one.
	Conflicts int
	Requests  int64         // end after so many; 0: after Duration
	Duration  time.Duration // used without Requests
	Rate      float64       // commands a second of all clients together; 0: closed loop
	Seed      uint64
	Timeout   time.Duration // of one group
	// Progress is told how many are done, about ten times a second, by one
	// goroutine. Nil: nobody.
	Progress func(done int64, after time.Duration)
}

// Bounds of what a run may be told.
const (
	maxClients  = 10_000
	maxPipeline = 1024
	maxSize     = limits.Value
)

// Validate names the first thing that cannot work.
func (c *Config) Validate() error {
	switch {
	case c.Dial == nil:
		return errors.New("bench: nobody dials")
	case !slices.Contains(Ops(), string(c.Op)):
		return fmt.Errorf("unknown op %q; there are %s", c.Op, strings.Join(Ops(), ", "))
	case c.Conflicts < 0 || c.Conflicts > 100:
		return fmt.Errorf("%d conflicts of a hundred sets; give 0 to 100", c.Conflicts)
	case c.Clients < 1 || c.Clients > maxClients:
		return fmt.Errorf("%d clients; give 1 to %d", c.Clients, maxClients)
	case c.Pipeline < 1 || c.Pipeline > maxPipeline:
		return fmt.Errorf("a pipeline of %d; give 1 to %d", c.Pipeline, maxPipeline)
	case c.Size < 0 || c.Size > maxSize:
		return fmt.Errorf("values of %d bytes; give 0 to %d", c.Size, maxSize)
	case c.Keys < 1:
		return errors.New("no keys; give at least 1")
	case c.Requests < 0:
		return fmt.Errorf("%d requests; give 1 or more, or 0 for a duration", c.Requests)
	case c.Requests == 0 && c.Duration <= 0:
		return errors.New("neither requests nor a duration; give one")
	case c.Rate < 0:
		return fmt.Errorf("a rate of %g a second; give more than 0, or 0 for a closed loop", c.Rate)
	case c.Timeout <= 0:
		return fmt.Errorf("a timeout of %s; give more than 0", c.Timeout)
	}
	return nil
}

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
