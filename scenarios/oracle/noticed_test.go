package oracle_test

import (
	"fmt"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// step is what one leader does next, and what it must show right after.
type step struct {
	verb   script.OpKind
	value  string // what a set puts
	delta  int64
	exact  bool // over what is named and nothing else
	dot    logical.Dot
	over   []logical.Dot
	behind []logical.Dot // the dots shown; nil: its own
	shown  string        // values apart by spaces
	at     string        // the leader; empty: n1
	again  bool          // a retry of the step before
}

// spoiler counts readings, and makes one of them wrong.
type spoiler struct {
	at, wrong int
	how       func(values []string) []string
}

func (s *spoiler) reading(values string, ds []logical.Dot) history.Reading {
	r := history.Reading{Values: strings.Fields(values), Dots: ds}
	if len(r.Values) == 0 {
		r.Values = nil
	}
	if s.at == s.wrong {
		r.Values = s.how(r.Values)
	}
	s.at++
	return r
}

// play records the steps, with a read of the last at the end.
func play(steps []step, s *spoiler) *history.History {
	told := tell()
	id := ""
	var last step
	for i, st := range steps {
		if st.at == "" {
			st.at = "n1"
		}
		if st.behind == nil {
			st.behind = dots(st.dot)
		}
		if !st.again {
			id = fmt.Sprintf("r-%d", i)
		}
		r := history.Request{ID: id, Client: "A", Leader: st.at, Key: "x", Verb: st.verb, Value: st.value, Delta: st.delta, Valued: true, Exact: st.exact}
		if st.exact {
			r.Shown = st.over
		}
		told.h.Sent(told.tick(), r)
		told.h.Accepted(told.tick(), st.at, id, history.Acceptance{Dot: st.dot, Over: st.over, Delta: st.delta, After: s.reading(st.shown, st.behind)})
		if i+1 == len(steps) || !steps[i+1].again {
			told.h.Acked(told.tick(), id, st.at, s.reading(st.shown, st.behind))
		}
		last = st
	}
	told.h.Shown(told.tick(), history.Read{Client: "R", Leader: last.at, Key: "x", Reading: s.reading(last.shown, last.behind)})
	told.final(s.reading(last.shown, last.behind), last.at)
	return told.h
}

// A wrong value anywhere, one too many or one too few, is noticed, and what is right is
// not objected to.
func TestAWrongValueAnywhereIsNoticed(t *testing.T) {
	registers := []step{
		{verb: script.OpSet, value: "1", dot: d(1, 1), shown: "1"},
		{verb: script.OpIncr, delta: 4, dot: d(1, 2), over: dots(d(1, 1)), shown: "5"},
		{verb: script.OpSet, value: "9", exact: true, dot: d(1, 3), behind: dots(d(1, 2), d(1, 3)), shown: "5 9"},
		{verb: script.OpIncr, delta: 1, dot: d(1, 4), over: dots(d(1, 2), d(1, 3)), shown: "10"},
		{verb: script.OpSet, value: "-7", exact: true, dot: d(1, 5), behind: dots(d(1, 4), d(1, 5)), shown: "10 -7"},
		{verb: script.OpIncr, delta: 1, dot: d(1, 6), over: dots(d(1, 4), d(1, 5)), shown: "11"},
		{verb: script.OpDelete, dot: d(1, 7), over: dots(d(1, 6))},
		{verb: script.OpIncr, delta: -3, dot: d(1, 8), over: dots(d(1, 7)), shown: "-3"},
		{verb: script.OpUpdate, delta: 2, dot: d(1, 9), over: dots(d(1, 8)), shown: "-1"},
		{verb: script.OpAppend, delta: 2, dot: d(1, 10), over: dots(d(1, 9)), shown: "1"},
		{verb: script.OpSet, value: "word", dot: d(1, 11), over: dots(d(1, 10)), shown: "word"},
		{verb: script.OpSet, value: "twice", dot: d(1, 12), over: dots(d(1, 11)), shown: "twice"},
		{verb: script.OpSet, value: "twice", dot: d(2, 1), behind: dots(d(1, 12), d(2, 1)), shown: "twice", at: "n2", again: true},
	}
	counted := []step{
		{verb: script.OpSet, value: "5", delta: 5, dot: d(1, 1), shown: "5"},
		{verb: script.OpIncr, delta: 2, dot: d(1, 2), over: dots(d(1, 1)), shown: "7"},
		{verb: script.OpSet, value: "10", delta: 3, dot: d(1, 3), over: dots(d(1, 2)), shown: "10"},
		{verb: script.OpDelete, dot: d(1, 4), over: dots(d(1, 3)), behind: dots(d(1, 4))},
		{verb: script.OpIncr, delta: 1, dot: d(1, 5), over: dots(d(1, 4)), shown: "1"},
		{verb: script.OpIncr, delta: 0, dot: d(1, 6), over: dots(d(1, 5)), shown: "1"},
	}
	wrongs := map[string]func([]string) []string{
		"another": func(v []string) []string {
			if len(v) == 0 {
				return []string{"0"}
			}
			return append([]string{"6"}, v[1:]...)
		},
		"one more": func(v []string) []string { return append(append([]string{}, v...), "6") },
		"one less": func(v []string) []string {
			if len(v) == 0 {
				return []string{"1"}
			}
			return v[1:]
		},
	}
	for resolver, steps := range map[string][]step{"siblings": registers, "counter": counted} {
		all := &spoiler{wrong: -1}
		v := judge(play(steps, all), resolver)
		wantNoContradictions(t, v)
		if v.Lost > 0 || v.Overcounted > 0 {
			t.Errorf("%s: %+v, though all is well: %+v", resolver, v.Stats, v.Losses)
		}
		for wrong := range all.at {
			for what, how := range wrongs {
				v := judge(play(steps, &spoiler{wrong: wrong, how: how}), resolver)
				if len(v.Contradictions) == 0 && v.Lost == 0 && v.Overcounted == 0 {
					t.Errorf("%s: %s value in reading %d of %d is not noticed", resolver, what, wrong+1, all.at)
				}
			}
		}
	}
}

// A counter that was set shows what it was set to, whatever its dots add up to.
func TestASetCounterShowsWhatItWasSetTo(t *testing.T) {
	for delta, want := range map[int64]string{
		3: "",
		4: `misshown 5ms: n1 showed ["11"] right after r-1 set x to 10`,
	} {
		shown := fmt.Sprint(7 + delta)
		steps := []step{
			{verb: script.OpIncr, delta: 7, dot: d(1, 1), shown: "7"},
			{verb: script.OpSet, value: "10", delta: delta, dot: d(1, 2), over: dots(d(1, 1)), shown: shown},
		}
		v := judge(play(steps, &spoiler{wrong: -1}), "counter")
		if want == "" {
			wantNoContradictions(t, v)
		} else {
			wantContradictions(t, v, want)
		}
	}
}
