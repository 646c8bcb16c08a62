package resolve_test

import (
	"errors"
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/resolve/resolvetest"
)

// Whichever keeps a live set, alone or not: a plain write names what it hides,
// and covers it.
func TestPlainWriteNamesWhatWasHidden(t *testing.T) {
	for _, shadows := range []resolve.Mask{resolve.Siblings.Mask(), resolve.Causal.Mask(), resolve.All &^ resolve.LWW.Mask()} {
		s := newStory(t, resolve.Panel{Serving: resolve.LWW, Shadows: shadows}, "a", "b")
		hidden := s.do("b", put("hidden"))
		shown := s.do("a", put("shown"))
		s.ship("b", "a")
		op := s.do("a", put("next"))
		if !slices.Equal(op.Parents, []logical.Dot{shown.Dot}) || !slices.Equal(op.Hidden, []logical.Dot{hidden.Dot}) {
			t.Errorf("%v: parents %v and hidden %v, want %s and %s", shadows.Names(), op.Parents, op.Hidden, shown.Dot, hidden.Dot)
		}
		o, live := s.leaders["a"].Object, resolve.Siblings.Mask()|resolve.Causal.Mask()
		if i, held := o.Find(hidden.Dot); held && o.Versions[i].Mask&live != 0 {
			t.Errorf("%v: what the write covers is kept by %v", shadows.Names(), o.Versions[i].Mask.Names())
		}
	}
}

func TestDraftSharesNothingAndChangesNothing(t *testing.T) {
	s := newStory(t, served(resolve.Siblings), "a")
	first := s.do("a", put("one"))
	l := s.leaders["a"]
	was := resolvetest.Render(l.Object)
	context := []logical.Dot{first.Dot}
	op, err := l.Panel.Draft(l.Object, 10, over(remove(), context...).Intent, l.History)
	if err != nil {
		t.Fatal(err)
	}
	op.Parents[0] = logical.Dot{Origin: 666, Seq: 666}
	if now := resolvetest.Render(l.Object); now != was {
		t.Errorf("drafting changed the object to\n%s", now)
	}
	if context[0] != first.Dot {
		t.Error("the draft shares memory with the intent")
	}
}

func TestAdditionToARegisterStartsFromTheGreatestShown(t *testing.T) {
	s := newStory(t, served(resolve.Siblings), "a")
	s.do("a", put("3"))
	s.do("a", over(put("40")))
	op := s.do("a", add(2))
	if string(op.Value) != "42" || op.Delta != number.Of(2) {
		t.Errorf("value %s, delta %s; want 42 and 2", op.Value, op.Delta)
	}
}

func TestAdditionToAWordIsRefused(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a")
	s.do("a", put("word"))
	l := s.leaders["a"]
	if _, err := l.Panel.Draft(l.Object, 10, add(0).Intent, l.History); !errors.Is(err, resolve.ErrNotInteger) {
		t.Errorf("error is %v, want ErrNotInteger", err)
	}
	s.do("a", remove())
	if op := s.do("a", add(1)); string(op.Value) != "1" {
		t.Errorf("after a deletion the value is %s, want 1", op.Value)
	}
}

// A number is written as one is printed, as Redis has it; what is not is a text to
// whoever adds, and refused where a counter serves.
func TestNumbersAreWrittenAsTheyArePrinted(t *testing.T) {
	for text, number := range map[string]bool{
		"0": true, "7": true, "-7": true, "9223372036854775807": true, "-9223372036854775808": true,
		"007": false, "00": false, "+1": false, "-0": false, "-07": false, "": false, "-": false, "1 ": false,
	} {
		s := newStory(t, served(resolve.LWW), "a")
		s.do("a", put(text))
		l := s.leaders["a"]
		_, err := l.Panel.Draft(l.Object, 10, add(0).Intent, l.History)
		if number != (err == nil) || !number && !errors.Is(err, resolve.ErrNotInteger) {
			t.Errorf("added to the register %q: %v", text, err)
		}
		c := newStory(t, served(resolve.Counter), "a").leaders["a"]
		if _, err := c.Panel.Draft(c.Object, 10, put(text).Intent, c.History); number != (err == nil) {
			t.Errorf("set a counter to %q: %v", text, err)
		}
	}
}

// What one leader writes, texts among it, leaves the counter that watches with the number
// that is shown last: another policy may make a counter of the key.
func TestTheCounterFollowsNumbersOverTexts(t *testing.T) {
	for _, writes := range [][]string{
		{"1", "x", "7"}, {"x", "7"}, {"x", "y", "-7"}, {"1", "x", "x", "7"}, {"1", "07", "7"}, {"5", "x", "", "7", "y", "2"},
	} {
		s := newStory(t, resolve.Panel{Serving: resolve.LWW, Shadows: resolve.Counter.Mask()}, "a")
		for _, w := range writes {
			s.do("a", put(w))
		}
		want, _ := number.Canonical([]byte(writes[len(writes)-1]))
		if got, _ := s.leaders["a"].Object.Sum(); got != number.Of(want) {
			t.Errorf("%q leave the counter at %s", writes, got)
		}
	}
}
