package account

import (
	"errors"
	"time"

	"kvd/resolve"
	"kvd/wallclock"
)

// Retention bounds the ledger. Beyond the bounds the oldest rows are shed, and
// what is shed is counted exactly: the ledger never waits, never refuses a write,
// and never silently forgets.
//
//	put row ─▶ over a bound? ─▶ shed the oldest, a few a batch ─▶ still over Bytes? ─▶ shed the new row itself
//
// All of it happens in the batch that stores the row, so rows, sums and counts
// agree after any crash. Rows are kept in the order in which they were entered,
// never by their clock: clocks step.
//
// A row that was shed is unknown to folding: when its write is beaten again it is
// booked again and counted again, and when it is seen by a survivor there is
// nothing to withdraw. So of the losses ever booked, each is in the ledger,
// withdrawn, or shed; that is the sum that must come out. An audit of a ledger
// that has shed finds at most as many writes in none of live, superseded and lost
// as were shed.
type Retention struct {
	Bytes int64         // what the rows may take, with their values; zero: no bound
	Age   time.Duration // how long a row is kept; zero: for ever
	Batch int           // rows shed at most with one batch, beside new ones
	Value int           // bytes of the loser's value that a row keeps
}

// Validate says what is wrong with the first setting that makes no sense.
func (r *Retention) Validate() error {
	switch {
	case r.Bytes < 0 || r.Age < 0 || r.Value < 0:
		return errors.New("retention: Bytes, Age and Value must not be negative; zero sets no bound")
	case r.Batch <= 0:
		return errors.New("retention: Batch must be above zero, or nothing is ever shed")
	}
	return nil
}

// Holding is what a ledger takes and what it has shed. It is stored with every
// batch that changes it. The zero Holding is an empty ledger's.
type Holding struct {
	Rows, Bytes int64
	// Entered is the place of the newest row: places rise by one with each row
	// that is entered, and are never used again.
	Entered uint64
	Shed    Shed
}

// Shed counts what was given up.
type Shed struct {
	Rows, Bytes int64
	By          [16][2]int64      // rows by resolver, inverted then concurrent
	Newest      wallclock.Instant // the latest clock of a shed row: what is older may be missing
}

// Row is one row of the ledger as retention sees it.
type Row struct {
	Place    uint64
	Bytes    int64 // key, row and value as stored
	Resolver resolve.ID
	Relation resolve.Relation
	At       wallclock.Instant // the latest that the deciding leader's clock allowed
}

// Enter accounts for a new row of that many bytes and gives it its place. It is
// false when the row must be shed at once, and then counted already: there is no
// room for it even if all that may be shed with this batch is.
func (r *Retention) Enter(h *Holding, row Row) (Row, bool) {
	h.Entered++
	row.Place = h.Entered
	if r.Bytes > 0 && h.Bytes+row.Bytes > r.Bytes {
		h.Shed.count(row)
		return row, false
	}
	h.Rows++
	h.Bytes += row.Bytes
	return row, true
}

// Withdraw accounts for a row that is taken back or replaced.
func (h *Holding) Withdraw(row Row) {
	h.Rows--
	h.Bytes -= row.Bytes
}

// Drop is which of the oldest rows go with this batch, so that incoming bytes
// find room; next gives them one by one, the oldest first, and is not asked
// again after it says false. They are accounted for.
func (r *Retention) Drop(h *Holding, now wallclock.Interval, incoming int64, next func() (Row, bool)) []Row {
	var gone []Row
	for len(gone) < r.Batch {
		full := r.Bytes > 0 && h.Rows > 0 && h.Bytes+incoming > r.Bytes && incoming <= r.Bytes
		if !full && r.Age == 0 {
			break
		}
		row, ok := next()
		if !ok || !full && !r.old(row, now) {
			break
		}
		h.Withdraw(row)
		h.Shed.count(row)
		gone = append(gone, row)
	}
	return gone
}

// old reports whether the row has passed its age by any reading of the clocks:
// one that is wrong about its error sheds early or late, and never wrongly
// counted.
func (r *Retention) old(row Row, now wallclock.Interval) bool {
	return r.Age > 0 && now.Earliest.Sub(row.At) > r.Age
}

func (s *Shed) count(row Row) {
	s.Rows++
	s.Bytes += row.Bytes
	s.Newest = max(s.Newest, row.At)
	if int(row.Resolver) < len(s.By) {
		class := 1
		if row.Relation == resolve.Inverted {
			class = 0
		}
		s.By[row.Resolver][class]++
	}
}

// Kept is as much of a loser's value as a row keeps, and whether that is all.
func (r *Retention) Kept(value []byte) ([]byte, bool) {
	return cut(value, r.Value), len(value) <= r.Value
}
