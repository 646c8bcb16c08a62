package storage

import (
	"math/bits"

	"kvd/resolve"
	"kvd/wallclock"
)

// Holding is what a ledger holds and what ever became of its verdicts. It is
// stored with every batch that changes it, so that for every resolver and class
//
//	booked = held + withdrawn + shed
//
// comes out after any crash. The zero Holding is an empty ledger's.
type Holding struct {
	Rows, Bytes int64 // of the rows that are there: keys, values and index entries
	// Entered is the place of the newest row ever, shed at once or not.
	Entered           uint64
	Booked, Withdrawn Tally // verdicts, ever
	Shed              Shed
}

// Shed is what was given up because there was no room, or it was too old.
type Shed struct {
	Rows, Bytes int64
	Verdicts    Tally
	Newest      wallclock.Instant // the latest clock of a shed row: what is older may be missing
}

// Tally counts verdicts by resolver: inverted, then concurrent.
type Tally [mostVerdicts][2]int64

// Held is how many verdicts the ledger holds.
func (h *Holding) Held() Tally {
	var t Tally
	for id := range t {
		for c := range t[id] {
			t[id][c] = h.Booked[id][c] - h.Withdrawn[id][c] - h.Shed.Verdicts[id][c]
		}
	}
	return t
}

// Add counts one verdict.
func (t *Tally) Add(id resolve.ID, r resolve.Relation) {
	class := 1
	if r == resolve.Inverted {
		class = 0
	}
	t[id][class]++
}

// AddTally counts all of another tally.
func (t *Tally) AddTally(o *Tally) {
	for id := range t {
		t[id][0] += o[id][0]
		t[id][1] += o[id][1]
	}
}

// AddRow counts every verdict of the row.
func (t *Tally) AddRow(r *LossRow) {
	for _, v := range r.Verdicts {
		for m := v.Resolvers; m != 0; m &= m - 1 {
			t.Add(resolve.ID(bits.TrailingZeros16(uint16(m))), v.Relation)
		}
	}
}

// Sum is all of them.
func (t *Tally) Sum() int64 {
	n := int64(0)
	for _, classes := range t {
		n += classes[0] + classes[1]
	}
	return n
}

// Enter counts a row that takes so many bytes.
func (h *Holding) Enter(bytes int64) {
	h.Rows++
	h.Bytes += bytes
}

// Leave counts a row that is gone, withdrawn or about to be entered anew.
func (h *Holding) Leave(bytes int64) {
	h.Rows--
	h.Bytes -= bytes
}

// GiveUp counts a row of so many bytes that is shed, after it left or instead of
// entering.
func (h *Holding) GiveUp(r *LossRow, bytes int64) {
	h.Shed.Rows++
	h.Shed.Bytes += bytes
	h.Shed.Newest = max(h.Shed.Newest, r.Newest())
	h.Shed.Verdicts.AddRow(r)
}

// holdingFormat is the version of this layout:
//
//	format, rows, bytes, entered, booked, withdrawn, shed: rows, bytes, newest, verdicts
//
// A tally is an array of [resolver, inverted, concurrent …] of those that are not
// all zero, by resolver.
const holdingFormat = 1

// elementsHolding is the length of the array.
const elementsHolding = 10

// AppendHolding appends h's encoding to dst. Equal holdings give equal bytes.
func AppendHolding(dst []byte, h *Holding) []byte {
	dst = append(appendArray(dst, elementsHolding), holdingFormat)
	dst = appendUint(appendUint(dst, uint64(h.Rows)), uint64(h.Bytes))
	dst = appendUint(dst, h.Entered)
	dst = appendTally(appendTally(dst, &h.Booked), &h.Withdrawn)
	dst = appendUint(appendUint(dst, uint64(h.Shed.Rows)), uint64(h.Shed.Bytes))
	dst = appendInt(dst, int64(h.Shed.Newest))
	return appendTally(dst, &h.Shed.Verdicts)
}

func appendTally(dst []byte, t *Tally) []byte {
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

// DecodeHolding reads what [AppendHolding] wrote and nothing else.
func DecodeHolding(b []byte) (Holding, error) {
	r := newReader("holding", b)
	n := r.array("elements of a holding", elementsHolding, 1)
	r.require(n == elementsHolding, "a holding has ten elements")
	r.require(r.uint() == holdingFormat, "the format is not known to this version of the program")
	h := Holding{Rows: r.count(), Bytes: r.count(), Entered: r.uint()}
	h.Booked, h.Withdrawn = r.tally(), r.tally()
	h.Shed = Shed{Rows: r.count(), Bytes: r.count(), Newest: wallclock.Instant(r.int())}
	h.Shed.Verdicts = r.tally()
	if err := r.end(); err != nil {
		return Holding{}, err
	}
	return h, nil
}

func (r *reader) tally() (t Tally) {
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
