package oracle_test

import (
	"testing"
	"time"

	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

func TestAcknowledgementThatShowsOlderBreaksReadYourWrites(t *testing.T) {
	v := judge(figure(shows("1", d(1, 1))).h, "lww")
	wantViolations(t, v, "read-your-writes B 7ms")
	if why := v.Violations[0].Why; why != "n3 showed B w1 of x, older than its own acknowledged w2" {
		t.Error(why)
	}
	held, at, why := v.CheckSession("B", script.AllGuarantees)
	if held || at != 7*time.Millisecond || why != "read-your-writes: n3 showed B w1 of x, older than its own acknowledged w2" {
		t.Errorf("held %v at %s: %s", held, at, why)
	}
	if held, _, _ := v.CheckSession("B", script.MonotonicReads); !held {
		t.Error("monotonic reads held")
	}
	if held, _, _ := v.CheckSession("A", script.AllGuarantees); !held {
		t.Error("A's session held")
	}
}

// stale is a write at n1 by A, over w0, and what A then reads at n2.
func stale(session bool, then history.Reading) *oracle.Judgement {
	s := tell()
	s.writes(write{label: "w0", client: "Z", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "w1", client: "A", session: session, leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.writes(write{label: "other", client: "Z", leader: "n2", dot: d(2, 1)})
	s.h.Shown(s.tick(), history.Read{Client: "A", Session: session, Leader: "n2", Key: "x", Reading: then})
	return judge(s.h, "lww")
}

func TestStaleReads(t *testing.T) {
	both := []string{"monotonic-reads A 10ms", "read-your-writes A 10ms"}
	cases := []struct {
		name string
		then history.Reading
		want []string
	}{
		{"its past", shows("w0", d(1, 1)), both},
		{"nothing", shows(""), both},
		{"itself", shows("w1", d(1, 2)), nil},
		{"something concurrent that beat it", shows("other", d(2, 1)), nil},
		{"its past among what is concurrent", shows("w0", d(2, 1), d(1, 1)), both},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := stale(true, c.then)
			wantViolations(t, v, c.want...)
			if want := map[bool]string{true: oracle.SessionKept, false: oracle.SessionBroken}[c.want == nil]; v.Session != want {
				t.Errorf("session %q, expected %q", v.Session, want)
			}
		})
	}
}

func TestWithoutTokenNothingIsPromisedAndAllIsSeen(t *testing.T) {
	v := stale(false, shows(""))
	if v.Session != "" || len(v.Violations) != 2 || v.Violations[0].Session {
		t.Errorf("session %q, violations %+v", v.Session, v.Violations)
	}
	if held, _, _ := v.CheckSession("A", script.ReadYourWrites); held {
		t.Error("read-your-writes did not hold")
	}
}

// TestNothingShownMayBeADelete: a delete explains it only if it can have taken
// the write away.
func TestNothingShownMayBeADelete(t *testing.T) {
	gone := func(resolver string, before bool, over ...uint64) []oracle.Violation {
		s := tell()
		w := write{label: "w1", client: "A", session: true, leader: "n1", dot: d(1, 1)}
		dw := del("del", "n2", d(2, 1))
		for _, seq := range over {
			dw.over = append(dw.over, d(1, seq))
		}
		if before {
			w.over = dots(d(2, 1))
			s.all(dw, w)
		} else {
			s.all(w, dw)
		}
		s.reads("A", "n2", shows(""))
		s.writes(del("late", "n2", d(2, 2), d(1, 1)))
		return judge(s.h, resolver).Violations
	}
	cases := []struct {
		name     string
		resolver string
		before   bool
		over     []uint64
		want     int
	}{
		{"siblings, saw it", "siblings", false, []uint64{1}, 0},
		{"siblings, had not seen it", "siblings", false, nil, 2},
		{"stamps, had not seen it", "lww", false, nil, 0},
		{"stamps, seen by the write", "lww", true, nil, 2},
	}
	for _, c := range cases {
		if got := gone(c.resolver, c.before, c.over...); len(got) != c.want {
			t.Errorf("%s: %d violations, expected %d: %+v", c.name, len(got), c.want, got)
		}
	}
}

func TestOwnDeleteShowsNothing(t *testing.T) {
	s := tell()
	w := del("del", "n1", d(1, 2), d(1, 1))
	w.session = true
	s.all(write{label: "a", client: "B", leader: "n1", dot: d(1, 1)}, w)
	wantViolations(t, judge(s.h, "siblings"))
	at := s.reads("Cn1", "n2", shows("a", d(1, 1)))
	wantViolations(t, judge(s.h, "siblings"), "read-your-writes Cn1 "+at.String())
}

func TestMonotonicReadsRemembersAllItWasShown(t *testing.T) {
	s := tell()
	s.all(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)},
		write{label: "b", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))},
		write{label: "c", client: "A", leader: "n2", dot: d(2, 1)})
	s.reads("B", "n1", shows("b", d(1, 2)))
	s.reads("B", "n2", shows("c", d(2, 1)))
	first := s.reads("B", "n3", shows("a", d(1, 1)))
	second := s.reads("B", "n3", shows("a", d(1, 1)))
	s.reads("B", "n3", shows("b", d(1, 2)))
	third := s.reads("B", "n3", shows("a", d(1, 1)))
	v := judge(s.h, "lww")
	wantViolations(t, v, "monotonic-reads B "+first.String(), "monotonic-reads B "+second.String(), "monotonic-reads B "+third.String())
	if why := v.Violations[0].Why; why != "n3 showed B a of x, older than what it had been shown before, b" {
		t.Error(why)
	}
}

// TestReplyIsBoundByWhatWasLearnedBeforeItWasAskedFor: a read under way while
// its client learned more may be older.
func TestReplyIsBoundByWhatWasLearnedBeforeItWasAskedFor(t *testing.T) {
	s := tell()
	s.all(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.h.Sent(s.tick(), history.Request{ID: "g", Client: "B", Session: true, Leader: "n2", Key: "x", Verb: script.OpGet})
	s.writes(write{label: "b", client: "B", session: true, leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	read := history.Read{Request: "g", Client: "B", Session: true, Leader: "n2", Key: "x", Reading: shows("a", d(1, 1))}
	s.h.Shown(s.tick(), read)
	wantViolations(t, judge(s.h, "lww"))
	read.Request = ""
	s.h.Shown(s.tick(), read)
	wantViolations(t, judge(s.h, "lww"), "monotonic-reads B 9ms", "read-your-writes B 9ms")
}

// ordered is two writes of B, to two keys, after B was shown A's.
func ordered(n3 ...uint64) *oracle.Judgement {
	s := tell()
	s.all(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.applied(d(1, 1), "n2")
	s.reads("B", "n2", shows("a", d(1, 1)))
	s.all(write{label: "b", client: "B", session: true, leader: "n2", dot: d(2, 1), key: "y"},
		write{label: "c", client: "B", session: true, leader: "n2", dot: d(2, 2), key: "z"})
	all := map[uint64]func(){1: func() { s.applied(d(1, 1), "n3") }, 2: func() { s.applied(d(2, 1), "n3") }, 3: func() { s.applied(d(2, 2), "n3") }}
	for _, i := range n3 {
		all[i]()
	}
	return judge(s.h, "lww")
}

func TestWritesAreAppliedAfterTheirCauses(t *testing.T) {
	wantViolations(t, ordered(1, 2, 3))
	wantViolations(t, ordered(1))
	v := ordered(1, 3, 2)
	wantViolations(t, v, "monotonic-writes B 13ms")
	if why := v.Violations[0].Why; why != "n3 applied c before its author's earlier b" {
		t.Error(why)
	}
	v = ordered(2, 1, 3)
	wantViolations(t, v, "writes-follow-reads B 12ms")
	if why := v.Violations[0].Why; why != "n3 applied b before what its author had been shown, a" {
		t.Error(why)
	}
	wantViolations(t, ordered(3), "monotonic-writes B 12ms", "writes-follow-reads B 12ms")
}

// Two requests are accepted in opposite orders, with another write between them:
// each is in the past of all, and what A is shown goes forward all the same.
func TestCrossedRetriesHaveNoOrderToKeep(t *testing.T) {
	s := tell()
	s.unheard(write{label: "u", client: "B", leader: "n1", dot: d(1, 1)})
	s.reads("A", "n1", shows("u", d(1, 1)))
	s.writes(write{label: "w", client: "C", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.reads("A", "n1", shows("w", d(1, 2)))
	s.unheard(write{label: "v", client: "D", leader: "n1", dot: d(1, 3), over: dots(d(1, 2))})
	s.writes(write{label: "v", client: "D", leader: "n2", dot: d(2, 1)})
	s.writes(write{label: "u", client: "B", leader: "n2", dot: d(2, 2), over: dots(d(2, 1))})
	s.final(shows("v", d(1, 3), d(2, 2)))
	wantViolations(t, judge(s.h, "siblings"))
}
