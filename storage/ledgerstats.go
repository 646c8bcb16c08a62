package storage

import (
	"math/bits"

	"kvd/resolve"
	"kvd/wallclock"
)

// LedgerStats is what a ledger holds and what ever became of its verdicts. It is
// stored with every batch that changes it, so that for every resolver and class
//
//	inserted = held + retracted + evicted
//
// comes out after any crash. The zero LedgerStats is an empty ledger's.
type LedgerStats struct {
	Rows, Bytes int64 // of the rows that are there: keys, values and index entries
	// Entered is the place of the newest row ever, evicted at once or not.
	Entered             uint64
	Inserted, Retracted VerdictCounts // verdicts, ever
	Evicted             Evicted
}

// Evicted is what was given up because there was no room, or it was too old.
type Evicted struct {
	Rows, Bytes int64
	Verdicts    VerdictCounts
	Newest      wallclock.Instant // the latest clock of a evicted row: what is older may be missing
}

// VerdictCounts counts verdicts by resolver: inverted, then concurrent.
type VerdictCounts [mostVerdicts][2]int64

// Held is how many verdicts the ledger holds.
func (h *LedgerStats) Held() VerdictCounts {
	var t VerdictCounts
	for id := range t {
		for c := range t[id] {
			t[id][c] = h.Inserted[id][c] - h.Retracted[id][c] - h.Evicted.Verdicts[id][c]
		}
	}
	return t
}

// Add counts one verdict.
func (t *VerdictCounts) Add(id resolve.ID, r resolve.Relation) {
	class := 1
	if r == resolve.Inverted {
		class = 0
	}
	t[id][class]++
}

// AddCounts counts all of another tally.
func (t *VerdictCounts) AddCounts(o *VerdictCounts) {
	for id := range t {
		t[id][0] += o[id][0]
		t[id][1] += o[id][1]
	}
}

// AddRow counts every verdict of the row.
func (t *VerdictCounts) AddRow(r *LossRow) {
	for _, v := range r.Verdicts {
		for m := v.Resolvers; m != 0; m &= m - 1 {
			t.Add(resolve.ID(bits.TrailingZeros16(uint16(m))), v.Relation)
		}
	}
}

// Sum is all of them.
func (t *VerdictCounts) Sum() int64 {
	n := int64(0)
	for _, classes := range t {
		n += classes[0] + classes[1]
	}
	return n
}

// Enter counts a row that takes so many bytes.
func (h *LedgerStats) Enter(bytes int64) {
	h.Rows++
	h.Bytes += bytes
}

// Leave counts a row that is gone, retracted or about to be entered anew.
func (h *LedgerStats) Leave(bytes int64) {
	h.Rows--
	h.Bytes -= bytes
}

// GiveUp counts a row of so many bytes that is evicted, after it left or instead of
// entering.
func (h *LedgerStats) GiveUp(r *LossRow, bytes int64) {
	h.Evicted.Rows++
	h.Evicted.Bytes += bytes
	h.Evicted.Newest = max(h.Evicted.Newest, r.Newest())
	h.Evicted.Verdicts.AddRow(r)
}

// ledgerStatsFormat is the version of this layout:
//
//	format, rows, bytes, entered, inserted, retracted, evicted: rows, bytes, newest, verdicts
//
// A tally is an array of [resolver, inverted, concurrent …] of those that are not
// all zero, by resolver.
const ledgerStatsFormat = 1

// elementsHolding is the length of the array.
const elementsHolding = 10

// AppendLedgerStats appends h's encoding to dst. Equal holdings give equal bytes.
func AppendLedgerStats(dst []byte, h *LedgerStats) []byte {
	dst = append(appendArray(dst, elementsHolding), ledgerStatsFormat)
	dst = appendUint(appendUint(dst, uint64(h.Rows)), uint64(h.Bytes))
	dst = appendUint(dst, h.Entered)
	dst = appendVerdictCounts(appendVerdictCounts(dst, &h.Inserted), &h.Retracted)
	dst = appendUint(appendUint(dst, uint64(h.Evicted.Rows)), uint64(h.Evicted.Bytes))
	dst = appendInt(dst, int64(h.Evicted.Newest))
	return appendVerdictCounts(dst, &h.Evicted.Verdicts)
}

func appendVerdictCounts(dst []byte, t *VerdictCounts) []byte {
	n := 0
	for _, c := range t {
		if c != ([2]int64{}) {
			n++
		}
	}
	dst = appendArray(dst, 3*n)
	for id, c := range t {
		if c != ([2]int64{}) {
			dst = appendUint(dst, uint64(id))
			dst = appendUint(appendUint(dst, uint64(c[0])), uint64(c[1]))
		}
	}
	return dst
}

// DecodeLedgerStats reads what [AppendLedgerStats] wrote and nothing else.
func DecodeLedgerStats(b []byte) (LedgerStats, error) {
	r := newReader("holding", b)
	n := r.array("elements of a holding", elementsHolding, 1)
	r.require(n == elementsHolding, "a holding has ten elements")
	r.require(r.uint() == ledgerStatsFormat, "the format is not known to this version of the program")
	h := LedgerStats{Rows: r.count(), Bytes: r.count(), Entered: r.uint()}
	h.Inserted, h.Retracted = r.tally(), r.tally()
	h.Evicted = Evicted{Rows: r.count(), Bytes: r.count(), Newest: wallclock.Instant(r.int())}
	h.Evicted.Verdicts = r.tally()
	if err := r.end(); err != nil {
		return LedgerStats{}, err
	}
	return h, nil
}

func (r *reader) tally() (t VerdictCounts) {
	n := r.array("elements of a tally", 3*mostVerdicts, 1)
	r.require(n%3 == 0, "a tally comes in triples")
	next := uint64(0)
	for range n / 3 {
		id := r.uint()
		r.require(id >= next && id < mostVerdicts, "a tally is not by resolver")
		c := [2]int64{r.count(), r.count()}
		r.require(c != [2]int64{}, "a tally names who has nothing")
		if r.err != nil {
			return t
		}
		t[id], next = c, id+1
	}
	return t
}

// count is a number from zero to the greatest of 63 bits.
func (r *reader) count() int64 {
	n := r.int()
	r.require(n >= 0, "a count is below zero")
	return n
}
