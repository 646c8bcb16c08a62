package course_test

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"

	"kvd/scenarios"
	"kvd/scenarios/course"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
)

// solutions is what to replace in each exercise, and by what.
var solutions = map[string][]string{
	"partial-1":    {"at 4s                         heal", "at 2.5s heal"},
	"partial-2":    {"check value x = 0", "check value x = 3"},
	"networks-1":   {"cut n1>n3", "cut n2>n1"},
	"networks-2":   {"check value x = 0", "check value x = 12"},
	"clocks-1":     {"check lost x = 0 for lww", "check lost x = 10 for lww"},
	"clocks-2":     {"check lost x = 0 for lww", "check lost x = 21 for lww"},
	"timestamps-1": {"offset=+3ms", "offset=+1ms"},
	"timestamps-2": {"+1.5ms", "+100us"},
	"intervals-1":  {"error=1ms", "error=3ms"},
	"intervals-2":  {"offset=+20ms", "offset=+20ms error=20ms"},
	"majority-1":   {"check value x = 0", "check value x = 25", "check lost x = 0", "check lost x = 10"},
	"majority-2":   {"seen:=lww", "seen:=counter", "cart:=counter", "cart:=siblings"},
	"pauses-1":     {"pause=30s", "pause=5s"},
	"pauses-2":     {"check value x = 0", "check value x = 12", "check lost x = 0", "check lost x = 1"},
	"fencing-1":    {"under job   as late", "fenced job as late"},
	"fencing-2":    {"settle 5s", "at 3s B unlock job\nsettle 5s"},
	"lies-1":       {"at 1.5s                       backup", "at 3s backup"},
	"lies-2":       {"check durability = 0", "check durability = 3"},
	"safety-1":     {"at=n1", "at=n1 session"},
	"safety-2":     {"settle 2s", "at 5s heal\nsettle 2s"},
}

func exercises() (all []course.Exercise) {
	for _, s := range course.Sections() {
		all = append(all, s.Exercises...)
	}
	return all
}

func parse(t *testing.T, name string, text []byte) *script.Scenario {
	t.Helper()
	s, err := script.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// broken is how many promises do not hold, under all resolvers.
func broken(t *testing.T, s *script.Scenario) (n int) {
	t.Helper()
	results, err := scenarios.Compare(context.Background(), []*script.Scenario{s}, scenarios.Resolvers(), 0, runtime.NumCPU(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		for _, p := range r.Promises {
			if !p.Held {
				n++
			}
		}
	}
	return n
}

// TestExercisesAreUnsolvedAndCanBeSolved plays each as it is given, and with its solution.
func TestExercisesAreUnsolvedAndCanBeSolved(t *testing.T) {
	for _, e := range exercises() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			given := parse(t, e.Name, e.Source())
			if given.Name != e.Name {
				t.Errorf("it is called %s", given.Name)
			}
			if err := e.Changed(given); err != nil {
				t.Error(err)
			}
			if broken(t, given) == 0 {
				t.Error("it is solved as it is given")
			}
			text := strings.NewReplacer(solutions[e.Name]...).Replace(string(e.Source()))
			solved := parse(t, e.Name, []byte(text))
			if err := e.Changed(solved); err != nil {
				t.Error(err)
			}
			if n := broken(t, solved); n > 0 {
				t.Errorf("%d promises are broken by the solution", n)
			}
		})
	}
}

// TestExercisesArePrintedAsScriptsAre: what somebody begins with is canonical.
func TestExercisesArePrintedAsScriptsAre(t *testing.T) {
	for _, e := range exercises() {
		if want := parse(t, e.Name, e.Source()).Print(); !bytes.Equal(e.Source(), want) {
			t.Errorf("%s is not as scripts are printed:\n%s", e.Name, want)
		}
	}
}

// TestOtherChangesAreNamed: whoever removes the check, or the fault, has solved nothing.
func TestOtherChangesAreNamed(t *testing.T) {
	e, ok := course.Find("timestamps-1")
	if !ok {
		t.Fatal("there is no timestamps-1")
	}
	for want, change := range map[string][2]string{
		`the line "check lost = 0 for lww" is gone`:                                 {"check lost = 0 for lww\n", ""},
		`the line "check lost = 0 for lww" has become "check lost = 1 for lww"`:     {"lost = 0", "lost = 1"},
		`the line "check acked = accounted" is new`:                                 {"lost = 0 for lww\n", "lost = 0 for lww\ncheck acked = accounted\n"},
		`there are 0 lines like "clock n1 offset=+*", there were 1`:                 {"clock    n1 offset=+3ms\n", ""},
		`there are 2 lines like "clock n1 offset=+*", there were 1`:                 {"clock    n1 offset=+3ms\n", "clock    n1 offset=+3ms\nclock    n1 offset=+1ms\n"},
		`the line "link n1>n2 delay=5ms" has become "clock n1 offset=-3ms"`:         {"n1 offset=+3ms", "n1 offset=-3ms"},
		`the line "at 42.001s A set x 1 as w1" has become "at 42s A set x 1 as w1"`: {"at 42.001s", "at 42s    "},
	} {
		text := strings.Replace(string(e.Source()), change[0], change[1], 1)
		if text == string(e.Source()) {
			t.Fatalf("%q changes nothing", change)
		}
		if err := e.Changed(parse(t, "x", []byte(text))); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", change, err, want)
		}
	}
}

func TestSectionsNameWhatThereIs(t *testing.T) {
	names := map[string]bool{}
	for _, s := range course.Sections() {
		if names[s.Name] || s.Heading == "" || s.Text == "" || len(s.Scenarios) == 0 || len(s.Exercises) != 2 {
			t.Errorf("%+v", s)
		}
		names[s.Name] = true
		for _, name := range s.Scenarios {
			if !slices.Contains(library.Names(), name) {
				t.Errorf("%s names %s", s.Name, name)
			}
		}
		for _, e := range s.Exercises {
			if e.Task == "" || strings.Contains(e.Task, "\n\n") {
				t.Errorf("the task of %s is %q", e.Name, e.Task)
			}
		}
	}
}
