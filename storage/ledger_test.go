package storage_test

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec/codectest"
	"kvd/storage/losses"
	"kvd/storage/losses/lossestest"
)

// ledgered: every reader of the ledger finds what was put, in its order.
func ledgered(t *testing.T, s *storage.Store, put []*losses.Row, h losses.Stats) {
	t.Helper()
	got, err := s.LedgerStats()
	same(t, "holding", got, h, true, err)
	var places []uint64
	must(t, s.Oldest(0, func(r *losses.Row, bytes int64) bool {
		if _, size, err := s.SizedRow(r.Key, r.Loser); err != nil || size != bytes || int(size) < len(r.Key)+len(losses.AppendRow(nil, r)) {
			t.Errorf("a row of %d bytes, found by place with %d, %v", size, bytes, err)
		}
		places = append(places, r.Position)
		return true
	}))
	nobody := logical.Dot{Origin: 1<<64 - 1, Seq: 1<<64 - 1}
	lost := slices.ContainsFunc(put, func(r *losses.Row) bool { return r.Loser == nobody }) // histories are drawn to the bounds
	if key, ok, err := s.KeyOf(nobody); ok != lost || err != nil {
		t.Errorf("a write is one of %q: %t, want %t, %v", key, ok, lost, err)
	}
	if len(places) != len(put) || !slices.IsSorted(places) {
		t.Errorf("places %v of %d rows", places, len(put))
	}
	sorted := slices.Clone(put)
	slices.SortFunc(sorted, func(a, b *losses.Row) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), a.Loser.Compare(b.Loser))
	})
	var want, all []resolve.Loss
	for i, r := range sorted {
		row, ok, err := s.RowOf(r.Key, r.Loser)
		same(t, "row", row, r, ok, err)
		if key, ok, err := s.KeyOf(r.Loser); !ok || err != nil || !slices.ContainsFunc(put, func(p *losses.Row) bool { return p.Key == key && p.Loser == r.Loser }) {
			t.Errorf("the key of %s is %q: %t, %v", r.Loser, key, ok, err)
		}
		before := len(want)
		for l := range r.Losses {
			want = append(want, l)
		}
		if !slices.IsSortedFunc(want[before:], func(a, b resolve.Loss) int { return cmp.Compare(a.Resolver, b.Resolver) }) {
			t.Errorf("losses of one row are not by resolver: %+v", want[before:])
		}
		var rest []*losses.Row
		must(t, s.Rows(r.ID(), func(r *losses.Row) bool { rest = append(rest, r); return true }))
		if !reflect.DeepEqual(append([]*losses.Row{}, rest...), append([]*losses.Row{}, sorted[i+1:]...)) {
			t.Errorf("behind row %d of %d come %d", i, len(sorted), len(rest))
		}
		var one []resolve.Loss
		must(t, s.LossesOf(r.Key, func(l resolve.Loss) bool { one = append(one, l); return true }))
		for _, l := range one {
			if l.Key != r.Key {
				t.Errorf("a loss of %q among those of %q", l.Key, r.Key)
			}
		}
		if len(one) < len(want)-before {
			t.Errorf("%d losses of %q", len(one), r.Key)
		}
	}
	must(t, s.Losses(func(l resolve.Loss) bool { all = append(all, l); return true }))
	same(t, "losses", append([]resolve.Loss{}, all...), append([]resolve.Loss{}, want...), true, nil)
}

// TestRowsOfAPrefix: reading from a key without a dot begins with that key.
func TestRowsOfAPrefix(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	keys := []string{"", "a", "a\x00", "a\x00\xff", "a\x00\x00", "ab", "b"}
	commit(t, s, func(b *storage.Batch) {
		for i, k := range keys {
			r := lossestest.TypicalRow()
			r.Key, r.Position = k, uint64(i+1)
			b.PutRow(r)
			b.PutPosition(r.ID(), r.Position)
		}
	})
	for _, prefix := range keys {
		var got, want []string
		must(t, s.Rows(losses.ID{Key: prefix}, func(r *losses.Row) bool {
			if strings.HasPrefix(r.Key, prefix) {
				got = append(got, r.Key)
			}
			return true
		}))
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) {
				want = append(want, k)
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("from %q: %q, want %q", prefix, got, want)
		}
	}
	n := 0
	must(t, s.Losses(func(resolve.Loss) bool { n++; return n < 2 }))
	if n != 2 {
		t.Errorf("%d losses after the second was answered with false", n)
	}
}

// TestDropRow takes back one row with its index entry and leaves its neighbours.
func TestDropRow(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	keys := []string{"a", "a\x00", "a\x00\xff", "a\x00\x00"}
	h := losses.Stats{Entered: 4}
	commit(t, s, func(b *storage.Batch) {
		for i, k := range keys {
			r := lossestest.TypicalRow()
			r.Key, r.Position = k, uint64(i+1)
			h.Inserted.AddRow(r)
			h.Insert(b.PutRow(r))
			b.PutPosition(r.ID(), r.Position)
		}
		b.PutLedgerStats(&h)
	})
	must(t, s.CheckLedger())
	gone, size, err := s.SizedRow(keys[1], lossestest.TypicalRow().Loser)
	must(t, err)
	commit(t, s, func(b *storage.Batch) {
		b.DropRow(gone.ID(), gone.Position)
		h.Remove(size)
		h.Evict(gone, size)
		b.PutLedgerStats(&h)
	})
	must(t, s.CheckLedger())
	for _, k := range keys {
		row, lost, err := s.RowOf(k, gone.Loser)
		must(t, err)
		if lost = lost && row.Resolvers().Has(resolve.HLC); lost != (k != keys[1]) {
			t.Errorf("%q: lost is %v", k, lost)
		}
	}
}

// TestCheckLedger finds what does not agree.
func TestCheckLedger(t *testing.T) {
	r := lossestest.TypicalRow()
	for name, spoil := range map[string]func(*storage.Batch, *losses.Stats){
		"count": func(b *storage.Batch, h *losses.Stats) { h.Rows++; b.PutLedgerStats(h) },
		"bytes": func(b *storage.Batch, h *losses.Stats) { h.Bytes--; b.PutLedgerStats(h) },
		"verdicts": func(b *storage.Batch, h *losses.Stats) {
			h.Retracted.Add(0, resolve.Inverted)
			b.PutLedgerStats(h)
		},
		"a used place": func(b *storage.Batch, h *losses.Stats) { h.Entered = 1; b.PutLedgerStats(h) },
		"no index": func(b *storage.Batch, h *losses.Stats) {
			b.DropRow(losses.ID{Key: "nobody's", Loser: r.Loser}, r.Position)
		},
		"another place": func(b *storage.Batch, h *losses.Stats) { s := *r; s.Position++; b.PutRow(&s) },
	} {
		s := open(t, small(vfs.NewMem()))
		h := losses.Stats{Entered: r.Position}
		h.Inserted.AddRow(r)
		commit(t, s, func(b *storage.Batch) { h.Insert(b.PutRow(r)); b.PutPosition(r.ID(), r.Position); b.PutLedgerStats(&h) })
		must(t, s.CheckLedger())
		commit(t, s, func(b *storage.Batch) { spoil(b, &h) })
		if s.CheckLedger() == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

// TestBooking: whatever is inserted and retracted, a row has the last verdict of
// each resolver, agreeing ones together, in the order that can be encoded.
func TestBooking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &losses.Row{Key: "k", Loser: logical.Dot{Origin: 1, Seq: 1}, Position: 1}
		want := map[resolve.ID]resolve.Loss{}
		winners, at := append(codectest.Dots(t, 2), logical.Dot{}), codectest.Interval(t)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			id := resolve.ID(rapid.IntRange(0, 6).Draw(t, "resolver"))
			if rapid.IntRange(0, 3).Draw(t, "retract") == 0 {
				if _, had := want[id]; r.Retract(id) != had {
					t.Fatalf("withdrew %s: %t", id, !had)
				}
				delete(want, id)
				continue
			}
			l := resolve.Loss{Resolver: id, Relation: lossestest.Relation(t), Key: "k", Loser: r.Loser, Winner: rapid.SampledFrom(winners).Draw(t, "winner"), At: at}
			r.Insert(l)
			want[id] = l
		}
		got := map[resolve.ID]resolve.Loss{}
		for l := range r.Losses {
			got[l.Resolver] = l
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
		if len(want) == 0 {
			return
		}
		b := losses.AppendRow(nil, r)
		if again, err := losses.DecodeRow(b); err != nil || !reflect.DeepEqual(again.Verdicts, r.Verdicts) {
			t.Fatalf("%+v is encoded as %x and read as %+v, %v", r.Verdicts, b, again, err)
		}
	})
}

// TestRowSize holds a row to what its bound in bytes is reckoned with.
func TestRowSize(t *testing.T) {
	r := lossestest.TypicalRow()
	n := len(losses.AppendRow(nil, r)) - len(r.Evidence.Value)
	r.Evidence = nil
	m := len(losses.AppendRow(nil, r))
	t.Logf("row: %d bytes beyond key and value; %d without evidence", n, m)
	if n > 130 || m > 80 {
		t.Errorf("%d bytes beyond key and value, more than 130; %d without evidence, more than 80", n, m)
	}
}
