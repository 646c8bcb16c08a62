package replica_test

import (
	"fmt"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// plainReader costs next to nothing: it lends the objects that it holds, as the overlay of
// a batch does, and knows no request, no duplicate and no loss.
type plainReader struct {
	objects map[string]*resolve.Object
}

func (r *plainReader) Object(key string) *resolve.Object {
	o := r.objects[key]
	if o == nil {
		o = &resolve.Object{Key: key}
		r.objects[key] = o
	}
	return o
}

func (*plainReader) Ops(logical.Origin, logical.Seq, int, int) []*resolve.Op { return nil }
func (*plainReader) Request(uint64, uint64) (logical.Dot, bool)              { return logical.Dot{}, false }
func (*plainReader) Sum(logical.Dot) (uint64, bool)                          { return 0, false }
func (*plainReader) Same(*resolve.Op) (same, held bool)                      { return false, false }
func (*plainReader) Op(logical.Dot) (*resolve.Op, bool)                      { return nil, false }
func (*plainReader) Duplicates(logical.Dot) []logical.Dot                    { return nil }
func (*plainReader) Lost(string, logical.Dot) resolve.Mask                   { return 0 }

// benchCycle is how many steps share a Ship.
const benchCycle = 64

// stepper is a core over a plainReader.
type stepper struct {
	testing.TB
	core   *replica.Core
	reader plainReader
	out    replica.Output
	keys   []string
	steps  int
}

func newStepper(b testing.TB, origin logical.Origin, shadows resolve.Mask, peers ...replica.Leader) *stepper {
	cfg := config("a", peers...)
	cfg.Policy.Shadows = shadows
	cfg.WindowOps, cfg.WindowBytes, cfg.Resend = 1<<40, 1<<50, 1<<60 // the peers never answer
	core, err := replica.New(cfg, replica.State{Origin: origin})
	if err != nil {
		b.Fatal(err)
	}
	s := &stepper{TB: b, core: core, reader: plainReader{objects: map[string]*resolve.Object{}}, keys: make([]string, 1024)}
	for i := range s.keys {
		s.keys[i] = fmt.Sprint("key", i)
	}
	for _, p := range peers {
		s.feed(replica.PeerUp{Peer: p})
	}
	return s
}

// key is that of the next step.
func (s *stepper) key() string { return s.keys[s.steps%len(s.keys)] }

// step is one of a cycle, five microseconds after the last.
func (s *stepper) step(in replica.Input) {
	if s.feed(in); s.steps%benchCycle == 0 {
		s.ship()
		s.out.Reset()
	}
}

func (s *stepper) feed(in replica.Input) {
	if err := s.core.Step(s.moment(), in, &s.reader, &s.out); err != nil {
		s.Fatal(err)
	}
	s.steps++
}

func (s *stepper) ship() { s.core.Ship(s.moment(), &s.reader, &s.out) }

func (s *stepper) moment() wallclock.Moment {
	now := time.Duration(s.steps) * 5 * time.Microsecond
	return wallclock.Moment{Mono: wallclock.Mono(now), Wall: wallclock.Around(epoch.Add(now), time.Millisecond)}
}

// BenchmarkStep is the core alone: one write a step, of keys that hold one version. A
// removal alternates with a write; an op of a peer is one that is next.
func BenchmarkStep(b *testing.B) {
	value := make([]byte, 64)
	for panel, shadows := range map[string]resolve.Mask{"serving": 0, "shadows": resolve.All} {
		request := func(make func(s *stepper, q *replica.Request), peers ...replica.Leader) func(b *testing.B) {
			return func(b *testing.B) {
				s := newStepper(b, 7, shadows, peers...)
				var q replica.Request
				run := func() {
					q = replica.Request{Key: s.key(), Quiet: true}
					make(s, &q)
					s.step(&q)
				}
				for range 2 * len(s.keys) {
					run()
				}
				b.ReportAllocs()
				for b.Loop() {
					run()
				}
			}
		}
		set := func(_ *stepper, q *replica.Request) { q.Verb, q.Value = replica.Set, value }
		b.Run(panel+"/set", request(set))
		b.Run(panel+"/set-2-peers", request(set, "b", "c"))
		b.Run(panel+"/set-retried", request(func(s *stepper, q *replica.Request) {
			set(s, q)
			q.Client, q.Number = 5, uint64(s.steps)
		}))
		b.Run(panel+"/incr", request(func(_ *stepper, q *replica.Request) { q.Verb, q.Delta = replica.Incr, 1 }))
		b.Run(panel+"/update-incr", request(func(_ *stepper, q *replica.Request) { q.Verb, q.Decide = replica.Update, add }))
		b.Run(panel+"/remove", request(func(s *stepper, q *replica.Request) {
			if set(s, q); s.steps/len(s.keys)%2 == 1 {
				q.Verb, q.Value = replica.Remove, nil
			}
		}))
		b.Run(panel+"/peer", func(b *testing.B) {
			from, to := newStepper(b, 8, shadows, "b"), newStepper(b, 7, shadows)
			in, next := make([]replica.Received, 0, 4096), 0
			run := func() {
				if next == len(in) {
					b.StopTimer()
					in, next = fill(from, in[:0], value), 0
					b.StartTimer()
				}
				to.step(in[next])
				next++
			}
			b.StartTimer()
			for range 2 * len(to.keys) {
				run()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				run()
			}
		})
	}
}

// fill is as many writes as fit, each accepted by from and in a message of its own.
func fill(from *stepper, dst []replica.Received, value []byte) []replica.Received {
	for len(dst) < cap(dst) {
		for range benchCycle {
			from.feed(&replica.Request{Key: from.key(), Verb: replica.Set, Value: value, Quiet: true})
		}
		from.ship()
		for _, op := range ops(from.out.Sends) {
			dst = append(dst, replica.Received{From: "b", Message: &replica.Batch{Ops: []*resolve.Op{op}}})
		}
		from.out.Reset()
	}
	return dst
}

// What a plain write needs comes in pieces that many share. An addition makes its number.
func TestAPlainStepAllocatesNothing(t *testing.T) {
	s := newStepper(t, 7, resolve.All, "b")
	value := make([]byte, 64)
	var q replica.Request
	run := func(verb replica.Verb, decide func(replica.Present) (replica.Write, error)) func() {
		return func() {
			q = replica.Request{Verb: verb, Key: s.keys[0], Value: value, Delta: 1, Decide: decide, Quiet: true}
			s.step(&q)
		}
	}
	for range 8 * benchCycle { // what is kept from cycle to cycle has grown
		run(replica.Set, nil)()
	}
	for _, c := range []struct {
		what string
		step func()
		want float64 // rounded down
	}{
		{"set", run(replica.Set, nil), 0},
		{"remove", run(replica.Remove, nil), 0},
		{"incr", run(replica.Incr, nil), 1},
		{"update", run(replica.Update, add), 1},
	} {
		if n := testing.AllocsPerRun(20*benchCycle, c.step); n > c.want {
			t.Errorf("%s: %v allocations, want %v", c.what, n, c.want)
		}
	}
}

func add(replica.Present) (replica.Write, error) {
	return replica.Write{Verb: replica.Incr, Delta: 1}, nil
}
