package state

import (
	"runtime"
	"testing"

	"kvd/logical"
	"kvd/storage/losses"
)

// TestABatchHoldsOnToFewRowsThatItReads, however many it asks about.
func TestABatchHoldsOnToFewRowsThatItReads(t *testing.T) {
	v := &Overlay{ledger: ledger{rows: map[losses.ID]*ledgerRow{}}}
	for range 3 { // also where memory is used again
		for n := range logical.Seq(5 * maxRows) {
			id := losses.ID{Key: "x", Loser: logical.Dot{Origin: 1, Seq: n + 1}}
			if e := v.row(id, false); e.row.ID() != id || len(e.row.Verdicts) > 0 {
				t.Fatalf("asked about %v, told of %+v", id, e.row)
			}
		}
		if l := &v.ledger; len(l.made) > maxRows || len(l.rows) > maxRows {
			t.Fatalf("%d rows are held, and %d found again", len(l.made), len(l.rows))
		}
		v.ledger.clear()
	}
}

// TestALargeBatchLeavesNothingBehind: one write may be seen to have seen a hundred
// thousand that were lost; the batches after it must not pay for that.
func TestALargeBatchLeavesNothingBehind(t *testing.T) {
	v := &Overlay{ledger: ledger{rows: map[losses.ID]*ledgerRow{}}}
	before := heap()
	for n := range logical.Seq(100_000) {
		v.ledger.touch(v.row(losses.ID{Key: "x", Loser: logical.Dot{Origin: 1, Seq: n + 1}}, true))
	}
	v.ledger.clear()
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d bytes are held after the batch", grown)
	}
	runtime.KeepAlive(v)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
