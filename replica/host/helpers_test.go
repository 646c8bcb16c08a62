package host_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/replicatest"
	"kvd/wallclock"
)

// fixed is a clock that stands still.
type fixed wallclock.Moment

func (f fixed) Now() wallclock.Moment { return wallclock.Moment(f) }

// nowhere is an outbox that sends nothing.
type nowhere struct{}

func (nowhere) Send(replica.Leader, replica.Message) {}

type failing interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// running is a loop under test.
type running struct {
	*host.Loop
	t    failing
	pump *host.Pump
	over sync.Once
}

func start(t failing, p *host.Pump, cfg host.LoopConfig) *running {
	if cfg.Clock == nil {
		cfg.Clock = host.Clock(wallclock.NewSystem(time.Millisecond))
	}
	if cfg.Outbox == nil {
		cfg.Outbox = nowhere{}
	}
	h := &running{Loop: host.Start(p, cfg), t: t, pump: p}
	if tt, ok := t.(*testing.T); ok {
		tt.Cleanup(h.end)
	}
	return h
}

// end stops the loop, whatever it says.
func (h *running) end() {
	h.over.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), replicatest.Timeout)
		defer cancel()
		_ = h.Stop(ctx) // some tests break it
		h.pump.Close()
	})
}

// begin hands over the requests; their replies come later.
func (h *running) begin(reqs ...*replica.Request) <-chan []replica.Reply {
	h.t.Helper()
	replies := make(chan []replica.Reply, 1)
	err := h.Do(reqs, func(r []replica.Reply) { replies <- append([]replica.Reply(nil), r...) })
	if err != nil {
		h.t.Fatal(err)
	}
	return replies
}

// must hands over the requests and waits.
func (h *running) must(reqs ...*replica.Request) []replica.Reply {
	h.t.Helper()
	return <-h.begin(reqs...)
}

// tick waits for a cycle that stores something.
func (h *running) tick() { h.must(set("tick", "")) }

func get(key string) *replica.Request { return &replica.Request{Verb: replica.Get, Key: key} }

func shown(r replica.Reply) string { return fmt.Sprintf("%s", r.Shown.Values) }
