package storage_test

import (
	"testing"
	"time"

	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/wallclock"
)

func TestRetentionsThatMakeNoSense(t *testing.T) {
	for _, r := range []storage.Retention{{}, {Batch: 1, Bytes: -1}, {Batch: 1, Age: -1}, {Batch: 1, Value: -1}, {Batch: 1, Value: codec.MaxValue + 1}} {
		if r.Validate() == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
	ok := storage.DefaultRetention()
	must(t, ok.Validate())
	ok.Value = 3
	if v := ok.Kept([]byte("long")); string(v) != "lon" || cap(v) != 3 {
		t.Errorf("%q is kept, with room for %d", v, cap(v))
	}
	if v := ok.Kept(nil); v != nil {
		t.Errorf("%q is kept of nothing", v)
	}
}

// TestAgeIsCountedFromTheLastVerdict, and from what the clocks allow.
func TestAgeIsCountedFromTheLastVerdict(t *testing.T) {
	r := &storage.LossRow{}
	r.Book(resolve.Loss{Resolver: resolve.LWW, Relation: resolve.Inverted, At: wallclock.Around(100, 5)})
	r.Book(resolve.Loss{Resolver: resolve.HLC, Relation: resolve.Concurrent, At: wallclock.Around(50, 5)})
	rule := storage.Retention{Age: 30}
	for _, c := range []struct {
		now  wallclock.Instant
		want time.Duration
	}{{100, 40}, {140, 0}, {141, -1}} {
		if left, ages := rule.Left(r, wallclock.Around(c.now, 5)); !ages || left != c.want {
			t.Errorf("at %d: %d left, %t; want %d", c.now, left, ages, c.want)
		}
	}
	rule.Age = 0
	if _, ages := rule.Left(r, wallclock.Interval{}); ages {
		t.Error("a row ages without a bound")
	}
}

// TestHeldIsWhatWasNeitherRetractedNorEvicted, by resolver and class.
func TestHeldIsWhatWasNeitherRetractedNorEvicted(t *testing.T) {
	row := typicalRow()
	var h storage.LedgerStats
	h.Inserted.AddRow(row)
	h.Inserted.AddRow(row)
	h.Enter(10)
	h.Enter(20)
	h.Retracted.Add(resolve.LWW, resolve.Inverted)
	h.Leave(20)
	h.GiveUp(row, 20)
	held := h.Held()
	if held[resolve.LWW] != [2]int64{} || held[resolve.HLC] != [2]int64{0, 1} || held.Sum() != 2 || h.Rows != 1 || h.Bytes != 10 {
		t.Errorf("%v of %+v", held, h)
	}
	if h.Evicted.Rows != 1 || h.Evicted.Bytes != 20 || h.Evicted.Newest != row.Newest() || h.Evicted.Verdicts[resolve.LWW] != [2]int64{1, 0} {
		t.Errorf("evicted %+v", h.Evicted)
	}
}
