package losses_test

import (
	"testing"
	"time"

	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/losses"
	"kvd/storage/losses/lossestest"
	"kvd/wallclock"
)

func TestRetentionsThatMakeNoSense(t *testing.T) {
	for _, r := range []losses.Retention{{}, {Batch: 1, Bytes: -1}, {Batch: 1, Age: -1}, {Batch: 1, Value: -1}, {Batch: 1, Value: codec.MaxValue + 1}} {
		if r.Validate() == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
	ok := losses.DefaultRetention()
	if err := ok.Validate(); err != nil {
		t.Fatal(err)
	}
	ok.Value = 3
	if v := ok.Retained([]byte("long")); string(v) != "lon" || cap(v) != 3 {
		t.Errorf("%q is kept, with a capacity of %d", v, cap(v))
	}
	if v := ok.Retained(nil); v != nil {
		t.Errorf("%q is kept of nothing", v)
	}
}

// TestAgeIsCountedFromTheLastVerdict, and from what the clocks allow.
func TestAgeIsCountedFromTheLastVerdict(t *testing.T) {
	r := &losses.Row{}
	r.Insert(resolve.Loss{Resolver: resolve.LWW, Relation: resolve.Inverted, At: wallclock.Around(100, 5)})
	r.Insert(resolve.Loss{Resolver: resolve.HLC, Relation: resolve.Concurrent, At: wallclock.Around(50, 5)})
	rule := losses.Retention{Age: 30}
	for _, c := range []struct {
		now  wallclock.Instant
		want time.Duration
	}{{100, 40}, {140, 0}, {141, -1}} {
		if left, ages := rule.Remaining(r, wallclock.Around(c.now, 5)); !ages || left != c.want {
			t.Errorf("at %d: %d left, %t; want %d", c.now, left, ages, c.want)
		}
	}
	rule.Age = 0
	if _, ages := rule.Remaining(r, wallclock.Interval{}); ages {
		t.Error("a row ages without a bound")
	}
}

// TestHeldIsWhatWasNeitherRetractedNorEvicted, by resolver and class.
func TestHeldIsWhatWasNeitherRetractedNorEvicted(t *testing.T) {
	row := lossestest.TypicalRow()
	var h losses.Stats
	h.Inserted.AddRow(row)
	h.Inserted.AddRow(row)
	h.Insert(10)
	h.Insert(20)
	h.Retracted.Add(resolve.LWW, resolve.Inverted)
	h.Remove(20)
	h.Evict(row, 20)
	held := h.Held()
	if held[resolve.LWW] != [2]int64{} || held[resolve.HLC] != [2]int64{0, 1} || held.Sum() != 2 || h.Rows != 1 || h.Bytes != 10 {
		t.Errorf("%v of %+v", held, h)
	}
	if h.Evicted.Rows != 1 || h.Evicted.Bytes != 20 || h.Evicted.Newest != row.Newest() || h.Evicted.Verdicts[resolve.LWW] != [2]int64{1, 0} {
		t.Errorf("evicted %+v", h.Evicted)
	}
}
