package log_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"kvd/logical"
	"kvd/storage/log"
)

// salvaged is what Salvage finds in these files.
func salvaged(t *testing.T, files map[string][]byte) ([]log.Entry, []log.Range) {
	t.Helper()
	var found []log.Entry
	lost, err := log.Salvage(restore(t, files), dir, func(e log.Entry) error {
		found = append(found, log.Entry{Dot: e.Dot, Bytes: bytes.Clone(e.Bytes)})
		return nil
	})
	must(t, err)
	return found, lost
}

// TestSalvage: whichever byte is another, only what its frame had is lost, and the parts
// that are named cover the byte. Every group here is one frame.
func TestSalvage(t *testing.T) {
	groups, files := threeSegments(t)
	found, lost := salvaged(t, files)
	if len(found) != len(groups) || len(lost) != 0 {
		t.Fatalf("of a whole log %d groups, lost %v", len(found), lost)
	}
	for number := 1; number <= 3; number++ {
		for i := range files[name(number)] {
			damaged := maps.Clone(files)
			damaged[name(number)] = bytes.Clone(files[name(number)])
			damaged[name(number)][i] ^= 0x10
			at := log.Position(number)<<32 | log.Position(i)
			var want []logical.Seq
			begin := log.Position(1<<32 | 35)
			for n, g := range groups {
				if at < begin || at >= g.End {
					want = append(want, logical.Seq(n+1))
				}
				if begin = g.End; n+1 < len(groups) && groups[n+1].End>>32 > g.End>>32 {
					begin = groups[n+1].End>>32<<32 | 35
				}
			}
			found, lost := salvaged(t, damaged)
			if len(found) != len(want) || len(lost) != 1 || at < lost[0].From || at >= lost[0].To {
				t.Fatalf("byte %d of %s: %d groups, want %d; lost %v", i, name(number), len(found), len(want), lost)
			}
			for k, e := range found {
				if e.Dot.Seq != want[k] || !bytes.Equal(e.Bytes, groups[want[k]-1].Entries[0].Bytes) {
					t.Fatalf("byte %d of %s: found %s, want %d", i, name(number), e.Dot, want[k])
				}
			}
		}
	}
	fewer := maps.Clone(files)
	delete(fewer, name(2))
	found, lost = salvaged(t, fewer)
	if len(found) == 0 || len(found) >= len(groups) || len(lost) != 1 || lost[0] != (log.Range{From: 2 << 32, To: 3 << 32}) {
		t.Errorf("without the second segment: %d groups, lost %v", len(found), lost)
	}
	enough := errors.New("enough")
	if _, err := log.Salvage(restore(t, files), dir, func(log.Entry) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}
