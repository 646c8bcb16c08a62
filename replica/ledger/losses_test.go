package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/replica"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
)

// TestLossesComeInPages: whatever the page's size, the pages together are the
// whole list, by key, dot and resolver, and no row comes twice.
func TestLossesComeInPages(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	c.chaos(rand.New(rand.NewPCG(5, 5)), 200)
	c.quiet()
	list := func(f ledger.Filter, most int) (rows []string, last ledger.Cursor) {
		t.Helper()
		err := c.reader("n1").Losses(f, func(d ledger.LossRecord) bool {
			rows, last = append(rows, fmt.Sprint(d.Resolver, d.Key, d.Loser)), ledger.CursorOf(&d.Loss)
			return len(rows) < most
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows, last
	}
	for _, f := range []ledger.Filter{all(), {}, {Prefix: "key/1", Resolvers: resolve.All}, {Relations: []resolve.Relation{resolve.Concurrent}}} {
		whole, _ := list(f, 1<<20)
		if len(whole) < 5 {
			t.Fatalf("%+v gives %d rows: too few to show anything", f, len(whole))
		}
		for _, page := range []int{1, 3, len(whole)} {
			var got []string
			for next := (ledger.Cursor{}); ; {
				f.After = next
				rows, last := list(f, page)
				if got = append(got, rows...); len(rows) < page {
					break
				}
				var err error
				if next, err = ledger.ParseCursor(last.String()); err != nil || next != last {
					t.Fatalf("the cursor %+v is read as %+v, %v", last, next, err)
				}
			}
			if !slices.Equal(got, whole) {
				t.Errorf("%+v in pages of %d: %d rows, want %d", f, page, len(got), len(whole))
			}
		}
		f.After = ledger.Cursor{}
	}
	for _, bad := range []string{"", "x", "AAAA", strings.Repeat("A", 22), "not base64!"} {
		if _, err := ledger.ParseCursor(bad); err == nil {
			t.Errorf("%q is taken for a cursor", bad)
		}
	}
}

// TestAuditAfterEvictingCountsWhatTheLedgerGaveUp, and no more than that.
func TestAuditAfterEvictingCountsWhatTheLedgerGaveUp(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	dots := concurrent(c)
	lww := func(evicted int64) ledger.Balance {
		a := c.over("n1", faulty{hide: func(l resolve.Loss) bool { return l.Resolver == resolve.LWW }})
		a.Config().Evicted[resolve.LWW] = evicted
		r, err := a.Audit(ledger.AuditOptions{MemoryBytes: 100 * ledger.TraceBytes, Gaps: 20})
		if err != nil {
			t.Fatal(err)
		}
		b := r.Balances[slices.IndexFunc(r.Balances, func(b ledger.Balance) bool { return b.Resolver == resolve.LWW })]
		if named := len(r.Gaps) > 0; named == b.Holds() {
			t.Errorf("with %d evicted it holds: %t, and %d gaps are named", evicted, b.Holds(), len(r.Gaps))
		}
		if b.Holds() != strings.Contains(explain.Audit(r), "lww: accepted 3 = live 1 + superseded 1 + lost 0 + lost by ancestry and no longer in the ledger 1: adds up") {
			t.Errorf("with %d evicted it says\n%s", evicted, explain.Audit(r))
		}
		return b
	}
	if b := lww(0); b.Holds() || b.InNone != 1 || b.Evicted != 0 {
		t.Errorf("nothing was evicted: %+v", b)
	}
	if b := lww(1); !b.Holds() || b.InNone != 0 || b.Evicted != 1 {
		t.Errorf("one was evicted: %+v", b)
	}
	if b := lww(9); !b.Holds() || b.Evicted != 1 {
		t.Errorf("more was evicted than is missing: %+v", b)
	}
	for _, evicted := range []int64{0, 1} { // a row that could not be retracted
		a := c.over("n1", faulty{add: []resolve.Loss{{Resolver: resolve.LWW, Relation: resolve.Concurrent, Key: "cart", Loser: dots[0]}}})
		a.Config().Evicted[resolve.LWW] = evicted
		r, err := a.Audit(ledger.AuditOptions{MemoryBytes: 100 * ledger.TraceBytes, Gaps: 20})
		if err != nil {
			t.Fatal(err)
		}
		b := r.Balances[0]
		if b.Holds() != (evicted > 0) || b.Stale != int(evicted) || strings.Contains(explain.Audit(r), "although a survivor has seen") != (evicted > 0) {
			t.Errorf("with %d evicted: %+v\n%s", evicted, b, explain.Audit(r))
		}
	}
}

// why is what is said of the only loss of x under a resolver.
func (c *cluster) why(id resolve.ID) string {
	c.t.Helper()
	said := ""
	err := c.reader("n2").Losses(ledger.Filter{Prefix: "x", Resolvers: id.Mask()}, func(d ledger.LossRecord) bool { said += explain.Loss(&d); return true })
	if err != nil {
		c.t.Fatal(err)
	}
	return said
}

// TestWhatTheClocksProve is said, and only where it is proven.
func TestWhatTheClocksProve(t *testing.T) {
	fresh := func() *cluster { return newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3") }
	c := fresh()
	figure83(c)
	if got := c.why(resolve.LWW); !strings.HasSuffix(got, "so n1's clock was at least 1ms ahead of n3's.") {
		t.Error(got)
	}
	c = fresh()
	c.leaders["n1"].skew = 3 * time.Second
	c.set("n1", 1, "x", "before")
	c.leaders["n1"].skew = time.Second
	c.set("n1", 1, "x", "after")
	c.quiet()
	if got := c.why(resolve.LWW); !strings.HasSuffix(got, "so n1's clock had gone back by at least 2s.") {
		t.Error(got)
	}
	if got := c.why(resolve.Interval); !strings.HasSuffix(got, "so one of them was further off than it claimed.") {
		t.Error(got)
	}
	c = fresh()
	c.leaders["n1"].skew = 3 * time.Second
	c.set("n1", 1, "x", "before")
	c.leaders["n2"].skew = 9 * time.Second
	c.set("n2", 2, "x", "unheard")
	c.landAt("n3")
	c.leaders["n3"].skew = time.Second
	c.ask("n3", &replica.Request{Verb: replica.Set, Key: "x", Value: []byte("after")})
	c.quiet()
	for _, want := range []string{`"after" from a client at n3`, "at least 8s ahead of n3's"} {
		if got := c.why(resolve.LWW); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	c = fresh()
	concurrent(c)
	if err := c.reader("n2").Losses(ledger.Filter{Resolvers: resolve.LWW.Mask()}, func(d ledger.LossRecord) bool {
		if strings.Contains(explain.Loss(&d), "at least") {
			t.Errorf("nobody had seen the other, and it says %s", explain.Loss(&d))
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}

// TestARestoredWriteLosesUntilThen and not a nanosecond longer.
func TestARestoredWriteLosesUntilThen(t *testing.T) {
	for _, id := range []resolve.ID{resolve.LWW, resolve.Interval, resolve.HLC} {
		for _, late := range []time.Duration{-1, 0} {
			c := newCluster(t, everybody(id), "n1", "n2", "n3")
			c.leaders["n1"].skew = time.Hour
			c.set("n1", 1, "x", "future")
			c.leaders["n1"].skew = 0
			c.quiet()
			lost := c.set("n2", 2, "x", "mine")
			c.quiet()
			r, err := c.reader("n2").Restore(lost)
			if err != nil || r.Until == 0 || r.Until < 59*time.Minute {
				t.Fatalf("%s: beaten for %s, %v", id, r.Until, err)
			}
			c.now += r.Until + late
			again := c.ask("n2", r.Request)
			f, err := c.reader("n2").Fate(again)
			if err != nil {
				t.Fatal(err)
			}
			if won := f.Verdicts[0].State == ledger.Live; won != (late == 0) {
				t.Errorf("%s: written %s after it could win: %s", id, late, explain.Verdict(&f.Verdicts[0]))
			}
		}
	}
}
