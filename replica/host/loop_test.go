package host_test

import (
	"context"
	"testing"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/replicatest"
	"kvd/wallclock"
)

// turnstile is an outbox that sends nothing, and a clock that stands still until it is
// let through.
type turnstile struct {
	entered chan struct{}
	through chan struct{}
}

func (g turnstile) Send(replica.Leader, replica.Message) {}

func (g turnstile) Now() wallclock.Moment {
	g.entered <- struct{}{}
	<-g.through
	return at(0)
}

// A loop that is told to stop while a cycle runs finishes what was taken before
// and ends, though nothing else ever arrives.
func TestStopEndsALoopThatIsBusy(t *testing.T) {
	pump, _, _ := fresh(t, nil)
	g := turnstile{entered: make(chan struct{}), through: make(chan struct{})}
	l := host.Start(pump, host.LoopConfig{Clock: g, Outbox: g})
	<-g.entered // the first cycle is under way
	answers := make(chan error, 1)
	if err := l.Do([]*replica.Request{set("x", "1")}, func(r []replica.Reply) { answers <- r[0].Err }); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), replicatest.Timeout)
	defer cancel()
	go func() { stopped <- l.Stop(ctx) }()
	none := func([]replica.Reply) {}
	for l.Do(nil, none) == nil { // until Stop was heard
	}
	cycles := 0
	for {
		select {
		case g.through <- struct{}{}:
			cycles++
		case <-g.entered:
		case err := <-stopped:
			if err != nil || <-answers != nil {
				t.Fatalf("after %d cycles Stop says %v", cycles, err)
			}
			return
		}
	}
}
