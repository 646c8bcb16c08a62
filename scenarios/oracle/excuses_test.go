package oracle_test

import (
	"testing"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// A leader that lost its disk may show again what it had deleted, if it lost it after
// it had the deletion and before it showed that; no other excuse holds.
func TestOnlyADiskLostInBetweenExcusesWhatComesBack(t *testing.T) {
	for _, c := range []struct {
		what, leader string
		when         int // before the deletion is applied, in between, after the reading
		held         bool
	}{
		{"nobody", "", 0, false},
		{"n2 before it had the deletion", "n2", 0, false},
		{"n2 in between", "n2", 1, true},
		{"n2 after it showed it", "n2", 2, false},
		{"another in between", "n3", 1, false},
	} {
		for _, resolver := range []string{"lww", "siblings"} {
			s := tell()
			s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
			s.applied(d(1, 1), "n2", "n3")
			s.writes(write{label: "del", client: "A", leader: "n1", verb: script.OpDelete, dot: d(1, 2), over: dots(d(1, 1)), after: &history.Reading{Dots: dots(d(1, 2))}})
			lose := func(when int) {
				if when == c.when && c.leader != "" {
					s.h.DiskLost(s.tick(), c.leader)
				}
			}
			lose(0)
			s.applied(d(1, 2), "n2", "n3")
			lose(1)
			s.reads("C", "n2", shows("a", d(1, 1)))
			lose(2)
			s.applied(d(1, 2), "n2", "n3")
			s.final(shows("", d(1, 2)))
			if held, _, why := judge(s.h, resolver).CheckNoResurrection("x"); held != c.held {
				t.Errorf("%s: a disk lost by %s: held %t, %s", resolver, c.what, held, why)
			}
		}
	}
}

// One name for two requests is said, whatever part of them differs; a retry may go to
// another leader.
func TestARetryAsksTheSame(t *testing.T) {
	r := history.Request{ID: "r", Client: "A", Leader: "n1", Key: "x", Verb: script.OpSet, Value: "1"}
	for what, change := range map[string]func(*history.Request){
		"key":    func(r *history.Request) { r.Key = "y" },
		"verb":   func(r *history.Request) { r.Verb = script.OpDelete },
		"client": func(r *history.Request) { r.Client = "B" },
	} {
		s := tell()
		again := r
		change(&again)
		s.h.Sent(s.tick(), r)
		s.h.Sent(s.tick(), again)
		if got := judge(s.h, "lww").Contradictions; len(got) != 1 || got[0].Kind != history.Reused {
			t.Errorf("another %s: %+v", what, got)
		}
	}
	s := tell()
	s.h.Sent(s.tick(), r)
	r.Leader = "n2"
	s.h.Sent(s.tick(), r)
	wantNoContradictions(t, judge(s.h, "lww"))
}

// twoKeys loses a write of x, beaten by another, and one of y, gone for no reason, and
// breaks what a session was promised of the second key named.
func twoKeys(broken string) *oracle.Judgement {
	s := tell()
	on := func(key, label string, leader string, dot logical.Dot) write {
		return write{label: label, client: "A", session: true, leader: leader, dot: dot, key: key}
	}
	s.writes(on("x", "a", "n1", d(1, 1)))
	other := on("x", "b", "n2", d(2, 1))
	other.client = "B"
	s.writes(other)
	s.writes(on("y", "c", "n1", d(1, 2)))
	w := on("y", "e", "n1", d(1, 3))
	w.over = dots(d(1, 2))
	s.writes(w)
	s.applied(d(1, 1), "n2")
	s.applied(d(2, 1), "n1")
	if broken == "y" {
		s.h.Shown(s.tick(), history.Read{Client: "A", Session: true, Leader: "n2", Key: "y", Reading: shows("c", d(1, 2))})
	}
	for _, l := range []string{"n1", "n2"} {
		s.h.Final(l, "x", shows("b", d(2, 1)))
	}
	s.h.Final("n1", "y", shows("c", d(1, 2)))
	s.h.Final("n2", "y", history.Reading{})
	return judge(s.h, "lww")
}

// Of some keys alone the judgement holds their losses, what was promised of them, and
// whether they converged.
func TestAmongIsTheJudgementOfSomeKeys(t *testing.T) {
	only := func(key string) func(string) bool { return func(k string) bool { return k == key } }
	for _, c := range []struct {
		broken, key string
		lost        string
		session     string
		converged   bool
		siblings    int
	}{
		{"", "x", "a", oracle.SessionKept, true, 1},
		{"", "y", "e", oracle.SessionKept, false, 1},
		{"y", "x", "a", oracle.SessionKept, true, 1},
		{"y", "y", "e", oracle.SessionBroken, false, 1},
		{"y", "z", "", oracle.SessionKept, true, 0},
	} {
		v := twoKeys(c.broken).Among(only(c.key))
		lost := ""
		for _, l := range v.Losses {
			lost += l.Label
		}
		if lost != c.lost || v.Session != c.session || v.Converged != c.converged || v.Siblings != c.siblings || v.Lost != len(c.lost) {
			t.Errorf("%s where %q is broken: lost %q, session %s, converged %t, %d siblings, %+v", c.key, c.broken, lost, v.Session, v.Converged, v.Siblings, v.Stats)
		}
		for _, x := range v.Violations {
			if x.Key != c.key {
				t.Errorf("%s: a violation of %s", c.key, x.Key)
			}
		}
	}
	all := twoKeys("y")
	if v := all.Among(func(string) bool { return true }); v.Stats != all.Stats || v.Session != all.Session || v.Converged != all.Converged || len(v.Losses) != len(all.Losses) {
		t.Errorf("among all %+v, of all %+v", v.Stats, all.Stats)
	}
	if all.Converged {
		t.Error("y differs, and x was judged before it")
	}
}

// What a check names is of the key that it is about.
func TestChecksNameTheirOwnKey(t *testing.T) {
	v := twoKeys("")
	for key, want := range map[string]string{
		"x": "1 acknowledged updates are lost, expected 0; the first is a of x by A (concurrent)",
		"y": "1 acknowledged updates are lost, expected 0; the first is e of y by A (durability)",
	} {
		if held, _, why := v.CheckLost(key, 0); held || why != want {
			t.Errorf("%s: %q, want %q", key, why, want)
		}
	}
	if held, _, why := v.CheckDurability(0); held || why != "1 acknowledged updates are gone though nothing beat them, expected 0; the first is e of y by A (durability)" {
		t.Errorf("%q", why)
	}
}

// A key that differs is not made good by the next that does not.
func TestOneKeyThatDiffersIsEnough(t *testing.T) {
	for _, differs := range []string{"x", "y", "z", ""} {
		s := tell()
		for i, key := range []string{"x", "y", "z"} {
			dot := d(1, uint64(i+1))
			s.writes(write{label: key, client: "A", leader: "n1", dot: dot, key: key})
			s.h.Final("n1", key, shows(key, dot))
			if key == differs {
				s.h.Final("n2", key, shows("other", dot)) // the same dot, another value
			} else {
				s.h.Final("n2", key, shows(key, dot))
			}
		}
		if v := judge(s.h, "lww"); v.Converged != (differs == "") {
			t.Errorf("%q differs: converged %t", differs, v.Converged)
		}
	}
}

// The first leader that had them in the wrong order is named, by time and not by name;
// one that had neither, or only the first, is not.
func TestVisibleIsBrokenWhereItWasFirst(t *testing.T) {
	told := func(orders map[string][]logical.Dot, by ...string) verdict {
		s := tell()
		s.writes(write{label: "a", client: "A", leader: "n0", dot: d(1, 1)})
		s.writes(write{label: "b", client: "A", leader: "n0", dot: d(1, 2), key: "y"})
		for _, leader := range by {
			for _, dot := range orders[leader] {
				s.applied(dot, leader)
			}
		}
		return answer(judge(s.h, "lww").CheckVisible("a", "b"))
	}
	a, b := d(1, 1), d(1, 2)
	yes := verdict{held: true}
	for _, c := range []struct {
		name   string
		orders map[string][]logical.Dot
		by     []string
		want   verdict
	}{
		{"in order", map[string][]logical.Dot{"n1": {a, b}, "n2": {a, b}}, []string{"n1", "n2"}, yes},
		{"the first alone", map[string][]logical.Dot{"n1": {a}}, []string{"n1"}, yes},
		{"neither", nil, nil, yes},
		{"the second alone", map[string][]logical.Dot{"n1": {b}}, []string{"n1"}, verdict{at: 7 * time.Millisecond, why: "n1 had b before a"}},
		{"turned round", map[string][]logical.Dot{"n1": {b, a}}, []string{"n1"}, verdict{at: 7 * time.Millisecond, why: "n1 had b before a"}},
		{"turned round at two", map[string][]logical.Dot{"n1": {b, a}, "n2": {b, a}}, []string{"n1", "n2"}, verdict{at: 7 * time.Millisecond, why: "n1 had b before a"}},
		{"one in order before it", map[string][]logical.Dot{"n1": {a, b}, "n2": {b}}, []string{"n1", "n2"}, verdict{at: 9 * time.Millisecond, why: "n2 had b before a"}},
	} {
		if got := told(c.orders, c.by...); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// What a leader shows under another key's name accounts for nothing.
func TestADotOfAnotherKeyAccountsForNothing(t *testing.T) {
	for _, resolver := range []string{"lww", "siblings", "causal", "interval"} {
		s := tell()
		s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
		s.writes(write{label: "b", client: "A", leader: "n1", dot: d(1, 2), key: "y"})
		s.final(shows("b", d(1, 2)))
		for _, l := range []string{"n1", "n2", "n3"} {
			s.h.Final(l, "y", history.Reading{})
		}
		v := judge(s.h, resolver)
		wantLosses(t, v, "a durability ", "b durability ")
		if len(v.Contradictions) == 0 {
			t.Errorf("%s: a dot of y under x is not said", resolver)
		}
	}
}

// Keys and what is said of them are in order, whatever was written first.
func TestVerdictsAreInOrder(t *testing.T) {
	s := tell()
	for i, key := range []string{"y", "z", "x"} {
		dot := d(1, uint64(i+1))
		s.writes(write{label: "old-" + key, client: "A", leader: "n1", dot: dot, key: key})
		for _, l := range []string{"n1", "n2"} {
			s.h.Final(l, key, history.Reading{})
		}
	}
	v := judge(s.h, "lww")
	var keys string
	for _, k := range v.Keys {
		keys += k.Key
	}
	if keys != "xyz" {
		t.Errorf("the keys are told in the order %s", keys)
	}
	if len(v.Losses) != 3 {
		t.Errorf("lost %+v", v.Losses)
	}
}

// A deletion that is accepted after a reading is no excuse for it, though it was on its
// way; one before it is.
func TestALaterDeletionExcusesNothing(t *testing.T) {
	for _, before := range []bool{true, false} {
		s := tell()
		s.writes(write{label: "a", client: "A", session: true, leader: "n1", dot: d(1, 1)})
		del := write{label: "del", client: "B", leader: "n1", verb: script.OpDelete, dot: d(1, 2), over: dots(d(1, 1)), after: &history.Reading{Dots: dots(d(1, 2))}}
		s.sent(del)
		if before {
			s.accepted(del)
		}
		at := s.reads("A", "n2", history.Reading{})
		if !before {
			s.accepted(del)
		}
		s.acked(del)
		for _, resolver := range []string{"lww", "siblings"} {
			v := judge(s.h, resolver)
			if before {
				wantViolations(t, v)
			} else {
				wantViolations(t, v, "monotonic-reads A "+at.String(), "read-your-writes A "+at.String())
			}
		}
	}
}
