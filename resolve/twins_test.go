package resolve_test

import (
	"testing"

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

// Two clients lose their answers and retry at the other leader, each request
// landing behind the other's there. Every acceptance has then been overwritten
// by one that follows it, and were the two dots of a request one version, nothing
// would be left.
func TestCrossedRetriesLeaveSiblings(t *testing.T) {
	for _, id := range []resolve.ID{resolve.Siblings, resolve.Causal} {
		s := newStory(t, served(id), "a", "b")
		s.do("a", request(put("two"), 2))
		s.do("a", request(put("one"), 1))
		s.do("b", request(put("one"), 1))
		s.do("b", request(put("two"), 2))
		s.ship("a", "b")
		s.ship("b", "a")
		for _, at := range []string{"a", "b"} {
			if len(s.values(at)) == 0 {
				t.Errorf("%s: leader %s shows nothing, though two puts were acknowledged", id, at)
			}
		}
	}
}
