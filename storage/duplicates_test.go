package storage_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/storage"
)

// group draws what may be stored: at least two dots, ascending.
func group(t *rapid.T) []logical.Dot {
	dots := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) logical.Dot {
		return logical.Dot{Origin: logical.Origin(rapid.Uint64Min(1).Draw(t, "origin")), Seq: logical.Seq(rapid.Uint64Min(1).Draw(t, "seq"))}
	}), 2, 6, rapid.ID[logical.Dot]).Draw(t, "dots")
	slices.SortFunc(dots, logical.Dot.Compare)
	return dots
}

func TestDuplicatesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dots := group(t)
		got, err := storage.DecodeDuplicates(storage.AppendDuplicates(nil, dots))
		if err != nil || !slices.Equal(got, dots) {
			t.Fatalf("%v: %v, want %v", err, got, dots)
		}
	})
}

func TestGoldenDuplicates(t *testing.T) {
	golden(t, storage.AppendDuplicates(nil, []logical.Dot{{Origin: 5, Seq: 300}, {Origin: 5000, Seq: 2}}),
		"95"+"02"+ // five elements; format
			"05"+"cd012c"+"cd1388"+"02") // dots
}

// TestDuplicatesAreRefused: what a store would never have written.
func TestDuplicatesAreRefused(t *testing.T) {
	for why, text := range map[string]string{
		"one dot":         "93020501",
		"no dots":         "9102",
		"half a dot":      "9402050105",
		"descending":      "950206010501",
		"the same twice":  "950205010501",
		"no such dot":     "950200000501",
		"another format":  "950305010601",
		"bytes left over": "95020501060100",
		"cut short":       "9502050106",
	} {
		b, err := hex.DecodeString(text)
		must(t, err)
		if dots, err := storage.DecodeDuplicates(b); err == nil {
			t.Errorf("%s: read as %v", why, dots)
		}
	}
}

func FuzzDecodeDuplicates(f *testing.F) {
	f.Add(storage.AppendDuplicates(nil, []logical.Dot{{Origin: 1, Seq: 2}, {Origin: 1 << 40, Seq: 1}, {Origin: 1 << 41, Seq: 70000}}))
	f.Add([]byte{})
	f.Add([]byte{0xdd, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		dots, err := storage.DecodeDuplicates(b)
		if err != nil {
			return
		}
		if again := storage.AppendDuplicates(nil, dots); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x\nre-encoded %x", b, again)
		}
	})
}

// TestDuplicatesReadBack: every dot of a request leads to all of them, and a batch that
// holds something else is refused.
func TestDuplicatesReadBack(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	pair := []logical.Dot{{Origin: 3, Seq: 9}, {Origin: 8, Seq: 1}}
	all := []logical.Dot{pair[0], {Origin: 5, Seq: 5}, pair[1]}
	commit(t, s, func(b *storage.Batch) { b.PutDuplicates(pair) })
	commit(t, s, func(b *storage.Batch) { b.PutDuplicates(all) })
	for _, d := range all {
		got, err := s.Duplicates(d)
		same(t, d.String(), got, all, true, err)
	}
	b := s.NewBatch()
	b.PutDuplicates([]logical.Dot{pair[1], pair[0]})
	if err := b.Commit(); err == nil {
		t.Error("dots that descend were stored")
	}
	must(t, b.Close())
}

// TestDuplicatesOfAnOlderStore: each of two dots was stored with the other alone.
func TestDuplicatesOfAnOlderStore(t *testing.T) {
	fs := vfs.NewMem()
	pair := []logical.Dot{{Origin: 3, Seq: 9}, {Origin: 8, Seq: 1}}
	s, err := storage.Open(small(fs))
	must(t, err)
	must(t, s.Close())
	db, err := pebble.Open(small(fs).Dir, &pebble.Options{FS: fs})
	must(t, err)
	for key, value := range map[string]string{
		"54" + "0000000000000003" + "0000000000000009": "93010801",
		"54" + "0000000000000008" + "0000000000000001": "93010309",
	} {
		k, err := hex.DecodeString(key)
		must(t, err)
		v, err := hex.DecodeString(value)
		must(t, err)
		must(t, db.Set(k, v, pebble.Sync))
	}
	must(t, db.Close())
	s = open(t, small(fs))
	for _, d := range pair {
		got, err := s.Duplicates(d)
		same(t, d.String(), got, pair, true, err)
	}
}
