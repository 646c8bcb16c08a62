package host

import (
	"math/rand/v2"
	"testing"

	"kvd/logical"
	"kvd/storage"
)

// TestALedgerAtItsBoundHasASieve, also after a restart: however short its rows.
func TestALedgerAtItsBoundHasASieve(t *testing.T) {
	const shortest = 100 // bytes of a row of a short key that shadows alone lost
	if r := storage.DefaultRetention(); r.Bytes/shortest > mostSieved {
		t.Errorf("a ledger may hold %d rows, and a leader fills a sieve for no more than %d", r.Bytes/shortest, mostSieved)
	}
}

// TestSieve lets through whatever was added, and little else, with as many rows as
// a leader that starts adds.
func TestSieve(t *testing.T) {
	s := sieve{open: true}
	if !s.mayHold(logical.Dot{Origin: 1, Seq: 1}) {
		t.Error("an open sieve holds something back")
	}
	s.open = false
	if s.mayHold(logical.Dot{Origin: 1, Seq: 1}) {
		t.Error("an empty sieve lets something through")
	}
	s.expect(mostSieved)
	r := rand.New(rand.NewPCG(1, 2))
	origins := []logical.Origin{logical.Origin(r.Uint64()), logical.Origin(r.Uint64()), logical.Origin(r.Uint64())}
	for n := range logical.Seq(mostSieved) {
		s.add(logical.Dot{Origin: origins[n%3], Seq: n * 2})
	}
	through := 0
	for n := range logical.Seq(mostSieved) {
		if !s.mayHold(logical.Dot{Origin: origins[n%3], Seq: n * 2}) {
			t.Fatalf("the row at %d is held back", n)
		}
		if s.mayHold(logical.Dot{Origin: origins[n%3], Seq: n*2 + 1}) {
			through++
		}
	}
	t.Logf("%d of %d that were never added are let through", through, mostSieved)
	if through > mostSieved/30 {
		t.Errorf("%d of %d that were never added are let through", through, mostSieved)
	}
}
