package host_test

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica/host"
	"kvd/storage/losses"
)

// TestOldRowsGoAsFastAsNewOnesCome: a leader that loses a hundred writes a second
// keeps what its bound by age lets it keep, not what a pause between evictions does.
func TestOldRowsGoAsFastAsNewOnesCome(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	defer s.Close()
	p := alone(t, s, 1, host.Options{Ledger: losses.Retention{Batch: 2, Age: time.Second}})
	defer p.Close()
	for n := range int64(400) {
		cycle(t, p, at(10*n), blind("x", "a"))
		if got := p.Ledger(); got.Rows > 105 {
			t.Fatalf("after %d ms there are %d rows; a second brings 100", 10*n, got.Rows)
		}
	}
	if got := p.Ledger(); got.Rows < 95 {
		t.Errorf("%+v: rows went before their time", got)
	}
	must(t, s.CheckLedger())
}

// TestNewRowsAreTakenInABacklog: a ledger that was given a smaller bound than it holds
// goes on to take what is lost now, in the place of the oldest, while it shrinks by
// a few rows a batch. No batch pays for the whole backlog.
func TestNewRowsAreTakenInABacklog(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	defer s.Close()
	p := alone(t, s, 1, host.Options{})
	for n := range int64(100) {
		cycle(t, p, at(n), blind("x", "a"))
	}
	full := p.Ledger()
	p.Close()
	bound := full.Bytes / 4
	p = alone(t, s, 0, host.Options{Ledger: losses.Retention{Batch: 2, Bytes: bound}})
	defer p.Close()
	for n := int64(100); p.Ledger().Bytes > bound; n++ {
		was := p.Ledger()
		cycle(t, p, at(n), blind("x", "a"))
		now := p.Ledger()
		if n == 300 || now.Bytes >= was.Bytes || now.Evicted.Rows-was.Evicted.Rows > 2+1 {
			t.Fatalf("after %d batches: %+v, was %+v", n-100, now, was)
		}
		newest := uint64(0)
		must(t, s.Rows(losses.ID{}, func(r *losses.Row) bool { newest = max(newest, r.Position); return true }))
		if newest != now.Entered {
			t.Fatalf("the row at index %d was evicted, older ones stayed: %+v", now.Entered, now)
		}
	}
	must(t, s.CheckLedger())
}
