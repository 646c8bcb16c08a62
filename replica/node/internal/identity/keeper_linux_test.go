package identity

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// place is a data directory, and where it is attested.
type place struct {
	t          *testing.T
	dir, state string
}

func newPlace(t *testing.T) place {
	p := place{t, t.TempDir(), filepath.Join(t.TempDir(), "state")}
	must(t, os.Mkdir(filepath.Join(p.dir, "store"), 0o700))
	return p
}

func (p place) keeper() *Keeper { return NewKeeper(p.dir, p.state) }

// begins recalls the last incarnation, as every start does, and begins one.
func (p place) begins(run Run) *Keeper {
	p.t.Helper()
	k := p.keeper()
	_, _ = k.Recall()
	if unattested, err := k.Begin(run); unattested != nil || err != nil {
		p.t.Fatalf("begin: %v, %v", unattested, err)
	}
	return k
}

// edits changes what the attestation says.
func (p place) edits(change func(*attestation)) {
	p.t.Helper()
	a := attester{p.dir, p.state}
	path, err := a.path()
	must(p.t, err)
	text, err := os.ReadFile(path)
	must(p.t, err)
	said := &attestation{}
	must(p.t, json.Unmarshal(text, said))
	change(said)
	must(p.t, a.write(said))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// copied is a copy of the directory, with times and modes, in the place of what was there.
func copied(t *testing.T, from, to string) {
	t.Helper()
	all, err := os.ReadDir(to)
	must(t, err)
	for _, e := range all {
		must(t, os.RemoveAll(filepath.Join(to, e.Name())))
	}
	if out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

const own = 7

// Each row is one way in which a directory comes to a start: what happened since its
// leader began to run on it, and what is decided. The rows of doc.go that need peers or a
// log are tested where those are.
func TestWhetherTheLastOriginIsResumed(t *testing.T) {
	for _, c := range []struct {
		name, says string // empty: it is resumed
		run        Run
		happens    func(t *testing.T, p *place, k *Keeper)
	}{
		{"a clean stop", "", Run{Synced: true}, func(t *testing.T, _ *place, k *Keeper) { must(t, k.End(9, 70)) }},
		{"kill -9", "", Run{Synced: true}, nil},
		{"kill -9, not synced", "", Run{}, nil},
		{"power loss, synced", "", Run{Synced: true}, func(_ *testing.T, p *place, _ *Keeper) { p.edits(func(a *attestation) { a.Run.Boot = "before" }) }},
		{"power loss, not synced", "machine was restarted", Run{}, func(_ *testing.T, p *place, _ *Keeper) { p.edits(func(a *attestation) { a.Run.Boot = "before" }) }},
		{"power loss after a clean stop, not synced", "", Run{}, func(t *testing.T, p *place, k *Keeper) {
			must(t, k.End(9, 70))
			p.edits(func(a *attestation) { a.Run.Boot = "before" })
		}},
		{"an old backup in its place", "older backup", Run{Synced: true}, func(t *testing.T, p *place, k *Keeper) {
			backup := t.TempDir()
			must(t, k.End(9, 70))
			copied(t, p.dir, backup)
			k = p.begins(Run{Origin: own, Seq: 9, Synced: true})
			must(t, k.End(9, 70)) // nothing was accepted in between
			copied(t, backup, p.dir)
		}},
		{"a backup of the same incarnation in its place", "by a copy or a backup", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) {
			backup := t.TempDir()
			copied(t, p.dir, backup)
			copied(t, backup, p.dir)
		}},
		{"a clone on this machine", "may be a copy", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) {
			clone := t.TempDir()
			copied(t, p.dir, clone)
			p.dir = clone
		}},
		{"a clone on another machine", "another machine", Run{Synced: true}, func(_ *testing.T, p *place, _ *Keeper) {
			p.edits(func(a *attestation) { a.Machine = "other" })
		}},
		{"another state directory", "may be a copy", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) { p.state = t.TempDir() }},
		{"no state directory", "", Run{Synced: true}, func(_ *testing.T, p *place, _ *Keeper) {
			p.state = ""
			p.begins(Run{Origin: own, Seq: 5, Synced: true})
		}},
		{"a clone with no state directory", "of another directory", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) {
			p.state = ""
			p.begins(Run{Origin: own, Seq: 5, Synced: true})
			clone := t.TempDir()
			copied(t, p.dir, clone)
			p.dir = clone
		}},
		{"a disk replaced", "no mark", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) { copied(t, t.TempDir(), p.dir) }},
		{"a new origin asked for", "no mark", Run{Synced: true}, func(t *testing.T, _ *place, k *Keeper) { must(t, k.Drop()) }},
		{"the disk failed", "may be a copy", Run{}, func(t *testing.T, p *place, k *Keeper) {
			text, err := os.ReadFile(filepath.Join(p.dir, MarkFile))
			must(t, err)
			must(t, k.Drop())
			must(t, os.WriteFile(filepath.Join(p.dir, MarkFile), text, 0o600)) // it could not be removed
		}},
		{"a damaged mark", "damaged", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) {
			must(t, os.WriteFile(filepath.Join(p.dir, MarkFile), []byte(`{"origin": `), 0o600))
		}},
		{"a mark without a token", "older backup", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) {
			must(t, os.WriteFile(filepath.Join(p.dir, MarkFile), []byte(`{"origin": 7}`), 0o600))
		}},
		{"neither has a token", "older backup", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) {
			must(t, os.WriteFile(filepath.Join(p.dir, MarkFile), []byte(`{"origin": 7}`), 0o600))
			p.edits(func(a *attestation) { a.Token = ""; a.Mark, a.Changed, _ = inodeOf(p.dir) })
		}},
		{"a damaged attestation", "read the attestation", Run{Synced: true}, func(t *testing.T, p *place, _ *Keeper) {
			path, err := (&attester{p.dir, p.state}).path()
			must(t, err)
			must(t, os.WriteFile(path, []byte("{"), 0o600))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			c.run.Origin, c.run.Seq = own, 5
			k := p.begins(c.run)
			if c.happens != nil {
				c.happens(t, &p, k)
			}
			got, err := p.keeper().Recall()
			switch {
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("it is taken for the very directory, whole: %v", err)
			case c.says == "" && (err != nil || got.Origin != own || got.Seq < 5):
				t.Errorf("it is refused: %+v, %v", got, err)
			}
		})
	}
}

// cut begins an incarnation whose mark cannot be written, and is what is attested then.
func (p place) cut(run Run) *attestation {
	p.t.Helper()
	k := p.keeper()
	_, _ = k.Recall()
	store := filepath.Join(p.dir, "store")
	must(p.t, os.Rename(store, store+".away"))
	if unattested, err := k.Begin(run); unattested == nil || err != nil {
		p.t.Fatalf("begin: %v, %v", unattested, err)
	}
	must(p.t, os.Rename(store+".away", store))
	said := &attestation{}
	p.edits(func(a *attestation) { *said = *a })
	return said
}

// A start is stopped at each point of its begin: what it left is believed, and says how
// the incarnation before was run.
func TestABeginThatEndsEarly(t *testing.T) {
	p := newPlace(t)
	must(t, p.begins(Run{Origin: own, Seq: 5}).End(9, 70))
	if said := p.cut(Run{Origin: 8}); said.Next != "" {
		t.Error("the mark of another origin is announced")
	}
	said := p.cut(Run{Origin: own, Seq: 9, Synced: true})
	recalled := func(with string) {
		t.Helper()
		if got, err := p.keeper().Recall(); err != nil || !got.Clean || got.Seq != 9 || got.Statuses != 70 {
			t.Errorf("with the %s mark: %+v, %v", with, got, err)
		}
	}
	recalled("former")
	if unwritten, err := writeMark(p.dir, mark{own, said.Next}); unwritten != nil || err != nil {
		t.Fatal(unwritten, err)
	}
	recalled("new") // nobody came to attest it
	p.begins(Run{Origin: own, Seq: 9, Synced: true, Clean: true})
	if got, err := p.keeper().Recall(); err != nil || got.Clean || got.Statuses == 0 {
		t.Errorf("after the next start: %+v, %v", got, err)
	}
}

func inodeOf(dir string) (uint64, int64, error) { return changed(filepath.Join(dir, MarkFile)) }

// An origin that another takes the place of leaves nothing that is believed.
func TestANewOriginIsRecalled(t *testing.T) {
	p := newPlace(t)
	if _, err := p.keeper().Recall(); !errors.Is(err, ErrNone) {
		t.Errorf("an empty directory: %v", err)
	}
	must(t, p.begins(Run{Origin: own, Seq: 5}).End(9, 70))
	p.begins(Run{Origin: 8})
	if got, err := p.keeper().Recall(); err != nil || got.Origin != 8 || got.Clean || got.Seq != 0 {
		t.Errorf("recalled is %+v, %v", got, err)
	}
}

// What is written down of an incarnation: how far it came, and numbers for its statuses
// that none before had.
func TestWhatIsWitnessed(t *testing.T) {
	p := newPlace(t)
	k := p.begins(Run{Origin: own, Seq: 5, Statuses: 10})
	must(t, k.Witness(8))
	must(t, k.Witness(7))
	got, err := p.keeper().Recall()
	must(t, err)
	if got.Seq != 8 || got.Statuses <= 10 || got.Ends(7) == nil || got.Ends(8) != nil || got.Ends(9) != nil {
		t.Errorf("recalled is %+v", got)
	}
	must(t, k.End(9, 12))
	if got, err = p.keeper().Recall(); err != nil || got.Statuses != 12 || got.Ends(8) == nil || got.Ends(9) != nil || got.Ends(10) == nil {
		t.Errorf("after a clean stop recalled is %+v, %v", got, err)
	}
	must(t, k.Drop())
	must(t, k.Witness(99))
	must(t, k.End(99, 99))
	if _, err := p.keeper().Recall(); err == nil {
		t.Error("an origin that was given up is recalled")
	}
	path, err := k.a.path()
	must(t, err)
	if _, err := os.Stat(path); err == nil {
		t.Error("an origin that was given up is attested")
	}
}

// Where the attestation cannot be removed, the mark is.
func TestAnOriginIsGivenUpByItsMark(t *testing.T) {
	p := newPlace(t)
	k := p.begins(Run{Origin: own})
	must(t, k.a.remove()) // so that it cannot be removed once more
	must(t, k.Drop())
	if m, err := readMark(p.dir); m != nil || err != nil {
		t.Errorf("it is %+v, %v", m, err)
	}
}

// A state directory that cannot be written to costs the next start its origin, and
// nothing else.
func TestAStateDirectoryThatCannotBeWritten(t *testing.T) {
	p := newPlace(t)
	must(t, p.begins(Run{Origin: own, Seq: 5}).End(9, 70))
	state := p.state
	p.state = filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(p.state, nil, 0o600))
	if unattested, err := p.keeper().Begin(Run{Origin: own, Seq: 9}); unattested == nil || !strings.Contains(unattested.Error(), "--state-dir") || err != nil {
		t.Errorf("begin: %v, %v", unattested, err)
	}
	p.state = state
	if _, err := p.keeper().Recall(); err == nil {
		t.Error("what ran in between, and was not attested, goes unnoticed")
	}
}

// Of directories that were run, a bounded number is remembered.
func TestTheOldestAttestationsAreForgotten(t *testing.T) {
	p := newPlace(t)
	must(t, os.MkdirAll(p.state, 0o700))
	for i := range maxAttestations {
		path := filepath.Join(p.state, "leader-0-"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/26/26))+".json")
		must(t, os.WriteFile(path, nil, 0o600))
	}
	p.begins(Run{Origin: own})
	all, err := os.ReadDir(p.state)
	must(t, err)
	if _, err := p.keeper().Recall(); len(all) != maxAttestations || err != nil {
		t.Errorf("%d are left, and the newest: %v", len(all), err)
	}
}
