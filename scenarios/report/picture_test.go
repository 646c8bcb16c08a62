package report

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

func explanation(t *testing.T, s *script.Scenario, r *scenarios.Result, verbose bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := Explanation(&b, s, r, verbose, Style{}); err != nil {
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

// TestAPictureTakesTheWidthThatThereIs: words have the room that lines leave them.
func TestAPictureTakesTheWidthThatThereIs(t *testing.T) {
	s, r := figure(t)
	lines := map[int]int{}
	for _, width := range []int{70, 100, 160} {
		var b bytes.Buffer
		if err := Picture(&b, s, r, Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		within(t, b.String(), width)
		lines[width] = strings.Count(b.String(), "\n")
	}
	if lines[160] >= lines[100] || lines[100] >= lines[70] {
		t.Errorf("lines by width: %v", lines)
	}
}

func TestStoryOfTheFigure(t *testing.T) {
	s, r := figure(t)
	for name, verbose := range map[string]bool{"figure.explanation.txt": false, "figure.explanation-v.txt": true} {
		var b bytes.Buffer
		if err := Explanation(&b, s, r, verbose, Style{}); err != nil {
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
	for _, want := range []string{"B#aa is lost to poison", "fault: clock n1 step=+1h", "poison and B#aa, the first to be lost,", "of 603 events", "more lost, until"} {
		if !strings.Contains(text, want) {
			t.Errorf("picture lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "accepts B#ba") {
		t.Errorf("picture draws the life of an update that has nothing to do with the first loss:\n%s", text)
	}
}

func TestAPictureOfOneBusyUpdateStaysBounded(t *testing.T) {
	_, r := figure(t)
	for i := range 200 {
		r.Trace.Add(trace.Event{At: time.Minute + time.Duration(i)*time.Second, Kind: trace.Failed, Where: "B", Peer: "n3", Label: "w2", Key: "x", Text: "no answer"})
	}
	drawn, left := choose(entries(r.Trace), nil)
	if len(drawn) > maxAboutLoss+2*maxSimilar {
		t.Errorf("%d entries drawn", len(drawn))
	}
	if !strings.Contains(left, "in 30 of 211 events") {
		t.Errorf("it says %q", left)
	}
	r.Trace = without(r.Trace, trace.Lost)
	if drawn, left = choose(entries(r.Trace), nil); len(drawn) > maxSurroundings+maxSimilar || !strings.Contains(left, "the faults, the losses, and what surrounds them") {
		t.Errorf("without a loss: %d entries drawn, %q", len(drawn), left)
	}
}

func TestALongStoryFoldsWhatRepeats(t *testing.T) {
	s, r := figure(t)
	r.Trace = long(200)
	folded, whole := explanation(t, s, r, false), explanation(t, s, r, true)
	if n := strings.Count(folded, "\n"); n > 50 {
		t.Errorf("%d lines:\n%s", n, folded)
	}
	if !strings.Contains(folded, "197 more lost") {
		t.Errorf("the explanation does not say how many losses it folded:\n%s", folded)
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
	l := participants{names: []string{"n1", "n2", "n3"}, pitch: 9}
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
	if err := Explanation(&bytes.Buffer{}, s, r, false, Style{}); err == nil {
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

// TestEveryFaultAndLossOfALongStoryIsDrawn: by itself, or in a line that counts
// those that are not.
func TestEveryFaultAndLossOfALongStoryIsDrawn(t *testing.T) {
	s, r := figure(t)
	r.Trace, r.Losses = &trace.Trace{}, []oracle.Loss{{Label: "gone"}}
	faults, losses := 0, 0
	for i := range 3000 {
		e := trace.Event{At: time.Duration(i) * time.Second, Kind: trace.Acked, Where: "A", Peer: "n1", Label: fmt.Sprint("w", i), Key: "x"}
		switch {
		case i == 1500:
			e = trace.Event{At: e.At, Kind: trace.Fault, Text: "wipe n1"}
		case i%50 == 7:
			e = trace.Event{At: e.At, Kind: trace.Fault, Text: "cut n1>n2"}
		case i%10 == 3:
			e = trace.Event{At: e.At, Kind: trace.Lost, Where: "n1", Label: fmt.Sprint("w", i-1), Other: "w0", Text: "so it was"}
		case i == 1400:
			e.Label = "gone"
		}
		if e.Kind == trace.Fault {
			faults++
		}
		if e.Kind == trace.Lost {
			losses++
		}
		r.Trace.Add(e)
	}
	for _, kind := range []trace.Kind{0, trace.Lost} {
		r.Trace = without(r.Trace, kind)
		if kind == trace.Lost {
			losses = 0
		}
		drawn, left := choose(entries(r.Trace), lostLabels(r))
		f, l := 0, 0
		for _, b := range drawn {
			switch {
			case strings.HasPrefix(b.words, "… "):
				f, l = f+number(b.words, ` more fault`), l+number(b.words, ` more lost`)
			case b.kind == trace.Fault:
				f++
			case b.kind == trace.Lost:
				l++
			}
		}
		if f != faults || l != losses {
			t.Errorf("%d of %d faults and %d of %d losses are told of", f, faults, l, losses)
		}
		if len(drawn) > 120 || !strings.Contains(left, "Drawn: the faults") {
			t.Errorf("%d entries are drawn: %q", len(drawn), left)
		}
		var text bytes.Buffer
		if err := Picture(&text, s, r, Style{}); err != nil || !strings.Contains(text.String(), "fault: wipe n1") {
			t.Errorf("the picture lacks the fault that came once: %v", err)
		}
	}
	if !slices.ContainsFunc(first(choose(entries(r.Trace), lostLabels(r))), func(b entry) bool { return b.label == "gone" }) {
		t.Error("the picture lacks the update that is gone though nothing beat it")
	}
}

func first(drawn []entry, _ string) []entry { return drawn }

// number is the one that stands before what.
func number(words, what string) int {
	m := regexp.MustCompile(`([0-9,]+)` + what).FindStringSubmatch(words)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
	return n
}

// without is the trace without the events of a kind.
func without(t *trace.Trace, kind trace.Kind) *trace.Trace {
	return trace.Of(slices.DeleteFunc(slices.Collect(t.All()), func(e trace.Event) bool { return e.Kind == kind })...)
}
