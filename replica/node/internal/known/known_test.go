package known

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica/member"
)

func TestNamesAreKeptAndBounded(t *testing.T) {
	dir := t.TempDir()
	n, err := ReadOrigins(dir)
	if err != nil || n.Leader(1) != "" {
		t.Fatalf("at first %q, %v", n.Leader(1), err)
	}
	v := member.View{Members: []member.Member{{Name: "n1", Origin: 1 << 63}, {Name: "n2", Origin: 7}, {Name: "n3"}}}
	if !n.LearnView(v) || n.LearnView(v) {
		t.Error("what is learnt is news once")
	}
	for i := range maxOrigins - 2 {
		n.Learn(logical.Origin(100+i), "many")
	}
	if n.Leader(1<<63) != "n1" {
		t.Error("one is forgotten too early")
	}
	n.Learn(9, "one more")
	if n.Leader(1<<63) != "" || n.Leader(7) != "n2" || n.Leader(9) != "one more" || len(n.of) != maxOrigins || len(n.order) != maxOrigins {
		t.Errorf("beyond the bound %d are known", len(n.of))
	}
	if err := n.Write(dir); err != nil {
		t.Fatal(err)
	}
	again, err := ReadOrigins(dir)
	if err != nil || !slices.Equal(again.order, n.order) || again.Leader(7) != "n2" {
		t.Errorf("read back %d, %v", len(again.of), err)
	}
	if err := os.WriteFile(filepath.Join(dir, originsFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := ReadOrigins(dir); err == nil || n.Leader(7) != "" || !n.Learn(7, "n2") {
		t.Error("a damaged file is not told of, or nothing can be learnt afterwards")
	}
}

func TestMembersAreRemembered(t *testing.T) {
	dir := t.TempDir()
	a, err := ReadMembers(dir)
	if err != nil || len(a) != 0 {
		t.Fatalf("at first %v, %v", a, err)
	}
	v := member.View{Members: []member.Member{{Name: "n1", HTTPAddr: "a:1"}, {Name: "n2", HTTPAddr: "b:1", RespAddr: "b:2", PeerAddr: "b:3", Origin: 1 << 63}}}
	if !a.Learn("n1", v) || a.Learn("n1", v) {
		t.Error("what is learnt is news once")
	}
	if err := a.Write(dir); err != nil {
		t.Fatal(err)
	}
	if again, err := ReadMembers(dir); err != nil || len(again) != 1 || again["n2"] != (Address{"b:1", "b:2", "b:3", 1 << 63}) {
		t.Errorf("read %v, %v", again, err)
	}
	if err := os.WriteFile(filepath.Join(dir, membersFile), []byte(`{"n2": "b:1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := ReadMembers(dir); err != nil || again["n2"] != (Address{HTTP: "b:1"}) || again.Pages()["n2"] != "b:1" {
		t.Errorf("of a former version it reads %v, %v", again, err)
	}
}

// Who is known and not there is in the view, by name, as absent.
func TestTheKnownAreInTheView(t *testing.T) {
	v := member.View{Members: []member.Member{{Name: "n1", Status: member.Alive}, {Name: "n3", Status: member.Left}}}
	m := Members{"n2": {RESP: "b:2", Origin: 7}, "n3": {RESP: "c:2"}}
	all := m.With(v).Members
	if len(all) != 3 || all[1] != (member.Member{Name: "n2", Status: member.Absent, RespAddr: "b:2", Origin: 7}) || all[2].Status != member.Left || len(v.Members) != 2 {
		t.Errorf("%+v", all)
	}
}

// In whatever order leaders hear what was said, they come to the same.
func TestWhatIsForgottenConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) member.Forgetting {
			return member.Forgetting{Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), At: rapid.Int64Range(0, 3).Draw(t, "at"), Lifted: rapid.Bool().Draw(t, "lifted")}
		}), 1, 8).Draw(t, "said")
		one, other := NewForgotten(), NewForgotten()
		for _, g := range said {
			one.Learn(g)
		}
		for _, g := range rapid.Permutation(append(slices.Clone(said), said...)).Draw(t, "order") {
			other.Learn(g)
		}
		if !slices.Equal(one.List(), other.List()) {
			t.Fatalf("%v and %v", one.List(), other.List())
		}
		if g := one.Say("a", "n1", true); one.Has("a") && !g.After(one.of["a"]) {
			t.Fatal("what is said anew does not count")
		}
	})
}
