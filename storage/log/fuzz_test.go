package log_test

import (
	"errors"
	"testing"

	"kvd/logical"
	"kvd/storage/log"
)

// FuzzOpen: whatever two segments have, opening and reading them ends, with groups or with
// an error; what was opened once opens again and has the same; and salvage finds no less.
func FuzzOpen(f *testing.F) {
	var t testing.T
	_, files := threeSegments(&t)
	f.Add(files[name(1)], files[name(2)])
	f.Add(files[name(1)], files[name(3)])
	f.Add(files[name(1)][:len(files[name(1)])-5], []byte{})
	f.Add(files[name(1)][:35], []byte{})
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		for _, refit := range []bool{false, true} {
			if refit {
				one, two = log.Refit(one, 1), log.Refit(two, 2)
			}
			files := map[string][]byte{name(1): one}
			if len(two) > 0 {
				files[name(2)] = two
			}
			fuzzed(t, files)
		}
	})
}

func fuzzed(t *testing.T, files map[string][]byte) {
	fs := restore(t, files)
	salvaged := 0
	_, err := log.Salvage(fs, dir, func(log.Entry) error { salvaged++; return nil })
	must(t, err)
	l, err := log.Open(log.Options{FS: fs, Dir: dir, ReadOnly: true})
	if err != nil {
		return
	}
	groups, err := readFrom(l, 0)
	if err != nil && !errors.Is(err, log.ErrDamaged) {
		t.Fatalf("reading ends with %v", err)
	}
	entries := 0
	for _, g := range groups {
		entries += len(g.Entries)
	}
	if salvaged < entries {
		t.Fatalf("%d entries can be read, and %d salvaged", entries, salvaged)
	}
	for d := range l.Frontier().All() {
		n := logical.Seq(0)
		err := l.Ops(d.Origin, 1, func(seq logical.Seq, _ []byte) (bool, error) { n++; return true, nil })
		if err == nil && n != d.Seq || err != nil && !errors.Is(err, log.ErrDamaged) {
			t.Fatalf("%d of the operations up to %s, %v", n, d, err)
		}
	}
	checked := l.Check(func() bool { return true })
	must(t, l.Close())
	for range 2 {
		l, err := log.Open(log.Options{FS: fs, Dir: dir})
		must(t, err)
		if got, err := readFrom(l, 0); len(got) != len(groups) || err == nil && checked == nil && l.Check(func() bool { return true }) != nil {
			t.Fatalf("%d groups, and before %d; %v", len(got), len(groups), err)
		}
		must(t, l.Close())
	}
}
