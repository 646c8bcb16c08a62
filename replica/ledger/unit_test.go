package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
	"kvd/wallclock"
)

// faulty is a leader whose log or ledger has been tampered with, or whose disk
// fails.
type faulty struct {
	stored
	hide func(resolve.Loss) bool
	add  []resolve.Loss
	fail error
}

func (f faulty) LossesFrom(key string, d logical.Dot, yield func(resolve.Loss) bool) error {
	if f.fail != nil {
		return f.fail
	}
	rows := slices.Clone(f.add)
	err := f.stored.LossesFrom("", logical.Dot{}, func(l resolve.Loss) bool {
		if f.hide == nil || !f.hide(l) {
			rows = append(rows, l)
		}
		return true
	})
	slices.SortFunc(rows, func(a, b resolve.Loss) int { return ledger.CursorOf(&a).Compare(ledger.CursorOf(&b)) })
	for _, l := range rows {
		if ledger.CursorOf(&l).Compare(ledger.Cursor{Key: key, Loser: d}) >= 0 && !yield(l) {
			break
		}
	}
	return err
}

func (f faulty) LossesOf(key string, yield func(resolve.Loss) bool) error {
	return f.LossesFrom(key, logical.Dot{}, func(l resolve.Loss) bool { return l.Key == key && yield(l) })
}

func (f faulty) Object(key string) (*resolve.Object, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	return f.stored.Object(key)
}

func (f faulty) Op(d logical.Dot) (*resolve.Op, bool, error) {
	if f.fail != nil {
		return nil, false, f.fail
	}
	return f.stored.Op(d)
}

func (f faulty) Ops(o logical.Origin, from logical.Seq, maxOps, maxBytes int) ([]*resolve.Op, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	return f.stored.Ops(o, from, maxOps, maxBytes)
}

// over is a leader's reader with faults.
func (c *cluster) over(at string, f faulty) *ledger.Reader {
	f.stored = stored{c.leaders[at].store}
	a := c.reader(at)
	a.Over(f, f)
	return a
}

// TestAuditNamesWhatDoesNotAddUp: a row that is missing leaves its write in
// none, one that is too many leaves its write in two, and one of a write that
// nobody accepted is a stray.
func TestAuditNamesWhatDoesNotAddUp(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	dots := concurrent(c)
	a := c.over("n1", faulty{
		hide: func(l resolve.Loss) bool { return l.Resolver == resolve.LWW },
		add: []resolve.Loss{
			{Resolver: resolve.Causal, Key: "cart", Loser: dots[0], Relation: resolve.Inverted},
			{Resolver: resolve.HLC, Key: "cart", Loser: dots[2], Relation: resolve.Concurrent},
			{Resolver: resolve.HLC, Key: "cart", Loser: logical.Dot{Origin: 5, Seq: 5}, Relation: resolve.Concurrent},
		}})
	audit, err := a.Audit(ledger.AuditOptions{MemoryBytes: 100 * ledger.TraceBytes, Gaps: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.Gap{
		{"cart", dots[0], resolve.Causal, []ledger.State{ledger.Superseded, ledger.Lost}},
		{"cart", dots[1], resolve.LWW, nil},
		{"cart", dots[2], resolve.HLC, []ledger.State{ledger.Live, ledger.Lost}},
	}
	if fmt.Sprint(audit.Gaps) != fmt.Sprint(want) || audit.Stray != 1 {
		t.Errorf("gaps %v, want %v; %d strays", audit.Gaps, want, audit.Stray)
	}
	text := explain.Audit(audit)
	for _, s := range []string{"lww: accepted 3 = live 1 + superseded 1 + lost 0: DOES NOT ADD UP", "lamport: accepted 3 = live 1 + superseded 1 + lost 1: adds up",
		dots[1].String() + " of cart is neither live, superseded nor lost under lww", dots[2].String() + " of cart is both live and lost under hlc"} {
		if !strings.Contains(text, s) {
			t.Errorf("the audit says\n%s\nand not %q", text, s)
		}
	}
	few, _ := a.Audit(ledger.AuditOptions{MemoryBytes: 100 * ledger.TraceBytes, Gaps: 1})
	if len(few.Gaps) != 1 || few.Gaps[0].Dot != dots[0] {
		t.Errorf("one gap asked for, %v named", few.Gaps)
	}
}

// TestAuditBoundsWhatItHolds: a key that is too large is named, samples are the
// same keys at every leader, prefixes are kept to.
func TestAuditBoundsWhatItHolds(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	for i := range 40 {
		c.set("n1", 1, fmt.Sprintf("k/%02d", i), "v")
		c.set("n1", 1, "hot", fmt.Sprint(i))
	}
	c.quiet()
	a := c.reader("n2")
	bounded, err := a.Audit(ledger.AuditOptions{MemoryBytes: 8 * ledger.TraceBytes})
	if err != nil || !slices.Equal(bounded.Skipped, []string{"hot"}) || bounded.Keys != 40 || bounded.Balances[0].Accepted != 40 {
		t.Errorf("%+v, %v", bounded, err)
	}
	if !strings.Contains(explain.Audit(bounded), "not audited, too many ops: hot") {
		t.Error(explain.Audit(bounded))
	}
	sampled, _ := a.Audit(ledger.AuditOptions{MemoryBytes: 100 * ledger.TraceBytes, Sample: 4})
	again, _ := c.reader("n3").Audit(ledger.AuditOptions{MemoryBytes: 100 * ledger.TraceBytes, Sample: 4})
	if sampled.Keys == 0 || sampled.Keys > 30 || fmt.Sprint(sampled.Balances) != fmt.Sprint(again.Balances) {
		t.Errorf("a sample of %d keys; at n3 of %d", sampled.Keys, again.Keys)
	}
	prefixed, _ := a.Audit(ledger.AuditOptions{MemoryBytes: 100 * ledger.TraceBytes, Prefix: "k/1"})
	if prefixed.Keys != 10 {
		t.Errorf("%d keys begin with k/1", prefixed.Keys)
	}
	if _, err := a.Audit(ledger.AuditOptions{}); err == nil {
		t.Error("an audit that may hold nothing is accepted")
	}
}

// TestFailedReadsAreSaid, not taken for nothing found.
func TestFailedReadsAreSaid(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	dots := concurrent(c)
	a := c.over("n1", faulty{fail: errors.New("the disk is gone")})
	_, why := a.Why("cart")
	_, fate := a.Fate(dots[0])
	_, restore := a.Restore(dots[0])
	_, audit := a.Audit(ledger.AuditOptions{MemoryBytes: 1 * ledger.TraceBytes})
	_, measure := a.Measure([]string{""})
	losses := a.Losses(all(), func(ledger.LossRecord) bool { return true })
	for i, err := range []error{why, fate, restore, audit, measure, losses} {
		if err == nil || !strings.Contains(err.Error(), "the disk is gone") {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestLossesAreFiltered by prefix, resolver, relation and time.
func TestLossesAreFiltered(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	figure83(c)
	concurrent(c)
	count := func(f ledger.Filter) (n int) {
		if err := c.reader("n2").Losses(f, func(ledger.LossRecord) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, x := range []struct {
		f    ledger.Filter
		want int
	}{
		{ledger.Filter{}, 2}, {ledger.Filter{Prefix: "ca"}, 1}, {ledger.Filter{Prefix: "cart/long"}, 0}, {ledger.Filter{Resolvers: resolve.All}, 6},
		{ledger.Filter{Resolvers: resolve.Lamport.Mask()}, 1}, {ledger.Filter{Relations: []resolve.Relation{resolve.Inverted}}, 1},
		{ledger.Filter{Since: epoch.Add(5 * time.Second)}, 1}, {ledger.Filter{Since: epoch.Add(time.Hour)}, 0},
	} {
		if got := count(x.f); got != x.want {
			t.Errorf("%+v gives %d rows, want %d", x.f, got, x.want)
		}
	}
	n := 0
	_ = c.reader("n2").Losses(all(), func(ledger.LossRecord) bool { n++; return false })
	if n != 1 {
		t.Errorf("%d rows after the first was enough", n)
	}
}

// TestFarAnswersAreBounded: what a question may read has an end, and the answer
// says so instead of guessing.
func TestFarAnswersAreBounded(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	first := c.set("n1", 1, "x", "0")
	for i := range 50 {
		c.set("n1", 1, "x", fmt.Sprint(i))
	}
	c.quiet()
	a := c.reader("n2")
	a.Config().Steps = 20
	f, err := a.Fate(first)
	if err != nil || f.Verdicts[0].State != ledger.Superseded && f.Verdicts[0].State != ledger.Unclear {
		t.Errorf("%+v, %v", f, err)
	}
	a.Config().Past = 3
	w, err := a.Why("x")
	if err != nil || len(w.Past) != 3 || w.PastLeft != 1 || string(w.Past[0].Value) != "48" {
		t.Errorf("%+v, %v", w, err)
	}
	a.Config().Steps = 1000
	if f, err := a.Fate(first); err != nil || f.Verdicts[0].State != ledger.Superseded || f.Verdicts[0].By.Seq != first.Seq+1 {
		t.Errorf("%+v, %v", f.Verdicts, err)
	}
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	for _, c := range []ledger.Config{{}, {Steps: 1, Past: -1}, {Steps: 1, Policy: resolve.Policy{Rules: []resolve.Rule{{Prefix: "a"}, {Prefix: "a"}}}}} {
		if _, err := ledger.New(c, nil, nil); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

// TestDeletionsThatLeftNothingAreFoundInTheLog: under siblings alone neither the
// value nor its deletion leave a trace in the object.
func TestDeletionsThatLeftNothingAreFoundInTheLog(t *testing.T) {
	for _, noise := range []int{0, 6} { // with none, the deletion comes right after the write
		foundInTheLog(t, noise)
	}
}

func foundInTheLog(t *testing.T, noise int) {
	t.Helper()
	c := newCluster(t, resolve.Policy{Default: resolve.Siblings}, "n1", "n2", "n3")
	for i := range noise {
		c.set("n2", 1, "noise", fmt.Sprint(i))
	}
	gone := c.set("n1", 1, "x", "gone")
	c.quiet()
	by := c.ask("n2", &replica.Request{Verb: replica.Remove, Key: "x"})
	for i := range 6 {
		c.set("n2", 1, "noise", fmt.Sprint(i))
	}
	c.quiet()
	f, err := c.reader("n3").Fate(gone)
	if err != nil || len(f.Verdicts) != 1 || f.Verdicts[0].State != ledger.Deleted || f.Verdicts[0].By != by {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestRestoringErasesNothingUnseen: what arrives between the question and the
// write is not written over. What was restored is no longer lost anywhere.
func TestRestoringErasesNothingUnseen(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	dots := concurrent(c)
	r, err := c.reader("n2").Restore(dots[1])
	if err != nil || !r.Request.Exact || !slices.Equal(r.Request.Shown, dots[1:]) {
		t.Fatalf("%+v, %v", r, err)
	}
	c.now += time.Second
	unseen := c.set("n2", 1, "cart", "milk,tea")
	c.now += time.Second
	c.ask("n2", r.Request)
	c.quiet()
	f, err := c.reader("n1").Fate(unseen)
	if err != nil || f.Verdicts[0].State != ledger.Lost {
		t.Errorf("%+v, %v: the unseen write is not inserted as lost", f.Verdicts[0], err)
	}
	for _, at := range []string{"n1", "n2", "n3"} {
		f, err := c.reader(at).Fate(dots[1])
		if err != nil || f.Verdicts[0].State != ledger.Superseded {
			t.Errorf("at %s: %+v, %v: the write that was restored is still lost", at, f.Verdicts[0], err)
		}
	}
}

// TestTheBestOfSeveralSurvivors is the one that began last, and if two began
// together the smaller dot.
func TestTheBestOfSeveralSurvivors(t *testing.T) {
	version := func(o logical.Origin, from wallclock.Instant) resolve.Version {
		return resolve.Version{Dot: logical.Dot{Origin: o, Seq: 1}, Mask: resolve.Siblings.Mask(), Wall: wallclock.Interval{Earliest: from, Latest: 100}}
	}
	q := ledger.QuestionOf(resolve.Panel{Serving: resolve.Siblings}, &resolve.Object{Versions: []resolve.Version{version(1, 5), version(2, 9), version(3, 9)}})
	if got := q.BestOf(resolve.Siblings); got.Origin != 2 {
		t.Errorf("the best is %s", got)
	}
	if got := q.BestOf(resolve.LWW); !got.IsZero() {
		t.Errorf("of nothing the best is %s", got)
	}
}
