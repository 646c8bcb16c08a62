package resolve_test

import (
	"testing"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// story is a few leaders of one key, told step by step.
type story struct {
	t       *testing.T
	now     wallclock.Instant
	leaders map[string]*resolvetest.Leader
}

func newStory(t *testing.T, p resolve.Panel, names ...string) *story {
	s := &story{t: t, now: 1000, leaders: map[string]*resolvetest.Leader{}}
	for i, n := range names {
		s.leaders[n] = resolvetest.NewLeader(p, "k", logical.Origin(10*(i+1)))
	}
	return s
}

// served is a panel of id with every other resolver as a shadow.
func served(id resolve.ID) resolve.Panel {
	return resolve.Panel{Serving: id, Shadows: resolve.All &^ id.Mask()}
}

// do accepts at the named leader.
func (s *story) do(at string, a resolvetest.Asked) *resolve.Op {
	s.t.Helper()
	s.now++
	op, err := s.leaders[at].Accept(a, s.now)
	if err != nil || op == nil {
		s.t.Fatalf("%s does not accept %+v: %v", at, a, err)
	}
	return op
}

func put(value string) resolvetest.Asked {
	return resolvetest.Asked{Intent: resolve.Intent{Kind: resolve.Put, Value: []byte(value)}}
}

func add(n int64) resolvetest.Asked {
	return resolvetest.Asked{Intent: resolve.Intent{Kind: resolve.Add, Delta: n}}
}

func remove() resolvetest.Asked {
	return resolvetest.Asked{Intent: resolve.Intent{Kind: resolve.Delete}}
}

// request gives the write an identity under which it is retried.
func request(a resolvetest.Asked, client uint64) resolvetest.Asked {
	a.Client, a.Number = client, 1
	return a
}

// over makes the write exact: its author had been shown dots and no more.
func over(a resolvetest.Asked, dots ...logical.Dot) resolvetest.Asked {
	a.Exact, a.Shown = true, dots
	return a
}

// ship brings everything that from has to to.
func (s *story) ship(from, to string) {
	s.t.Helper()
	if err := s.leaders[to].Pull(s.leaders[from], -1, s.now); err != nil {
		s.t.Fatal(err)
	}
}

// values is what the named leader shows.
func (s *story) values(at string) []string {
	l := s.leaders[at]
	var out []string
	for _, v := range l.Panel.Read(l.Object, l.History).Values {
		out = append(out, string(v))
	}
	return out
}

// clock makes the named leader's clock show the given time at the next step,
// and claim the error.
func (s *story) clock(at string, shows wallclock.Instant, err time.Duration) {
	s.leaders[at].Clock = wallclock.NewSkewed(wallclock.Faults{Offset: shows.Sub(s.now + 1), Error: err}, s.now)
}

// audit holds the named leaders against brute force.
func (s *story) audit(names ...string) {
	s.t.Helper()
	for _, n := range names {
		if err := s.leaders[n].Audit(); err != nil {
			s.t.Errorf("leader %s: %v", n, err)
		}
	}
}

// losses is the named leader's ledger of one resolver.
func (s *story) losses(at string, id resolve.ID) map[logical.Dot]resolve.Relation {
	return s.leaders[at].History.Losses(id)
}
