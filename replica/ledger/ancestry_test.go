package ledger_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
)

// evicting is a leader whose ledger has given up rows of every resolver.
func (c *cluster) evicting(at string, gone func(resolve.Loss) bool) *ledger.Reader {
	a := c.over(at, faulty{hide: gone})
	for _, id := range resolve.IDs() {
		a.Config().Evicted[id] = 7
	}
	return a
}

func everyRow(resolve.Loss) bool { return true }

// TestFateAfterEvicting: whatever rows a ledger has given up, what became of a write
// is what the whole ledger says, and a lost write can be had again.
func TestFateAfterEvicting(t *testing.T) {
	lost, told := 0, 0
	for seed := range uint64(12) {
		c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
		c.chaos(rand.New(rand.NewPCG(seed, 21)), 150)
		c.quiet()
		half := func(l resolve.Loss) bool { return (uint64(l.Loser.Seq)+seed)%2 == 0 }
		for _, gone := range []func(resolve.Loss) bool{everyRow, half} {
			for last := range c.applied("n2").All() {
				for seq := logical.Seq(1); seq <= last.Seq; seq++ {
					n, all := c.sameFate(logical.Dot{Origin: last.Origin, Seq: seq}, gone)
					lost, told = lost+n, told+all
				}
			}
		}
	}
	t.Logf("of %d verdicts %d are lost without a row", told, lost)
	if lost < 500 || told-lost < 500 {
		t.Errorf("of %d verdicts %d are lost without a row: this shows nothing", told, lost)
	}
}

// sameFate compares what two ledgers say of d, and counts the verdicts that ancestry
// alone gave.
func (c *cluster) sameFate(d logical.Dot, gone func(resolve.Loss) bool) (alone, all int) {
	c.t.Helper()
	want, err := c.reader("n2").Fate(d)
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := c.evicting("n2", gone).Fate(d)
	if err != nil || len(got.Verdicts) != len(want.Verdicts) {
		c.t.Fatal(got, err)
	}
	for i, w := range want.Verdicts {
		g := got.Verdicts[i]
		const noRow = "; its row is no longer in the ledger"
		if w.Resolver == resolve.Causal && w.LossRecord != nil && g.LossRecord != nil {
			w.LossRecord.Why = g.LossRecord.Why // of several that were written over it, rows say which to name
		}
		unlisted := g.LossRecord != nil && g.LossRecord.NoRow != ""
		if unlisted {
			alone++
		}
		if g.State != w.State || strings.TrimSuffix(explain.Verdict(&g), noRow) != explain.Verdict(&w) || unlisted != strings.HasSuffix(explain.Verdict(&g), noRow) {
			c.t.Errorf("%s under %s: %s; with a whole ledger: %s", d, w.Resolver, explain.Verdict(&g), explain.Verdict(&w))
		}
		if g.LossRecord != nil && (g.LossRecord.Relation != w.LossRecord.Relation || g.By != w.By) {
			c.t.Errorf("%s under %s: %s to %s, want %s to %s", d, w.Resolver, g.LossRecord.Relation, g.By, w.LossRecord.Relation, w.By)
		}
	}
	return alone, len(want.Verdicts)
}

// TestRestoreAfterEvicting: a lost write whose row is gone comes back as any other.
func TestRestoreAfterEvicting(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	lost := concurrent(c)[1]
	r, err := c.evicting("n1", everyRow).Restore(lost)
	if err != nil || string(r.Request.Value) != "milk,bread" || len(r.Request.Shown) != 2 {
		t.Fatal(r, err)
	}
	c.now += time.Second
	c.ask("n1", r.Request)
	c.quiet()
	if f, err := c.evicting("n1", everyRow).Fate(lost); err != nil || f.Verdicts[0].State != ledger.Superseded {
		t.Errorf("%v\n%s", err, explain.Fate(f))
	}
	if _, err := c.evicting("n1", everyRow).Restore(lost); !errors.Is(err, ledger.ErrNotLost) {
		t.Error(err)
	}
}

// TestWhatIsTooFarBackIsNotSaidToBeKept: a search that ended at its bound has found
// nothing out, whether rows were given up or not.
func TestWhatIsTooFarBackIsNotSaidToBeKept(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1")
	c.leaders["n1"].skew = time.Hour
	first := c.set("n1", 1, "x", "future")
	c.leaders["n1"].skew = 0
	dots := c.lose("x", 1, []byte("blind"))
	for last := first; len(dots) < 60; dots = append(dots, last) {
		c.now += time.Millisecond
		last = c.ask("n1", &replica.Request{Verb: replica.Set, Key: "x", Value: []byte("1"), Exact: true, Shown: []logical.Dot{last}})
	}
	c.leaders["n1"].skew = 2 * time.Hour
	c.ask("n1", &replica.Request{Verb: replica.Set, Key: "x", Value: []byte("end"), Exact: true, Shown: dots[59:]})
	for _, steps := range []int{10, 1000} {
		a := c.evicting("n1", everyRow)
		a.Config().Steps = steps
		f, err := a.Fate(dots[0])
		if err != nil {
			t.Fatal(err)
		}
		text, state := explain.Verdict(&f.Verdicts[0]), f.Verdicts[0].State
		if steps == 1000 && state != ledger.Lost || steps == 10 && (state != ledger.Unclear || !strings.Contains(text, "too far back to tell")) || strings.Contains(text, "not lost") {
			t.Errorf("within %d steps: %s, %s", steps, state, text)
		}
		if _, err := a.Restore(dots[0]); (err == nil) != (steps == 1000) || err != nil && !errors.Is(err, ledger.ErrUnclear) {
			t.Errorf("within %d steps: %v", steps, err)
		}
	}
	a := c.reader("n1") // whose ledger is whole
	a.Config().Steps = 3
	f, err := a.Fate(dots[20])
	if err != nil || f.Verdicts[0].State != ledger.Unclear || !strings.Contains(explain.Fate(f), "lww, which serves the key: unclear: it does not survive, and whether anybody had seen it lies too far back to tell") {
		t.Errorf("%v\n%s", err, explain.Fate(f))
	}
}

// TestWhatTheLogForgotIsNotTakenForUnseen: a write that what survives had been shown
// through one that the log no longer holds is not said to be lost.
func TestWhatTheLogForgotIsNotTakenForUnseen(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	var dots []logical.Dot
	for _, v := range []string{"a", "b", "c"} {
		dots = append(dots, c.set("n1", 1, "x", v))
		c.now += time.Second
	}
	c.quiet()
	c.forget("n1", dots[1])
	f, err := c.evicting("n1", everyRow).Fate(dots[0])
	if v := &f.Verdicts[0]; err != nil || v.State != ledger.Unclear || explain.Verdict(v) != "unclear: it does not survive, and what would say who had seen it is no longer in the log" {
		t.Errorf("%v\n%s", err, explain.Fate(f))
	}
}
