package script_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"kvd/scenarios/script"
)

// A clone is another house: rebuilding one leaves the other as it was.
func TestCloneSharesNothing(t *testing.T) {
	s := parse(t, read(t, "testdata/everything.txtar"))
	before := s.Print()
	c := s.Clone()
	c.Leaders[0], c.Policies[0].Notes[0] = "m1", "# other"
	c.Expect.Rows[0][0], c.Expect.Columns[0] = "other", "other"
	c.Clients[0].Name, c.Events[0].Notes[0], c.Checks[0].Notes[0] = "Z", "# other", "# other"
	c.Checks[1].For[0], c.Notes["name"][0], c.Notes[""][0] = "hlc", "# other", "# other"
	for i := range c.Setup {
		if p, ok := c.Setup[i].Action.(script.Partition); ok {
			p.Sides[1][0] = "m2"
		}
	}
	if after := s.Print(); !bytes.Equal(before, after) {
		t.Errorf("the original changed:\n%s", after)
	}
}

// TestValidateFindsWhatIsNamedAndGone: leaving out a line leaves the others to name what
// it defined.
func TestValidateFindsWhatIsNamedAndGone(t *testing.T) {
	s := parse(t, []byte(ddia)).Clone()
	s.Events = s.Events[:1]
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	s = parse(t, []byte(ddia)).Clone()
	s.Events = s.Events[1:]
	dangling := s.Validate()
	want := `ddia-8-3 as printed:14:7: read "w1", expected the label of an operation on an earlier line`
	if dangling == nil || !strings.HasPrefix(dangling.Error(), want+"\n") {
		t.Errorf("got %v, want %s", dangling, want)
	}
}

// Whatever Parse could not have returned is refused, also when its text would
// read as something else.
func TestValidateRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*script.Scenario){
		"a name with a line end":    func(s *script.Scenario) { s.Title = "x\ntitle y" },
		"a label that is two words": func(s *script.Scenario) { s.Events[0].Action = labelled(s.Events[0], "w1 timeout=1s") },
		"prose with a marker":       func(s *script.Scenario) { s.Prose = "-- expect --\n" },
		"prose without a line end":  func(s *script.Scenario) { s.Prose = "prose" },
		"a note that is no comment": func(s *script.Scenario) { s.Events[0].Notes = script.Notes{"at 1s A get x"} },
		"no trigger":                func(s *script.Scenario) { s.Events[0].Trigger = nil },
		"no action in set-up":       func(s *script.Scenario) { s.Setup[0].Action = nil },
		"an action by pointer":      func(s *script.Scenario) { s.Events[0].Action = &script.Heal{} },
		"a fault outside the model": func(s *script.Scenario) { s.Events[0].Action = script.Wipe{Leader: "n1"} },
		"a leader not there":        func(s *script.Scenario) { s.Leaders = s.Leaders[:2] },
		"a resolver not there":      func(s *script.Scenario) { s.Policies = []script.Policy{{Prefix: "x", Resolver: "mine"}} },
		"rows without columns":      func(s *script.Scenario) { s.Expect.Columns = nil },
		"a check field not used":    func(s *script.Scenario) { s.Checks[0].Count = 1 },
	} {
		s := parse(t, []byte(ddia))
		spoil(s)
		if err := s.Validate(); err == nil {
			t.Errorf("%s: accepted\n%s", name, s.Print())
		}
	}
}

func labelled(e script.Event, label string) script.Action {
	op := e.Action.(script.ClientOp)
	op.Label = label
	return op
}

func TestCheckKindsAndResolvers(t *testing.T) {
	safety := map[script.CheckName]bool{
		script.CheckSession: true, script.CheckNoResurrection: true,
		script.CheckNoOvercount: true, script.CheckVisible: true,
	}
	for _, form := range script.Checks() {
		if got := form.Kind == script.Safety; got != safety[form.Name] {
			t.Errorf("%s is of kind %s", form.Name, form.Kind)
		}
		if !strings.HasPrefix(form.Usage, "check "+string(form.Name)) {
			t.Errorf("usage of %s is %q", form.Name, form.Usage)
		}
	}
	c := script.Check{Name: script.CheckConverged}
	some := script.Check{Name: script.CheckConverged, For: []string{"lww"}}
	if !c.Applies("hlc") || !some.Applies("lww") || some.Applies("hlc") {
		t.Error("a check must apply to its resolvers, or to all when it names none")
	}
}

func TestBounds(t *testing.T) {
	leaders := "-- scenario --\nname t\nleaders"
	for i := range 17 {
		leaders += " n" + string(rune('a'+i))
	}
	expectError(t, leaders+"\n", `t:3:57: read "nq", expected at most 16 leaders`)
	clients := "-- scenario --\nname t\nleaders n1\n"
	policies := head + "policy"
	for i := range 65 {
		clients += fmt.Sprintf("client C%d at=n1\n", i)
		policies += fmt.Sprintf(" %02d=lww", i)
	}
	expectError(t, clients, `t:68:8: read "C64", expected at most 64 clients`)
	expectError(t, policies, `t:5:456: read "64=lww", expected at most 64 policies`)
	long := head + strings.Repeat("at 1s A get "+strings.Repeat("k", 58)+"\n", 14_000) + "settle 1s\n"
	if s := parse(t, []byte(long)); len(s.Events) != 14_000 {
		t.Errorf("%d events", len(s.Events))
	}
}

// A text that would be read, but whose canonical form would not, is refused:
// here each of two policies gets a line of its own, and the model one.
func TestCanonicalFormIsBoundedToo(t *testing.T) {
	full := head + "policy a=lww b=hlc\n" + strings.Repeat("at 1s A get x\n", 19_994) + "settle 1s\n"
	expectError(t, full, `t:20001:1: read "20002 lines", expected at most 20000 lines in canonical form`)
}
