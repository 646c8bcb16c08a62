package ledger_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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

// counting is a leader that counts what is read of it.
type counting struct {
	stored
	rows, ops *int
}

func (c counting) LossesFrom(key string, d logical.Dot, yield func(resolve.Loss) bool) error {
	return c.stored.LossesFrom(key, d, func(l resolve.Loss) bool { *c.rows++; return yield(l) })
}

func (c counting) LossesOf(key string, yield func(resolve.Loss) bool) error {
	return c.stored.LossesOf(key, func(l resolve.Loss) bool { *c.rows++; return yield(l) })
}

func (c counting) Op(d logical.Dot) (*resolve.Op, bool, error) {
	*c.ops++
	return c.stored.Op(d)
}

func (c *cluster) counted(at string) (a *ledger.Reader, rows, ops *int) {
	r := counting{stored{c.leaders[at].store}, new(int), new(int)}
	a = c.reader(at)
	a.Over(r, r)
	return a, r.rows, r.ops
}

// lose makes a key that has lost so many writes.
func (c *cluster) lose(key string, n int, value []byte) (dots []logical.Dot) {
	for range n {
		c.now += time.Millisecond
		dots = append(dots, c.ask("n1", &replica.Request{Verb: replica.Set, Key: key, Value: value, Exact: true}))
	}
	return dots
}

// TestAPageReadsAPage, however many writes its keys have lost.
func TestAPageReadsAPage(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1")
	dots := c.lose("x", 300, []byte("1"))
	a, rows, ops := c.counted("n1")
	n := 0
	if err := a.Losses(ledger.Filter{}, func(ledger.LossRecord) bool { n++; return n < 10 }); err != nil {
		t.Fatal(err)
	}
	if *rows > 60 || *ops > 20 {
		t.Errorf("10 of 300 rows were asked for; %d rows and %d ops were read", *rows, *ops)
	}
	*rows = 0
	if f, err := a.Fate(dots[150]); err != nil || f.Verdicts[0].State != ledger.Lost || *rows > 20+5*len(dots) {
		t.Errorf("%+v, %v; %d rows were read", f, err, *rows)
	}
	*ops = 0
	if _, err := a.Measure([]string{""}); err != nil || *ops > len(dots)+5 {
		t.Errorf("%v; of %d lost writes %d were read, one for each resolver", err, len(dots), *ops)
	}
}

// TestLongValuesAreNotHeld: one question may look at thousands of writes, and
// answers carry the begin of each. What is restored is whole.
func TestLongValuesAreNotHeld(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1")
	long := bytes.Repeat([]byte("0123456789"), 500)
	dots := c.lose("x", 5, long)
	a := c.reader("n1")
	q := a.About("x")
	q.LookForOverwriters(dots[0])
	for _, d := range dots {
		op, ok := q.Op(d)
		if w := q.WriteOf(d); !ok || len(op.Value) != a.Config().Value || cap(op.Value) > 2*a.Config().Value || w.Size != len(long) || !bytes.Equal(w.Value, long[:a.Config().Value]) {
			t.Errorf("%s: %d bytes are held with room for %d, the answer has %d of %d", d, len(op.Value), cap(op.Value), len(w.Value), w.Size)
		}
	}
	if r, err := a.Restore(dots[2]); err != nil || !bytes.Equal(r.Request.Value, long) {
		t.Errorf("%v: %d bytes are restored of %d", err, len(r.Request.Value), len(long))
	}
}

// TestWhyOfAKeyThatLostThousands tells of the newest, and counts the rest.
func TestWhyOfAKeyThatLostThousands(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	concurrent(c)
	const many = 5000
	var rows []resolve.Loss
	for i := range many { // in the ledger by dot, in time the other way round
		at := wallclock.Around(epoch.Add(time.Duration(many-i)*time.Millisecond), 0)
		rows = append(rows, resolve.Loss{Resolver: resolve.LWW, Relation: resolve.Concurrent, Key: "cart", Loser: logical.Dot{Origin: 99, Seq: logical.Seq(i + 1)}, At: at})
	}
	a := c.over("n1", faulty{add: rows, hide: func(l resolve.Loss) bool { return l.Resolver != resolve.HLC }})
	s, err := a.Why("cart")
	if err != nil {
		t.Fatal(err)
	}
	told := len(s.Lost)
	if s.LostWrites != many+1 || told != a.Config().Lost+1 || s.LostLeft != many-a.Config().Lost {
		t.Errorf("%d lost, %d told of, %d left", s.LostWrites, told, s.LostLeft)
	}
	for _, d := range s.Lost[:a.Config().Lost] {
		if d.Loser.Seq > ledger.RetainedRecent {
			t.Errorf("told of %s, lost long before others", d.Loser)
		}
	}
	text, tree := explain.Key(s), strings.Split(strings.TrimSpace(explain.Tree(s)), "\n")
	if !strings.Contains(text, "\n4,984 more lost writes are not told of; KVD.LOSSES PREFIX cart RESOLVER all lists all 5,001.\n") {
		t.Error(text)
	}
	if !strings.Contains(text, "\nIn all lww has lost 5,000: 5,000 concurrent at leader") || len(s.Groups) != 2 || s.Groups[0].From != epoch.Add(time.Millisecond) || s.Groups[0].To != epoch.Add(many*time.Millisecond) {
		t.Errorf("%+v\n%s", s.Groups, text)
	}
	if last := tree[len(tree)-1]; last != "└─ 4,984 more lost writes are not drawn: kv losses --prefix cart --resolver all" || strings.Count(explain.Tree(s), "└─ ") != 2 {
		t.Errorf("%d lines, the last %s\n%s", len(tree), last, explain.Tree(s))
	}
	if s.Lost[told-1].Resolver != resolve.HLC {
		t.Errorf("the shadow's only row is not told of: %v", s.Lost[told-1].Loss)
	}
}

// TestGroupsOfLossesAreBounded: of too many leaders the smallest are put together, and the
// sum is that of all rows.
func TestGroupsOfLossesAreBounded(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	concurrent(c)
	const origins = 3000
	var rows []resolve.Loss
	for i := range origins {
		for j := range 1 + i%2*i {
			if j < 2 {
				rows = append(rows, resolve.Loss{Resolver: resolve.LWW, Relation: resolve.Concurrent, Key: "cart", Loser: logical.Dot{Origin: logical.Origin(i + 1000), Seq: logical.Seq(j + 1)}})
			}
		}
	}
	s, err := c.over("n1", faulty{add: rows, hide: func(l resolve.Loss) bool { return l.Resolver != resolve.HLC }}).Why("cart")
	if err != nil {
		t.Fatal(err)
	}
	all, others := 0, 0
	for _, g := range s.Groups {
		all += g.Writes
		if g.Leader == "" {
			others++
		}
	}
	if all != len(rows)+1 || len(s.Groups) > 32 || others != 2 || s.Groups[0].Leader != "" {
		t.Errorf("%d of %d in %d groups, %d of them of several leaders: %+v", all, len(rows)+1, len(s.Groups), others, s.Groups)
	}
	if text := explain.Key(s); !strings.Contains(text, " concurrent at other leaders, 2 concurrent at leader ") || !strings.Contains(text, "\nHad another served, so many would be lost: 1 under hlc.\n") || len(text) > 8000 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

// TestGapsThatAreNotNamedAreNotHeld, and those that are named are the first.
func TestGapsThatAreNotNamedAreNotHeld(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1")
	var dots []logical.Dot
	for i := range 60 {
		dots = append(dots, c.lose(fmt.Sprintf("k/%02d", i), 10, []byte("1"))...)
	}
	a := c.over("n1", faulty{hide: func(resolve.Loss) bool { return true }})
	gaps := ledger.NewGaps(a, ledger.AuditOptions{MemoryBytes: 1000 * ledger.TraceBytes, Gaps: 3})
	for i := range 5000 {
		gaps.Add(ledger.Gap{Key: fmt.Sprintf("%04d", 4999-i), Dot: dots[0], Resolver: resolve.ID(i % 3)})
		if all := gaps.All(); len(all) > gaps.Full() || cap(all) > 4*gaps.Full() {
			t.Fatalf("%d gaps are held", len(all))
		}
	}
	for _, evicted := range []int64{0, 1000} { // as many as lww lacks: what others lack is named
		a.Config().Evicted[resolve.LWW] = evicted
		audit, err := a.Audit(ledger.AuditOptions{MemoryBytes: 1000 * ledger.TraceBytes, Gaps: 3})
		if err != nil {
			t.Fatal(err)
		}
		var want []ledger.Gap
		for _, id := range resolve.IDs() {
			if id.Loses() && (id != resolve.LWW || evicted == 0) && id != resolve.Counter && id != resolve.Siblings {
				want = append(want, ledger.Gap{Key: "k/00", Dot: dots[0], Resolver: id})
			}
		}
		if fmt.Sprint(audit.Gaps) != fmt.Sprint(want[:3]) {
			t.Errorf("named are %v, want %v", audit.Gaps, want[:3])
		}
		if i := slices.IndexFunc(audit.Balances, func(b ledger.Balance) bool { return b.Resolver == resolve.HLC }); audit.Balances[i].InNone != 540 {
			t.Errorf("%+v", audit.Balances[i])
		}
	}
}

// TestWhoSawWhatDownALongChain: what was found out of one write is not looked for
// again for the next, and is the same.
func TestWhoSawWhatDownALongChain(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1")
	c.leaders["n1"].skew = time.Hour
	first := c.set("n1", 1, "x", "future")
	c.leaders["n1"].skew = 0
	const long = 300
	for last := first; int(last.Seq) <= long; {
		last = c.ask("n1", &replica.Request{Verb: replica.Set, Key: "x", Value: []byte("1"), Exact: true, Shown: []logical.Dot{last}})
	}
	a := c.reader("n1")
	a.Config().Steps = 20
	n := 0
	if err := a.Losses(ledger.Filter{}, func(d ledger.LossRecord) bool {
		if n++; !d.SawWinner || d.Winner != first {
			t.Errorf("%s had not seen %s", d.Loser, d.Winner)
		}
		return true
	}); err != nil || n != long {
		t.Errorf("%d rows, %v", n, err)
	}
}

// TestWhoSawWhatIsWhatAncestrySays, whatever was asked before.
func TestWhoSawWhatIsWhatAncestrySays(t *testing.T) {
	asked, yes := 0, 0
	for seed := range uint64(8) {
		c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
		c.scatter(rand.New(rand.NewPCG(seed, 8)), 100)
		if err := c.reader("n2").Losses(all(), func(d ledger.LossRecord) bool {
			if asked++; d.SawWinner {
				yes++
			}
			if want := c.below(d.Loser, d.Winner); d.SawWinner != want {
				t.Errorf("%s had seen %s: %t, want %t", d.Loser, d.Winner, d.SawWinner, want)
			}
			return true
		}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("of %d losers %d had seen the winner", asked, yes)
	if yes < 20 || asked-yes < 20 {
		t.Errorf("of %d losers %d had seen the winner: this shows nothing", asked, yes)
	}
}

// scatter is writes to one key over what was there before, of which one is from the
// future.
func (c *cluster) scatter(r *rand.Rand, n int) {
	var dots []logical.Dot
	for i := range n {
		c.now += time.Millisecond
		at := c.names[r.IntN(len(c.names))]
		c.leaders[at].skew = time.Duration(r.IntN(40)) * time.Millisecond
		if i == n/5 {
			c.leaders[at].skew = time.Hour
		}
		q := &replica.Request{Verb: replica.Set, Key: "x", Value: []byte("1"), Exact: true}
		for range min(i, 2) {
			if d := dots[i-1-r.IntN(min(i, 12))]; c.applied(at).Covers(d) && !slices.Contains(q.Shown, d) {
				q.Shown = append(q.Shown, d)
			}
		}
		slices.SortFunc(q.Shown, logical.Dot.Compare)
		dots = append(dots, c.ask(at, q))
		for range r.IntN(8) {
			if len(c.flying) > 0 {
				c.land(r.IntN(len(c.flying)))
			}
		}
	}
	c.quiet()
}

// below reports whether d was written over wanted, directly or through others.
func (c *cluster) below(d, wanted logical.Dot) bool {
	met := map[logical.Dot]bool{}
	for queue := []logical.Dot{d}; len(queue) > 0; queue = queue[1:] {
		op, ok, err := c.leaders["n2"].store.Op(queue[0])
		if err != nil || !ok {
			c.t.Fatal(queue[0], err)
		}
		for _, p := range op.Parents {
			if p == wanted {
				return true
			}
			if !met[p] {
				met[p] = true
				queue = append(queue, p)
			}
		}
	}
	return false
}
