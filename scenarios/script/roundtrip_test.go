package script_test

import (
	"bytes"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/scenarios/script"
)

func parse(t interface{ Fatalf(string, ...any) }, text []byte) *script.Scenario {
	s, err := script.Parse("t", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

// stable holds a scenario to the laws of printing.
func stable(t interface{ Fatalf(string, ...any) }, s *script.Scenario) {
	text := s.Print()
	again := parse(t, text)
	if !reflect.DeepEqual(again, s) {
		t.Fatalf("parsing what was printed gives another scenario:\n%s\n%+v\n%+v", text, s, again)
	}
	if !bytes.Equal(again.Print(), text) {
		t.Fatalf("printing is not idempotent:\n%s\n%s", text, again.Print())
	}
}

func TestIntroductoryScript(t *testing.T) {
	s := parse(t, []byte(ddia))
	stable(t, s)
	want := script.After{Label: "w1", SeenBy: "n3", Plus: 1500 * time.Microsecond}
	if s.Events[1].Trigger != want {
		t.Errorf("got %v, want %v", s.Events[1].Trigger, want)
	}
	if s.Model != (script.Model{Timing: script.PartiallySynchronous, Nodes: script.CrashStop}) {
		t.Errorf("got model %v", s.Model)
	}
	offset := script.ClockFault{Leader: "n1", Offset: script.Some(3 * time.Millisecond)}
	if s.Setup[1].Action != script.Action(offset) {
		t.Errorf("got %+v", s.Setup[1].Action)
	}
	if got := s.Expect.Rows[2]; !reflect.DeepEqual(got, []string{"..."}) {
		t.Errorf("the row left out reads %q", got)
	}
}

// The loose script uses every form; the canonical one was read and found
// right by people.
func TestEverything(t *testing.T) {
	loose, canonical := read(t, "testdata/everything.txtar"), read(t, "testdata/everything.canonical.txtar")
	s := parse(t, loose)
	if got := s.Print(); !bytes.Equal(got, canonical) {
		t.Errorf("got\n%s\nwant\n%s", got, canonical)
	}
	stable(t, s)
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}

func TestEverythingUsesEveryVerbAndCheck(t *testing.T) {
	text := string(read(t, "testdata/everything.txtar"))
	for _, v := range script.Verbs() {
		if !strings.Contains(text, "\n"+v.Name+" ") && !strings.Contains(text, " "+v.Name+" ") {
			t.Errorf("verb %s is not used", v.Name)
		}
		if v.Usage == "" || v.Meaning == "" || v.Where == "" || v.Position == "" {
			t.Errorf("verb %s is not described: %+v", v.Name, v)
		}
	}
	for _, c := range script.Checks() {
		if !strings.Contains(text, "check "+string(c.Name)) {
			t.Errorf("check %s is not used", c.Name)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := generate(t)
		stable(t, s)
		if err := s.Validate(); err != nil {
			t.Fatalf("%v\n%s", err, s.Print())
		}
	})
}

// Line ends of other systems, blanks and the order of lines do not matter.
func TestLooseTextReadsTheSame(t *testing.T) {
	crlf := strings.ReplaceAll(ddia, "\n", "\r\n")
	wide := strings.ReplaceAll(ddia, " +1500us ", " \t+1500us\t  ")
	moved := strings.Replace(ddia, "name     ddia-8-3\n", "", 1)
	moved = strings.Replace(moved, "at 42.001s", "  name ddia-8-3\nat 42.001s", 1)
	want := parse(t, []byte(ddia)).Print()
	for _, text := range []string{crlf, wide, moved} {
		if got := parse(t, []byte(text)).Print(); !bytes.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(ddia))
	for _, file := range []string{"testdata/everything.txtar", "testdata/everything.canonical.txtar"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, c := range malformed() {
		if len(c.script) < 1000 {
			f.Add([]byte(c.script))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := script.Parse("t", data)
		if err != nil {
			return
		}
		stable(t, s)
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}

// What a parse allocates is a bounded multiple of its input, whatever the
// input asks for: a cell may be padded to forty, and is copied a dozen times.
func TestMemoryIsBoundedByTheInput(t *testing.T) {
	long := head + "at 1s A set x " + strings.Repeat("v", 60<<10) + " as w\n"
	long += strings.Repeat("every 1s times=100 A get x\n", 15_000) + "settle 1s\n"
	for name, text := range map[string]string{
		"one long line and many short": long,
		"a wide table":                 head + "settle 1s\n-- expect --\n" + wideTable(),
		"only notes":                   "-- scenario --\n" + strings.Repeat("#\n\n", 9_000),
	} {
		bytesUsed := allocated(func() {
			s, err := script.Parse("t", []byte(text))
			if err == nil {
				_ = s.Print()
			}
		})
		if limit := int64(500*len(text) + 1<<20); bytesUsed > limit {
			t.Errorf("%s: %d bytes of script took %d bytes", name, len(text), bytesUsed)
		}
	}
}

// allocated is how many bytes the work takes from the heap, freed or not.
func allocated(work func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// wideTable pads as much as alignment can: short cells under wide ones.
func wideTable() string {
	wide := strings.Repeat(strings.Repeat("w", 37)+" ", 100)
	return wide + "\n" + strings.Repeat(strings.Repeat("1 ", 100)+"\n", 150)
}
