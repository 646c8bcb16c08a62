package losses

import (
	"errors"
	"math"
	"time"

	"kvd/storage/codec"
	"kvd/wallclock"
)

// Retention bounds the ledger. Beyond the bounds the oldest rows are evicted, and
// what is evicted is counted exactly: the ledger never waits, never fails a write,
// and never silently forgets.
//
//	put row ─▶ over a bound? ─▶ evict the oldest, a few a batch ─▶ still over Bytes? ─▶ evict the new row itself
//
// All of it happens in the batch that stores the row, so rows, sums and counts
// agree after any crash. Rows are kept in the order in which they were inserted,
// never by their clock: clocks step.
//
// A row that was evicted is unknown to folding: when its write is lost again it is
// inserted again and counted again, and when it is seen by a survivor there is
// nothing to retract. So of the verdicts ever inserted, each is in the ledger,
// retracted, or evicted; that is the sum that must come out. Retracting follows
// rows from child to parent: where the child's row was evicted, an older write's
// row that is still there stays, though a survivor has seen it through the child.
type Retention struct {
	Bytes int64         // what the rows may take, keys, values and index together; zero: no bound
	Age   time.Duration // how long a row is kept after its last verdict, at least as long as older rows are; zero: for ever
	Batch int           // rows evicted at most with one batch, beside some for each row that the batch brings
	Value int           // bytes of the loser's value that a row keeps
}

// DefaultRetention is what a leader keeps unless it is told otherwise.
func DefaultRetention() Retention {
	return Retention{Bytes: 256 << 20, Age: 30 * 24 * time.Hour, Batch: 64, Value: 1 << 10}
}

// Validate says what is wrong with the first setting that makes no sense.
func (r *Retention) Validate() error {
	switch {
	case r.Bytes < 0 || r.Age < 0 || r.Value < 0:
		return errors.New("ledger: bytes, age and value must not be negative; zero bytes or age set no bound")
	case r.Batch <= 0:
		return errors.New("ledger: batch must be above zero, or nothing is ever evicted")
	case r.Value > codec.MaxValue:
		return errors.New("ledger: value is beyond what any value can have")
	}
	return nil
}

// Over reports whether incoming bytes do not fit beside what is held.
func (r *Retention) Over(s *Stats, incoming int64) bool {
	return r.Bytes > 0 && s.Bytes+incoming > r.Bytes
}

// Budget is what all rows together may take after the next batch: the bound, or what
// is held already where the bound is less than that. Then new rows replace
// the oldest while the rest is evicted bit by bit.
func (r *Retention) Budget(s *Stats) int64 {
	if r.Bytes == 0 {
		return math.MaxInt64
	}
	return max(r.Bytes, s.Bytes)
}

// Remaining is how long the row is still kept, by any reading of the clocks: one that
// is wrong evicts early or late, and is counted all the same. False: for ever.
func (r *Retention) Remaining(row *Row, now wallclock.Interval) (time.Duration, bool) {
	if r.Age == 0 {
		return 0, false
	}
	return r.Age - now.Earliest.Sub(row.Newest()), true
}

// Retained is as much of a loser's value as a row keeps; it shares the value's
// memory.
func (r *Retention) Retained(value []byte) []byte {
	n := min(len(value), r.Value)
	return value[:n:n]
}
