package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kvd/scenarios/library"
	"kvd/scenarios/playground/engine"
)

func open(t *testing.T, name string) engine.Answer {
	t.Helper()
	a := engine.Do(engine.Request{Do: "open", Name: name}, nil)
	if len(a.Mistakes) > 0 {
		t.Fatal(a.Mistakes)
	}
	return a
}

// lost is what each resolver loses of a script, in the order of resolvers.
func lost(t *testing.T, text string) (all []int) {
	t.Helper()
	a := engine.Do(engine.Request{Do: "play", Text: text}, nil)
	if len(a.Mistakes) > 0 {
		t.Fatal(a.Mistakes)
	}
	var story struct {
		Again string
		Runs  []struct{ Counts struct{ Lost int } }
	}
	if err := json.Unmarshal(a.Story, &story); err != nil {
		t.Fatal(err)
	}
	for _, r := range story.Runs {
		all = append(all, r.Counts.Lost)
	}
	if a.Seed != "1" || !strings.HasSuffix(story.Again, "--seed 1") {
		t.Errorf("the seed is %s, and the story is played again by %s", a.Seed, story.Again)
	}
	return all
}

// TestAKnobChangesTheScript: the figure's loss is gone once the clocks are 1 ms apart.
func TestAKnobChangesTheScript(t *testing.T) {
	a := open(t, "ddia-8-3")
	if strings.Contains(a.Text, "-- expect --") {
		t.Error("the text still expects what happens without a change")
	}
	if all := lost(t, a.Text); len(all) != 7 || all[0] != 1 || all[1] != 0 {
		t.Errorf("the figure loses %v", all)
	}
	turned := engine.Do(engine.Request{Do: "turn", Text: a.Text, Knob: "clock n1", Value: 1e6}, nil)
	if len(turned.Mistakes) > 0 || !strings.Contains(turned.Text, "n1 offset=+1ms") {
		t.Fatalf("%v %s", turned.Mistakes, turned.Text)
	}
	if all := lost(t, turned.Text); all[0] != 0 {
		t.Errorf("with clocks 1 ms apart lww loses %d", all[0])
	}
}

// TestEveryKnobOfTheLibraryTurns: whatever a slider of a scenario is set to, the next one
// finds it there, and the other sliders where they were.
func TestEveryKnobOfTheLibraryTurns(t *testing.T) {
	for _, name := range library.Names() {
		before := open(t, name)
		for i, k := range before.Knobs {
			value := k.Stops[(k.At+1)%len(k.Stops)]
			a := engine.Do(engine.Request{Do: "turn", Text: before.Text, Knob: k.ID, Value: value}, nil)
			if len(a.Mistakes) > 0 {
				if !strings.Contains(a.Mistakes[0].Message, "under timing=synchronous") {
					t.Errorf("%s: %s cannot be turned: %s", name, k.ID, a.Mistakes[0].Message)
				}
				continue
			}
			for j, now := range a.Knobs {
				want := before.Knobs[j].Stops[before.Knobs[j].At]
				if i == j {
					want = value
				}
				if got := now.Stops[now.At]; got != want {
					t.Errorf("%s: once %s is %d, %s is %d, want %d", name, k.ID, value, now.ID, got, want)
				}
			}
		}
	}
}

func TestWhatIsWrongIsShown(t *testing.T) {
	text := open(t, "ddia-8-3").Text
	misspelt := strings.Replace(text, "leaders  n1", "leadres  n1", 1)
	a := engine.Do(engine.Request{Do: "look", Text: misspelt}, nil)
	if len(a.Mistakes) == 0 {
		t.Fatal("a misspelt verb is no mistake")
	}
	m, line := a.Mistakes[0], 1+strings.Count(misspelt[:strings.Index(misspelt, "leadres")], "\n")
	if m.Line != line || m.Column != 1 || m.Excerpt != "    leadres  n1 n2 n3\n    ^" || !strings.Contains(m.Message, "leaders") {
		t.Errorf("%+v", m)
	}
	for what, q := range map[string]engine.Request{
		"at most 6666":     {Do: "play", Text: strings.Replace(text, "settle", "every 1us times=20000 from=1s A set x 1\nsettle", 1)},
		"no whole number":  {Do: "play", Text: text, Seed: "-1"},
		"no scenario":      {Do: "open", Name: "none"},
		"could be turned":  {Do: "turn", Text: text, Knob: "clock n9"},
		"open, look, turn": {Do: "dance", Text: text},
	} {
		if a := engine.Do(q, nil); len(a.Mistakes) == 0 || a.Story != nil || !strings.Contains(a.Mistakes[0].Message, what) {
			t.Errorf("%s: %v", what, a.Mistakes)
		}
	}
}
