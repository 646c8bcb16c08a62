package library

import (
	"bytes"
	"testing"
)

func TestEveryScenarioParsesUnderItsOwnName(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		if s.Name != order[i] {
			t.Errorf("file %s.txtar calls itself %q", order[i], s.Name)
		}
		if s.Prose == "" || s.Title == "" {
			t.Errorf("%s says neither what happens nor why", s.Name)
		}
	}
}

func TestEveryFileIsListed(t *testing.T) {
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(order) {
		t.Errorf("%d files, %d names in the order of telling", len(entries), len(order))
	}
}

func TestScenariosAreCanonical(t *testing.T) {
	for _, name := range Names() {
		src, err := Source(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.Print(), src) {
			t.Errorf("%s.txtar is not in canonical form; compare --update rewrites it", name)
		}
	}
}
