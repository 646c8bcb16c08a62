package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

func story(t *testing.T, s *script.Scenario, r *scenarios.Result, verbose bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := Story(&b, s, r, verbose, Style{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPictureOfTheFigure(t *testing.T) {
	s, r := figure(t)
	var b bytes.Buffer
	if err := Picture(&b, s, r, Style{}); err != nil {
		t.Fatal(err)
	}
	within(t, b.String(), pictureWidth)
	golden(t, "figure.picture.txt", b.Bytes())
}

func TestStoryOfTheFigure(t *testing.T) {
	s, r := figure(t)
	for name, verbose := range map[string]bool{"figure.story.txt": false, "figure.story-v.txt": true} {
		var b bytes.Buffer
		if err := Story(&b, s, r, verbose, Style{}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func TestALongTraceIsDrawnAroundItsFirstLossAndSaysSo(t *testing.T) {
	s, r := figure(t)
	r.Trace = long(200)
	var b bytes.Buffer
	if err := Picture(&b, s, r, Style{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	within(t, text, pictureWidth)
	if n := strings.Count(text, "\n"); n > 60 {
		t.Errorf("%d lines for a long trace:\n%s", n, text)
	}
	for _, want := range []string{"B#aa is lost to poison", "fault: clock n1 step=+1h", "Drawn: poison and B#aa, the first to be lost, in 6 of 603 events"} {
		if !strings.Contains(text, want) {
			t.Errorf("picture lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "B#ba") {
		t.Errorf("picture draws an update that has nothing to do with the first loss:\n%s", text)
	}
}

func TestAPictureOfOneBusyUpdateStaysBounded(t *testing.T) {
	_, r := figure(t)
	for i := range 200 {
		r.Trace.Add(trace.Event{At: time.Minute + time.Duration(i)*time.Second, Kind: trace.Failed, Where: "B", Peer: "n3", Label: "w2", Key: "x", Text: "no answer"})
	}
	drawn, left := choose(beats(r.Trace), nil)
	if len(drawn) > focusBeats+faultsBefore+faultsAfter {
		t.Errorf("%d beats drawn", len(drawn))
	}
	if !strings.Contains(left, "in 30 of 211 events") {
		t.Errorf("it says %q", left)
	}
	r.Trace.Events = slices.DeleteFunc(r.Trace.Events, func(e trace.Event) bool { return e.Kind == trace.Lost })
	if drawn, left = choose(beats(r.Trace), nil); len(drawn) != wholeBeats || !strings.Contains(left, "the first 40 of") {
		t.Errorf("without a loss: %d beats drawn, %q", len(drawn), left)
	}
}

func TestALongStoryFoldsWhatRepeats(t *testing.T) {
	s, r := figure(t)
	r.Trace = long(200)
	folded, whole := story(t, s, r, false), story(t, s, r, true)
	if n := strings.Count(folded, "\n"); n > 50 {
		t.Errorf("%d lines:\n%s", n, folded)
	}
	if !strings.Contains(folded, "197 more lost") {
		t.Errorf("the story does not say how many losses it folded:\n%s", folded)
	}
	if n := strings.Count(whole, "✗ B#"); n != 200 {
		t.Errorf("-v tells of %d losses, want 200", n)
	}
}

func TestLossesAreRedOnlyWithColour(t *testing.T) {
	s, r := figure(t)
	var plain, coloured bytes.Buffer
	if err := Picture(&plain, s, r, Style{}); err != nil {
		t.Fatal(err)
	}
	if err := Picture(&coloured, s, r, Style{Colour: true}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") {
		t.Error("escape sequences without colour")
	}
	if !strings.Contains(coloured.String(), "\x1b[31m") {
		t.Error("no red with colour")
	}
	stripped := strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "").Replace(coloured.String())
	if stripped != plain.String() {
		t.Error("colour changes the layout")
	}
}

func TestADroppedMessageDoesNotArrive(t *testing.T) {
	l := lanes{names: []string{"n1", "n2", "n3"}, pitch: 9}
	for _, c := range []struct {
		from, to string
		dropped  bool
		want     string
	}{
		{"n1", "n2", false, "├───w1──▶●        │"},
		{"n1", "n3", false, "├───w1───┼───────▶●"},
		{"n3", "n1", false, "●◀───────┼───w1───┤"},
		{"n1", "n3", true, "├───w1───┼───────╳│"},
	} {
		got := strings.TrimRight(string(l.arrow(c.from, c.to, "w1", '●', c.dropped)), " ")
		if got != c.want {
			t.Errorf("%s to %s:\n%s want\n%s", c.from, c.to, got, c.want)
		}
	}
}

func TestAResultWithoutATraceIsRefused(t *testing.T) {
	s, r := figure(t)
	r.Trace = nil
	if err := Picture(&bytes.Buffer{}, s, r, Style{}); err == nil {
		t.Error("drew nothing")
	}
	if err := Story(&bytes.Buffer{}, s, r, false, Style{}); err == nil {
		t.Error("told nothing")
	}
}

func TestAnEmptyTraceHasAPicture(t *testing.T) {
	s, r := figure(t)
	r.Trace = &trace.Trace{}
	var b bytes.Buffer
	if err := Picture(&b, s, r, Style{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "x = 1") {
		t.Errorf("no ending:\n%s", b.String())
	}
}
