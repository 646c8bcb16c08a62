package oracle_test

import (
	"slices"
	"testing"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// story feeds a history one millisecond an event, so that tests read as what
// happens.
type story struct {
	h   *history.History
	now time.Duration
}

func tell() *story { return &story{h: history.New()} }

func (s *story) tick() time.Duration {
	s.now += time.Millisecond
	return s.now
}

// d names the nth op of an origin.
func d(origin, seq uint64) logical.Dot {
	return logical.Dot{Origin: logical.Origin(origin), Seq: logical.Seq(seq)}
}

func dots(ds ...logical.Dot) []logical.Dot { return ds }

// shows is a reading: a value for people and the dots behind it.
func shows(value string, ds ...logical.Dot) history.Reading {
	r := history.Reading{Dots: ds}
	if value != "" {
		r.Values = []string{value}
	}
	return r
}

// write is one write of key x.
type write struct {
	label, client, leader string
	verb                  script.OpKind
	session               bool
	dot                   logical.Dot
	over                  []logical.Dot
	delta                 int64
	after                 *history.Reading // nil: the write itself
	unseen                bool             // its leader died before it showed anything
	key                   string           // empty: x
}

func (w write) request() history.Request {
	key := w.key
	if key == "" {
		key = "x"
	}
	verb := w.verb
	if verb == "" {
		verb = script.OpSet
	}
	r := history.Request{ID: "r-" + w.label, Label: w.label, Client: w.client, Session: w.session, Leader: w.leader, Key: key, Verb: verb}
	if verb == script.OpIncr {
		r.Delta = w.delta
	}
	return r
}

func (w write) reading() history.Reading {
	if w.after != nil {
		return *w.after
	}
	return history.Reading{Dots: dots(w.dot), Values: []string{w.label}}
}

func (s *story) sent(w write) { s.h.Sent(s.tick(), w.request()) }

func (s *story) accepted(w write) {
	s.h.Accepted(s.tick(), w.leader, "r-"+w.label, history.Acceptance{Dot: w.dot, Over: w.over, Delta: w.delta, After: w.reading(), Unseen: w.unseen})
}

func (s *story) acked(w write) { s.h.Acked(s.tick(), "r-"+w.label, w.leader, w.reading()) }

// writes is a write whose reply gets through.
func (s *story) writes(w write) {
	s.sent(w)
	s.accepted(w)
	s.acked(w)
}

// unheard is a write whose reply does not.
func (s *story) unheard(w write) {
	s.sent(w)
	s.accepted(w)
}

func (s *story) applied(dot logical.Dot, leaders ...string) {
	for _, l := range leaders {
		s.h.Applied(s.tick(), l, dot)
	}
}

func (s *story) reads(client, leader string, r history.Reading) time.Duration {
	at := s.tick()
	s.h.Shown(at, history.Read{Client: client, Session: true, Leader: leader, Key: "x", Reading: r})
	return at
}

// final is what all leaders show of x at the end.
func (s *story) final(r history.Reading, leaders ...string) {
	if len(leaders) == 0 {
		leaders = []string{"n1", "n2", "n3"}
	}
	for _, l := range leaders {
		s.h.Final(l, "x", r)
	}
}

// wantStats judges and compares totals, which must also be x's.
func (s *story) wantStats(t *testing.T, resolver string, want oracle.Stats) *oracle.Judgement {
	t.Helper()
	v := judge(s.h, resolver)
	if v.Stats != want {
		t.Errorf("%s: counts %+v, expected %+v; losses %+v", resolver, v.Stats, want, v.Losses)
	}
	if v.Key("x").Stats != want {
		t.Errorf("%s: counts of x %+v, expected %+v", resolver, v.Key("x").Stats, want)
	}
	return v
}

func wantNoContradictions(t *testing.T, v *oracle.Judgement) {
	t.Helper()
	for _, c := range v.Contradictions {
		t.Errorf("unexpected contradiction (%s) at %s: %s", c.Kind, c.At, c.Why)
	}
}

// wantLosses compares what is lost as LABEL CLASS BY.
func wantLosses(t *testing.T, v *oracle.Judgement, want ...string) {
	t.Helper()
	var got []string
	for _, l := range v.Losses {
		got = append(got, l.Label+" "+string(l.Class)+" "+l.By)
	}
	if !slices.Equal(got, want) {
		t.Errorf("losses %q, expected %q", got, want)
	}
}

// wantViolations compares GUARANTEE CLIENT AT.
func wantViolations(t *testing.T, v *oracle.Judgement, want ...string) {
	t.Helper()
	var got []string
	for _, x := range v.Violations {
		got = append(got, string(x.Guarantee)+" "+x.Client+" "+x.At.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("violations %q, expected %q (%+v)", got, want, v.Violations)
	}
}

// judge judges the history under one resolver for all keys.
func judge(h *history.History, resolver string) *oracle.Judgement {
	return oracle.Judge(h, func(string) string { return resolver })
}
