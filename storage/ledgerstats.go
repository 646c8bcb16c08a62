package storage

import (
	"math/bits"

	"kvd/resolve"
	"kvd/storage/codec"
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
	// Entered is the position of the newest row ever, evicted at once or not.
	Entered             uint64
	Inserted, Retracted VerdictCounts // verdicts, ever
	Evicted             Evicted
}

// Evicted is what was given up for lack of space, or because it was too old.
type Evicted struct {
	Rows, Bytes int64
	Verdicts    VerdictCounts
	Newest      wallclock.Instant // the latest clock of an evicted row: what is older may be missing
}

// VerdictCounts counts verdicts by resolver: inverted, then concurrent.
type VerdictCounts [maxResolvers][2]int64

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

// AddCounts counts all of another.
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
// Verdicts are an array of [resolver, inverted, concurrent …] of those that are not
// all zero, by resolver.
const ledgerStatsFormat = 1

// elementsStats is the length of the array.
const elementsStats = 10

func appendLedgerStats(dst []byte, h *LedgerStats) []byte {
	e := codec.Encode(dst).Array(elementsStats).Uint(ledgerStatsFormat)
	e.Uint(uint64(h.Rows)).Uint(uint64(h.Bytes)).Uint(h.Entered)
	h.Inserted.encode(e)
	h.Retracted.encode(e)
	e.Uint(uint64(h.Evicted.Rows)).Uint(uint64(h.Evicted.Bytes)).Int(int64(h.Evicted.Newest))
	h.Evicted.Verdicts.encode(e)
	return e.Done()
}

func (t *VerdictCounts) encode(e *codec.Encoder) {
	n := 0
	for _, c := range t {
		if c != ([2]int64{}) {
			n++
		}
	}
	e.Array(3 * n)
	for id, c := range t {
		if c != ([2]int64{}) {
			e.Uint(uint64(id)).Uint(uint64(c[0])).Uint(uint64(c[1]))
		}
	}
}

// decodeLedgerStats reads what appendLedgerStats wrote and nothing else.
func decodeLedgerStats(b []byte) (LedgerStats, error) {
	d := codec.NewDecoder("ledger stats", b)
	d.Tuple(elementsStats)
	d.Format(ledgerStatsFormat)
	h := LedgerStats{Rows: d.Count(), Bytes: d.Count(), Entered: d.Uint()}
	h.Inserted, h.Retracted = decodeVerdictCounts(d), decodeVerdictCounts(d)
	h.Evicted = Evicted{Rows: d.Count(), Bytes: d.Count(), Newest: wallclock.Instant(d.Int())}
	h.Evicted.Verdicts = decodeVerdictCounts(d)
	if err := d.End(); err != nil {
		return LedgerStats{}, err
	}
	return h, nil
}

func decodeVerdictCounts(d *codec.Decoder) (t VerdictCounts) {
	n := d.Array(3 * maxResolvers)
	d.Require(n%3 == 0, "verdict counts come in triples")
	next := uint64(0)
	for range n / 3 {
		id := d.Uint()
		d.Require(id >= next && id < maxResolvers, "verdict counts are not by resolver")
		c := [2]int64{d.Count(), d.Count()}
		d.Require(c != [2]int64{}, "a resolver is listed that has no verdicts")
		if d.Failed() {
			return t
		}
		t[id], next = c, id+1
	}
	return t
}
