package losses

import (
	"math/bits"

	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// Stats is what a ledger holds and what ever became of its verdicts. It is
// stored with every batch that changes it, so that for every resolver and class
//
//	inserted = held + retracted + evicted
//
// comes out after any crash. The zero Stats is an empty ledger's.
type Stats struct {
	Rows, Bytes int64 // of the rows that are there: keys, values and index entries
	// Entered is the position of the newest row ever, evicted at once or not.
	Entered             uint64
	Inserted, Retracted Counts // verdicts, ever
	Evicted             Evicted
}

// Evicted is what was given up for lack of space, or because it was too old.
type Evicted struct {
	Rows, Bytes int64
	Verdicts    Counts
	Newest      wallclock.Instant // the latest clock of an evicted row: what is older may be missing
}

// Counts counts verdicts by resolver: inverted, then concurrent.
type Counts [MaxResolvers][2]int64

// Held is how many verdicts the ledger holds.
func (s *Stats) Held() Counts {
	var t Counts
	for id := range t {
		for c := range t[id] {
			t[id][c] = s.Inserted[id][c] - s.Retracted[id][c] - s.Evicted.Verdicts[id][c]
		}
	}
	return t
}

// Add counts one verdict.
func (t *Counts) Add(id resolve.ID, r resolve.Relation) {
	class := 1
	if r == resolve.Inverted {
		class = 0
	}
	t[id][class]++
}

// AddCounts counts all of another.
func (t *Counts) AddCounts(o *Counts) {
	for id := range t {
		t[id][0] += o[id][0]
		t[id][1] += o[id][1]
	}
}

// AddRow counts every verdict of the row.
func (t *Counts) AddRow(r *Row) {
	for _, v := range r.Verdicts {
		for m := v.Resolvers; m != 0; m &= m - 1 {
			t.Add(resolve.ID(bits.TrailingZeros16(uint16(m))), v.Relation)
		}
	}
}

// Sum is all of them.
func (t *Counts) Sum() int64 {
	n := int64(0)
	for _, classes := range t {
		n += classes[0] + classes[1]
	}
	return n
}

// Insert counts a row that takes so many bytes.
func (s *Stats) Insert(bytes int64) {
	s.Rows++
	s.Bytes += bytes
}

// Remove counts a row that is gone, retracted or about to be inserted again.
func (s *Stats) Remove(bytes int64) {
	s.Rows--
	s.Bytes -= bytes
}

// Evict counts a row of so many bytes that is evicted, after it was removed or instead of
// being inserted.
func (s *Stats) Evict(r *Row, bytes int64) {
	s.Evicted.Rows++
	s.Evicted.Bytes += bytes
	s.Evicted.Newest = max(s.Evicted.Newest, r.Newest())
	s.Evicted.Verdicts.AddRow(r)
}

// statsFormat is the version of this layout:
//
//	format, rows, bytes, entered, inserted, retracted, evicted: rows, bytes, newest, verdicts
//
// Verdicts are an array of [resolver, inverted, concurrent …] of those that are not
// all zero, by resolver.
const statsFormat = 1

// elementsStats is the length of the array.
const elementsStats = 10

func AppendStats(dst []byte, s *Stats) []byte {
	e := codec.Encode(dst).Array(elementsStats).Uint(statsFormat)
	e.Uint(uint64(s.Rows)).Uint(uint64(s.Bytes)).Uint(s.Entered)
	s.Inserted.encode(e)
	s.Retracted.encode(e)
	e.Uint(uint64(s.Evicted.Rows)).Uint(uint64(s.Evicted.Bytes)).Int(int64(s.Evicted.Newest))
	s.Evicted.Verdicts.encode(e)
	return e.Done()
}

func (t *Counts) encode(e *codec.Encoder) {
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

// DecodeStats reads what AppendStats wrote and nothing else.
func DecodeStats(b []byte) (Stats, error) {
	d := codec.NewDecoder("ledger stats", b)
	d.Tuple(elementsStats)
	d.Format(statsFormat)
	s := Stats{Rows: d.Count(), Bytes: d.Count(), Entered: d.Uint()}
	s.Inserted, s.Retracted = decodeCounts(d), decodeCounts(d)
	s.Evicted = Evicted{Rows: d.Count(), Bytes: d.Count(), Newest: wallclock.Instant(d.Int())}
	s.Evicted.Verdicts = decodeCounts(d)
	if err := d.End(); err != nil {
		return Stats{}, err
	}
	return s, nil
}

func decodeCounts(d *codec.Decoder) (t Counts) {
	n := d.Array(3 * MaxResolvers)
	d.Require(n%3 == 0, "verdict counts come in triples")
	next := uint64(0)
	for range n / 3 {
		id := d.Uint()
		d.Require(id >= next && id < MaxResolvers, "verdict counts are not by resolver")
		c := [2]int64{d.Count(), d.Count()}
		d.Require(c != [2]int64{}, "a resolver is listed that has no verdicts")
		if d.Failed() {
			return t
		}
		t[id], next = c, id+1
	}
	return t
}
