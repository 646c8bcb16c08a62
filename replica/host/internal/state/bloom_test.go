package state

import (
	"math/rand/v2"
	"testing"

	"kvd/logical"
	"kvd/storage/losses"
)

// TestALedgerAtItsBoundHasAFilter, also after a restart: however short its rows.
func TestALedgerAtItsBoundHasAFilter(t *testing.T) {
	const shortest = 100 // bytes of a row of a short key that shadows alone lost
	if r := losses.DefaultRetention(); r.Bytes/shortest > maxBloomRows {
		t.Errorf("a ledger may hold %d rows, and a leader fills a bloom for no more than %d", r.Bytes/shortest, maxBloomRows)
	}
}

// TestBloom lets through whatever was added, and little else, with as many rows as
// a leader that starts adds.
func TestBloom(t *testing.T) {
	f := bloom{open: true}
	if !f.mayHold(logical.Dot{Origin: 1, Seq: 1}) {
		t.Error("an open bloom holds something back")
	}
	f.open = false
	if f.mayHold(logical.Dot{Origin: 1, Seq: 1}) {
		t.Error("an empty bloom lets something through")
	}
	f.expect(maxBloomRows)
	r := rand.New(rand.NewPCG(1, 2))
	origins := []logical.Origin{logical.Origin(r.Uint64()), logical.Origin(r.Uint64()), logical.Origin(r.Uint64())}
	for n := range logical.Seq(maxBloomRows) {
		f.add(logical.Dot{Origin: origins[n%3], Seq: n * 2})
	}
	through := 0
	for n := range logical.Seq(maxBloomRows) {
		if !f.mayHold(logical.Dot{Origin: origins[n%3], Seq: n * 2}) {
			t.Fatalf("the row at %d is held back", n)
		}
		if f.mayHold(logical.Dot{Origin: origins[n%3], Seq: n*2 + 1}) {
			through++
		}
	}
	t.Logf("%d of %d that were never added are let through", through, maxBloomRows)
	if through > maxBloomRows/30 {
		t.Errorf("%d of %d that were never added are let through", through, maxBloomRows)
	}
}
