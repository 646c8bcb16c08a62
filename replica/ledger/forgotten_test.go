package ledger_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
)

// forget takes log entries away from a leader, as truncation does.
func (c *cluster) forget(at string, dots ...logical.Dot) {
	c.t.Helper()
	store := c.leaders[at].store
	store.Forget(dots...)
	for _, d := range dots {
		if _, found, err := store.Op(d); found || err != nil {
			c.t.Fatalf("%s is still in the log, %v", d, err)
		}
	}
}

// keeper is a store whose ledger tells what its rows keep.
type keeper struct{ stored }

func (k keeper) KeyOf(d logical.Dot) (string, bool, error) { return k.Store.KeyOf(d) }

func (k keeper) Evidence(key string, d logical.Dot) (ledger.Write, bool, error) {
	r, found, err := k.RowOf(key, d)
	if err != nil || !found || r.Evidence == nil {
		return ledger.Write{}, false, err
	}
	e := r.Evidence
	return ledger.Write{Kind: e.Kind, Value: e.Value, Size: e.Size, Delta: e.Delta, Expires: e.Expires,
		Wall: e.Stamps.Wall, HLC: e.Stamps.HLC, Lamport: e.Stamps.Lamport, Client: e.Client}, true, nil
}

func (c *cluster) keeping(at string) *ledger.Reader {
	a := c.reader(at)
	a.OverRows(keeper{stored{c.leaders[at].store}})
	return a
}

// TestForgottenLosersAreToldOfByTheLedger: where the log no longer holds what was
// lost, why, losses and fate say what they said before, and a whole value comes
// back.
func TestForgottenLosersAreToldOfByTheLedger(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	lost := concurrent(c)[1]
	said := func() (why, losses string, verdicts []ledger.Verdict) {
		t.Helper()
		s, err := c.keeping("n1").Why("cart")
		if err != nil {
			t.Fatal(err)
		}
		err = c.keeping("n1").Losses(ledger.Filter{}, func(d ledger.LossRecord) bool { losses += explain.Loss(&d); return true })
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.keeping("n1").Fate(lost)
		if err != nil {
			t.Fatal(err)
		}
		return explain.Key(s), losses, f.Verdicts
	}
	why, losses, verdicts := said()
	before, err := c.keeping("n1").Restore(lost)
	if err != nil {
		t.Fatal(err)
	}
	c.forget("n1", lost)
	whyNow, lossesNow, verdictsNow := said()
	if whyNow != why || lossesNow != losses || !strings.Contains(why, `"milk,bread" from client B at n2`) {
		t.Errorf("before:\n%s%s\nnow:\n%s%s", why, losses, whyNow, lossesNow)
	}
	for i := range verdicts {
		if a, b := verdicts[i], verdictsNow[i]; explain.Verdict(&a) != explain.Verdict(&b) {
			t.Errorf("under %s: %s; before: %s", b.Resolver, explain.Verdict(&b), explain.Verdict(&a))
		}
	}
	f, err := c.keeping("n1").Fate(lost)
	if err != nil || f.Known != ledger.Forgotten || f.Key != "cart" || string(f.Was.Value) != "milk,bread" || f.Was.LogEntry ||
		!strings.Contains(explain.Fate(f), `a write of "milk,bread" to cart, accepted from client B at n2`) || !strings.Contains(explain.Fate(f), "this is what the ledger has kept") {
		t.Errorf("%+v, %v\n%s", f, err, explain.Fate(f))
	}
	after, err := c.keeping("n1").Restore(lost)
	if err != nil || after.Request.Key != "cart" || !bytes.Equal(after.Request.Value, before.Request.Value) || len(after.Request.Shown) != len(before.Request.Shown) {
		t.Fatalf("%+v, %v; before: %+v", after, err, before)
	}
	if audit, err := c.keeping("n1").Audit(ledger.AuditOptions{MemoryBytes: 100 * ledger.TraceBytes, Gaps: 10}); err != nil || audit.Stray != 4 {
		t.Errorf("%+v, %v: the row of the forgotten write is no stray", audit, err)
	}
	c.now += time.Second
	again := c.ask("n1", after.Request)
	c.quiet()
	for _, at := range c.names {
		if f, err := c.keeping(at).Fate(again); err != nil || f.Verdicts[0].State != ledger.Live {
			t.Errorf("at %s what was restored is %+v, %v", at, f.Verdicts, err)
		}
		if err := c.keeping(at).Losses(ledger.Filter{}, func(d ledger.LossRecord) bool { t.Errorf("%s still says %s", at, explain.Loss(&d)); return true }); err != nil {
			t.Error(err)
		}
	}
}

// TestForgottenWritesThatCannotComeBack are refused with the reason: the ledger kept
// only the begin, or it lists the write for a shadow alone, or has no row.
func TestForgottenWritesThatCannotComeBack(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	long := c.set("n1", 1, "long", strings.Repeat("x", 3000))
	c.now += time.Millisecond
	c.set("n2", 2, "long", "winner")
	covered := covered(c)[0] // the object has it for a counter alone
	live := c.set("n3", 3, "alive", "1")
	gone := c.ask("n1", &replica.Request{Verb: replica.Remove, Key: "z"})
	c.now += time.Millisecond
	c.set("n2", 2, "z", "winner")
	c.quiet()
	c.forget("n3", long, covered, live, gone)
	for _, x := range []struct {
		dot  logical.Dot
		want error
		says string
		fate string
	}{
		{long, ledger.ErrForgotten, "only the first 1024 of 3000 bytes", "(3000 bytes)"},
		{gone, ledger.ErrDeletion, "delete it", "a deletion of z"},
		{live, ledger.ErrForgotten, "nor does the ledger; ask another leader", "neither the log nor the ledger holds it"},
	} {
		_, err := c.keeping("n3").Restore(x.dot)
		if !errors.Is(err, x.want) || !strings.Contains(explain.Error(err), x.says) {
			t.Errorf("restoring %s: %v, want %q", x.dot, err, x.says)
		}
		if f, err := c.keeping("n3").Fate(x.dot); err != nil || f.Known != ledger.Forgotten || !strings.Contains(explain.Fate(f), x.fate) {
			t.Errorf("%s: %v\n%s", x.dot, err, explain.Fate(f))
		}
	}
	_, err := c.reader("n3").Restore(long) // a ledger that keeps nothing
	if !errors.Is(err, ledger.ErrForgotten) {
		t.Error(err)
	}
	f, err := c.keeping("n3").Fate(covered)
	if err != nil {
		t.Fatal(err)
	}
	if string(f.Was.Value) != "early" || !strings.Contains(explain.Fate(f), `a write of "early" to x, accepted from client A at n1`) {
		t.Errorf("a write that a counter keeps without its value:\n%s", explain.Fate(f))
	}
	if f, err = c.reader("n3").Fate(covered); err != nil || f.Known != ledger.Forgotten || f.Key != "" {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestValuesThatOnlyACounterKeeps are not told of as empty.
func TestValuesThatOnlyACounterKeeps(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	early := covered(c)[0]
	c.forget("n3", early)
	w := c.reader("n3").About("x").WriteOf(early)
	if said := explain.Loss(&ledger.LossRecord{Was: w}); w.Kind != 0 || strings.Contains(said, `""`) {
		t.Errorf("it says %s", said)
	}
}
