package account

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/resolve"
	"kvd/wallclock"
)

// kept is a ledger that obeys a retention, in memory.
type kept struct {
	rule Retention
	h    Holding
	rows []Row
	// What ever happened to rows.
	booked, withdrawn int64
}

func (k *kept) book(row Row, now wallclock.Interval) {
	i := 0
	gone := k.rule.Drop(&k.h, now, row.Bytes, func() (Row, bool) {
		if i == len(k.rows) {
			return Row{}, false
		}
		i++
		return k.rows[i-1], true
	})
	k.rows = slices.Delete(k.rows, 0, len(gone))
	k.booked++
	if row, ok := k.rule.Enter(&k.h, row); ok {
		k.rows = append(k.rows, row)
	}
}

func (k *kept) withdraw(i int) {
	k.h.Withdraw(k.rows[i])
	k.rows = slices.Delete(k.rows, i, i+1)
	k.withdrawn++
}

// TestShedCountsAreExact: whatever is booked is in the ledger, withdrawn or
// shed; sums are those of the rows; the bound is never passed.
func TestShedCountsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := &kept{rule: Retention{
			Bytes: int64(rapid.IntRange(0, 400).Draw(t, "bytes")), Batch: rapid.IntRange(1, 4).Draw(t, "batch"),
			Age: time.Duration(rapid.IntRange(0, 30).Draw(t, "age"))}}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
		now := wallclock.Instant(1000)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now += wallclock.Instant(r.IntN(9) - 2) // clocks step
			if len(k.rows) > 0 && r.IntN(4) == 0 {
				k.withdraw(r.IntN(len(k.rows)))
				continue
			}
			k.book(Row{Bytes: int64(1 + r.IntN(120)), Resolver: resolve.ID(r.IntN(7)), Relation: resolve.Relation(1 + r.IntN(2)), At: now}, wallclock.Around(now, 1))
			k.holds(t)
		}
	})
}

func (k *kept) holds(t *rapid.T) {
	var bytes, by int64
	for _, row := range k.rows {
		bytes += row.Bytes
	}
	for _, b := range k.h.Shed.By {
		by += b[0] + b[1]
	}
	switch {
	case k.h.Rows != int64(len(k.rows)) || k.h.Bytes != bytes:
		t.Fatalf("%d rows of %d bytes are held, %+v is counted", len(k.rows), bytes, k.h)
	case k.booked != k.h.Rows+k.withdrawn+k.h.Shed.Rows || by != k.h.Shed.Rows:
		t.Fatalf("%d booked, %d withdrawn, %+v", k.booked, k.withdrawn, k.h)
	case k.rule.Bytes > 0 && bytes > k.rule.Bytes:
		t.Fatalf("%d bytes are held, the bound is %d", bytes, k.rule.Bytes)
	case !slices.IsSortedFunc(k.rows, func(a, b Row) int { return int(a.Place) - int(b.Place) }):
		t.Fatal("rows are not in the order in which they were entered")
	}
}

// TestTheOldestGoFirst, a few at a time, and what finds no room goes itself.
func TestTheOldestGoFirst(t *testing.T) {
	k := &kept{rule: Retention{Bytes: 100, Batch: 2}}
	for i := range 5 {
		k.book(Row{Bytes: 20, Relation: resolve.Inverted, At: wallclock.Instant(i)}, wallclock.Interval{})
	}
	k.book(Row{Bytes: 30, Relation: resolve.Concurrent, At: 5}, wallclock.Interval{})
	if len(k.rows) != 4 || k.rows[0].Place != 3 || k.h.Shed.Rows != 2 || k.h.Shed.By[0] != [2]int64{2, 0} || k.h.Shed.Newest != 1 || k.h.Shed.Bytes != 40 {
		t.Errorf("%+v, %+v", k.rows, k.h)
	}
	k.book(Row{Bytes: 90, Relation: resolve.Concurrent, At: 9}, wallclock.Interval{}) // two shed are not enough
	if len(k.rows) != 2 || k.h.Shed.By[0] != [2]int64{4, 1} || k.h.Entered != 7 {
		t.Errorf("%+v, %+v", k.rows, k.h)
	}
	k.book(Row{Bytes: 101, Relation: resolve.Concurrent}, wallclock.Interval{}) // would never fit: nobody makes room for it
	if len(k.rows) != 2 || k.h.Shed.By[0] != [2]int64{4, 2} {
		t.Errorf("%+v, %+v", k.rows, k.h)
	}
}

func TestOldRowsGoByAge(t *testing.T) {
	k := &kept{rule: Retention{Age: 10, Batch: 9}}
	for _, at := range []wallclock.Instant{1, 5, 30} {
		k.book(Row{Bytes: 1, At: at}, wallclock.Interval{})
	}
	k.book(Row{Bytes: 1, At: 16}, wallclock.Around(16, 0))
	if len(k.rows) != 2 || k.rows[0].Place != 3 {
		t.Errorf("%+v", k.rows)
	}
	if k.h.Shed.Rows != 2 {
		t.Errorf("%+v", k.h)
	}
}

func TestRetentionsThatMakeNoSense(t *testing.T) {
	for _, r := range []Retention{{}, {Batch: 1, Bytes: -1}, {Batch: 1, Age: -1}, {Batch: 1, Value: -1}} {
		if r.Validate() == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
	ok := Retention{Batch: 1, Value: 3}
	if err := ok.Validate(); err != nil {
		t.Error(err)
	}
	if v, whole := ok.Kept([]byte("long")); string(v) != "lon" || whole {
		t.Errorf("%q, %t", v, whole)
	}
}
