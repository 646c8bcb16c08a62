package oracle_test

import (
	"slices"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// own is a write by A at n1 whose acknowledgement shows what is given, else itself.
func own(seq uint64, shown []logical.Dot, over ...logical.Dot) write {
	w := write{label: string(rune('a' + seq - 1)), client: "A", session: true, leader: "n1", dot: d(1, seq), over: over}
	if shown != nil {
		w.after = &history.Reading{Dots: shown}
	}
	return w
}

// roots is two writes by others, p and q.
func roots() (s *story, p, q logical.Dot) {
	p, q = d(2, 1), d(2, 2)
	s = tell().all(write{label: "p", client: "Z", leader: "n2", dot: p}, write{label: "q", client: "Z", leader: "n2", dot: q})
	return s, p, q
}

// named is the update that each violation of the guarantee names.
func named(v *oracle.Judgement, g script.Guarantee) (us []string) {
	for _, x := range v.Violations {
		if x.Guarantee == g && x.Client == "A" {
			us = append(us, x.Why[strings.LastIndex(x.Why, " ")+1:])
		}
	}
	return us
}

// TestTheUpdateThatAReadingIsOlderThanIsNamed: the newest; of a reading repeated, the
// one that was named before.
func TestTheUpdateThatAReadingIsOlderThanIsNamed(t *testing.T) {
	read := func(s *story, ds ...logical.Dot) { s.reads("A", "n2", history.Reading{Dots: ds}) }
	for _, c := range []struct {
		name      string
		guarantee script.Guarantee
		tell      func(s *story, p, q logical.Dot)
		want      []string
	}{
		{"the same reading names the same", script.ReadYourWrites, func(s *story, p, q logical.Dot) {
			s.writes(own(1, nil, p))
			read(s, p)
			s.writes(own(2, dots(q), p, q))
			read(s, p)
		}, []string{"a", "b", "a"}},
		{"what was named is forgotten, and another has its index", script.ReadYourWrites, func(s *story, p, q logical.Dot) {
			s.all(own(1, nil), own(2, nil, p))
			read(s, p)
			s.all(own(3, dots(q), q, d(1, 1), d(1, 2)), own(4, dots(q), q))
			read(s, p)
		}, []string{"b", "c", "d", "c"}},
		{"what was named is forgotten, and the newest is named", script.ReadYourWrites, func(s *story, p, q logical.Dot) {
			s.all(own(1, nil), own(2, nil, p))
			read(s, p)
			s.all(own(3, dots(q), q, d(1, 2)), own(4, dots(q), p, q))
			read(s, p)
		}, []string{"b", "c", "d", "d"}},
		{"what was not there when the same was read before", script.ReadYourWrites, func(s *story, p, q logical.Dot) {
			s.writes(own(1, nil))
			read(s, p)
			s.all(own(2, dots(q), p, q), own(3, dots(q), q), own(4, dots(q), q, d(1, 3)))
			read(s, p)
		}, []string{"b", "c", "d", "b"}},
		{"what is shown again is no news", script.MonotonicReads, func(s *story, p, q logical.Dot) {
			s.all(own(1, nil, p), own(2, nil, p))
			read(s, d(1, 1))
			read(s, p)
		}, []string{"b"}},
		{"what something learned had seen is no news", script.MonotonicReads, func(s *story, p, q logical.Dot) {
			s.all(own(1, dots(), p), own(2, nil, d(1, 1)))
			read(s, d(1, 1))
			read(s, p)
		}, []string{"b", "b"}},
		{"what came late and was accepted early hides nothing", script.MonotonicReads, func(s *story, p, q logical.Dot) {
			read(s, d(2, 3))
			read(s, p)
			read(s, q)
		}, []string{"r"}},
	} {
		s, p, q := roots()
		if c.guarantee == script.MonotonicReads {
			s.writes(write{label: "r", client: "Z", leader: "n2", dot: d(2, 3), over: dots(q)})
		}
		c.tell(s, p, q)
		if got := named(judge(s.h, "lww"), c.guarantee); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, expected %q", c.name, got, c.want)
		}
	}
}

// TestWhatWasLearnedAfterAskingDoesNotOblige, and what was learned before does, whatever
// another reading of the same was held against in between.
func TestWhatWasLearnedAfterAskingDoesNotOblige(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []write

		want          []string
		readInBetween bool
	}{
		{name: "nothing before", after: []write{own(1, nil, d(2, 1))}, want: []string{"a"}},
		{name: "one before", before: []write{own(1, nil, d(2, 1))}, after: []write{own(2, nil, d(2, 1))}, want: []string{"b", "a"}},
		{name: "two before, of which one is forgotten", before: []write{own(1, nil, d(2, 1)), own(2, nil, d(2, 1))},
			after: []write{own(3, dots(d(2, 2)), d(2, 2), d(1, 2))}, want: []string{"b", "c", "a"}, readInBetween: true},
	} {
		s, p, _ := roots()
		s.all(c.before...)
		s.h.Sent(s.tick(), history.Request{ID: "get", Client: "A", Session: true, Leader: "n2", Key: "x", Verb: script.OpGet})
		if c.readInBetween {
			s.reads("A", "n2", history.Reading{Dots: dots(p)})
		}
		s.all(c.after...)
		if !c.readInBetween {
			s.reads("A", "n2", history.Reading{Dots: dots(p)})
		}
		s.h.Shown(s.tick(), history.Read{Request: "get", Client: "A", Session: true, Leader: "n2", Key: "x", Reading: history.Reading{Dots: dots(p)}})
		if got := named(judge(s.h, "lww"), script.ReadYourWrites); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, expected %q", c.name, got, c.want)
		}
	}
}

// TestADeletionExplainsNoLaterWrite: what replaced a write that was deleted must be
// shown, though nothing of the write need be.
func TestADeletionExplainsNoLaterWrite(t *testing.T) {
	s, _, _ := roots()
	gone := del("gone", "n2", d(2, 3), d(1, 1))
	s.all(own(1, nil), gone)
	s.reads("A", "n1", history.Reading{})
	s.writes(own(2, nil, d(1, 1)))
	s.reads("A", "n1", history.Reading{})
	if got := named(judge(s.h, "siblings"), script.ReadYourWrites); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%q, expected b alone", got)
	}
}
