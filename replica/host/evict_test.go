package host_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// alone is a leader without peers: nothing but its ledger wakes it.
func alone(t testing.TB, s *storage.Store, life int, o host.Options) *host.Pump {
	t.Helper()
	cfg := config()
	cfg.Peers, cfg.Policy = nil, resolve.Policy{Default: resolve.LWW}
	var p *host.Pump
	var err error
	if life > 0 {
		p, err = host.OpenWith(cfg, s, 7, o)
	} else {
		p, err = host.ResumeWith(cfg, s, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// later is the same leader after so many seconds.
func later(seconds int64) wallclock.Moment { return at(seconds * 1000) }

// cycle steps and commits at that moment.
func cycle(t testing.TB, p *host.Pump, m wallclock.Moment, in ...replica.Input) *replica.Output {
	t.Helper()
	if err := p.Step(m, in...); err != nil {
		t.Fatal(err)
	}
	return commit(t, p)
}

// TestOldRowsGoWithoutNewLosses: a leader that does nothing is woken when its
// oldest row is old, and no sooner; a page of rows at a time; after a restart too.
func TestOldRowsGoWithoutNewLosses(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	defer s.Close()
	o := host.Options{Ledger: losses.Retention{Batch: 2, Age: 10 * time.Second}}
	p := alone(t, s, 1, o)
	for n := range int64(5) {
		cycle(t, p, at(n), blind("x", "a"))
	}
	if out := cycle(t, p, later(1), replica.Tick{}); p.Ledger().Rows != 4 || out.Wake < later(9).Mono || out.Wake > later(11).Mono {
		t.Errorf("%d rows; the leader wakes at %d", p.Ledger().Rows, out.Wake)
	}
	before := p.Ledger()
	if cycle(t, p, later(9), replica.Tick{}); p.Ledger() != before {
		t.Errorf("%+v, and before its time %+v", before, p.Ledger())
	}
	out := cycle(t, p, later(11), replica.Tick{})
	if got := p.Ledger(); got.Rows != 2 || got.Evicted.Rows != 2 || out.Wake != later(12).Mono {
		t.Errorf("after its time %+v; the leader wakes at %d", got, out.Wake)
	}
	p.Close()
	p = alone(t, s, 0, o)
	defer p.Close()
	if out := cycle(t, p, later(11), replica.Tick{}); p.Ledger().Rows != 0 || out.Wake != replica.Never {
		t.Errorf("after a restart %+v; the leader wakes at %d", p.Ledger(), out.Wake)
	}
	if err := s.CheckLedger(); err != nil {
		t.Error(err)
	}
}

// TestSmallerBoundIsReachedInTime: who gives a full ledger less room sees it
// shrink by a few rows a second, and no write waits for that.
func TestSmallerBoundIsReachedInTime(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	defer s.Close()
	p := alone(t, s, 1, host.Options{})
	for n := range int64(9) {
		cycle(t, p, at(n), blind("x", "a"))
	}
	full := p.Ledger()
	p.Close()
	p = alone(t, s, 0, host.Options{Ledger: losses.Retention{Batch: 2, Bytes: full.Bytes / 4}})
	defer p.Close()
	for second := int64(1); second <= 3; second++ {
		if out := cycle(t, p, later(second), &replica.Request{Verb: replica.Get, Key: "x"}); len(out.Replies) != 1 {
			t.Error("the read waits")
		}
		if got := p.Ledger(); got.Rows != full.Rows-2*second || got.Evicted.Rows != 2*second {
			t.Errorf("after %d seconds: %+v", second, got)
		}
		if out := cycle(t, p, later(second), replica.Tick{}); out.Wake > later(second+1).Mono && second < 3 {
			t.Errorf("wakes at %d", out.Wake)
		}
	}
	if got := p.Ledger(); got.Bytes > full.Bytes/4 {
		t.Errorf("%d bytes of %d", got.Bytes, full.Bytes/4)
	}
}

// TestTheNewestStay: where there is room for some, the oldest go.
func TestTheNewestStay(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	defer s.Close()
	p := alone(t, s, 1, host.Options{Ledger: losses.Retention{Batch: 1, Bytes: 1000}})
	defer p.Close()
	for n := range int64(40) {
		cycle(t, p, at(n), blind("x", "a"))
	}
	got := p.Ledger()
	if got.Rows < 3 || got.Bytes > 1000 || got.Rows+got.Evicted.Rows != 39 {
		t.Errorf("%+v", got)
	}
	place := got.Entered
	must(t, s.Rows(losses.ID{}, func(r *losses.Row) bool {
		if r.Position <= place-uint64(got.Rows) {
			t.Errorf("the row at place %d of %d stayed", r.Position, place)
		}
		return true
	}))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoLedger keeps nothing, whatever is lost.
func TestNoLedger(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	defer s.Close()
	p := alone(t, s, 1, host.Options{NoLedger: true})
	defer p.Close()
	out := cycle(t, p, at(0), blind("x", "a"), blind("x", "b"))
	if n := len(out.Replies); n != 2 || p.Ledger() != (losses.Stats{}) || p.Reader().Lost("x", out.Replies[0].Dot) != 0 {
		t.Errorf("%d replies, %+v", n, p.Ledger())
	}
	if h, err := s.LedgerStats(); err != nil || h != (losses.Stats{}) {
		t.Errorf("%+v, %v", h, err)
	}
}

// forgetful never retracts, so that a write is inserted again that is in the
// ledger.
type forgetful struct{ watch }

func (forgetful) Put(p replica.Put) replica.Put {
	if l, is := p.(replica.PutLoss); is {
		l.Loser.Seq = 1
		return l
	}
	return p
}

// TestInsertedTwice: a verdict takes the place of an older one of its resolver, which
// counts as retracted.
func TestInsertedTwice(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	defer s.Close()
	p := alone(t, s, 1, host.Options{Tamper: forgetful{}})
	defer p.Close()
	cycle(t, p, at(0), blind("x", "a"), blind("x", "b"), blind("x", "c"))
	cycle(t, p, at(1), blind("x", "d"))
	h := p.Ledger()
	if h.Rows != 1 || h.Inserted.Sum() != 3 || h.Retracted.Sum() != 2 || h.Entered != 1 {
		t.Errorf("%+v", h)
	}
	must(t, s.CheckLedger())
}

// TestLedgerThatCannotBeRead stops the leader, as a log does.
func TestLedgerThatCannotBeRead(t *testing.T) {
	mem := vfs.NewMem()
	s := openStore(t, mem)
	p := alone(t, s, 1, host.Options{})
	for n := range int64(40) {
		cycle(t, p, at(n), blind("x", string(make([]byte, 10<<10))))
	}
	p.Close()
	must(t, s.Close())
	var broken errorfs.Toggle
	broken.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt {
			return errorfs.ErrInjected
		}
		return nil
	})
	s = openStore(t, errorfs.Wrap(mem, &broken))
	defer s.Close()
	p = alone(t, s, 0, host.Options{Ledger: losses.Retention{Batch: 64, Bytes: 10}})
	defer p.Close()
	if err := p.Step(at(50), replica.Tick{}); err != nil {
		t.Fatal(err)
	}
	broken.On()
	if err := p.Commit(); !errors.Is(err, errorfs.ErrInjected) || !strings.Contains(err.Error(), "read ledger") {
		t.Errorf("Commit: %v", err)
	}
}
