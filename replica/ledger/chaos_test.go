package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/replica/client/answers"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
	"kvd/resolve/replay"
	"kvd/resolve/resolvetest"
)

// seeds is how many random clusters each test of laws looks at.
const seeds = 12

// eachChaos runs a test on random clusters under every resolver in turn.
func eachChaos(t *testing.T, check func(t *testing.T, c *cluster)) {
	for seed := range uint64(seeds) {
		id := resolve.IDs()[seed%uint64(len(resolve.IDs()))]
		t.Run(fmt.Sprintf("%s/%d", id, seed), func(t *testing.T) {
			c := newCluster(t, everybody(id), "n1", "n2", "n3")
			c.chaos(rand.New(rand.NewPCG(seed, 3)), 150)
			c.quiet()
			check(t, c)
		})
	}
}

func all() ledger.Filter { return ledger.Filter{Resolvers: resolve.All} }

func (c *cluster) answer(at string) (rows []ledger.LossRecord) {
	if err := c.reader(at).Losses(all(), func(d ledger.LossRecord) bool { rows = append(rows, d); return true }); err != nil {
		c.t.Fatal(err)
	}
	return rows
}

// plain leaves out of a row what may differ: who decided, and when.
func plain(d ledger.LossRecord) string {
	d.At.Earliest, d.At.Latest = 0, 0
	return fmt.Sprintf("%+v", d)
}

// TestAfterQuietEveryLeaderGivesTheSameRows, whatever the order in which it
// heard of things: winners, comparisons, and who had seen what.
func TestAfterQuietEveryLeaderGivesTheSameRows(t *testing.T) {
	rows, raw := 0, 0
	eachChaos(t, func(t *testing.T, c *cluster) {
		var all []answers.Listing
		var first []string
		for _, n := range c.names {
			g := answers.Listing{Responder: client.Responder{Name: n, Applied: c.applied(n)}}
			var said []string
			for _, d := range c.answer(n) {
				g.Rows, said = append(g.Rows, answers.Row{Loss: d.Loss}), append(said, plain(d))
			}
			all = append(all, g)
			if first == nil {
				first = said
			}
			if !slices.Equal(first, said) {
				t.Errorf("%s says\n%q\nwhere n1 says\n%q", n, said, first)
			}
		}
		m := answers.MergeLosses(all, nil, answers.LossQuery{})
		if len(m.Differs) > 0 || len(m.Losses) != len(all[0].Rows) {
			t.Errorf("merged %d rows of %d; differences %v", len(m.Losses), len(all[0].Rows), m.Differs)
		}
		rows += len(m.Losses)
		raw += c.rawWinnersThatDiffer()
	})
	if rows < 100 || raw == 0 {
		t.Errorf("only %d rows, %d of them with winners that differ in the ledgers: these histories show nothing", rows, raw)
	}
}

// rawWinnersThatDiffer counts rows that name, in the ledgers, another winner at
// another leader.
func (c *cluster) rawWinnersThatDiffer() int {
	type row struct {
		id  resolve.ID
		dot logical.Dot
	}
	won, n := map[row]logical.Dot{}, 0
	for _, name := range c.names {
		_ = c.leaders[name].store.Losses(func(l resolve.Loss) bool {
			k := row{l.Resolver, l.Loser}
			if w, ok := won[k]; ok && w != l.Winner {
				n++
			}
			won[k] = l.Winner
			return true
		})
	}
	return n
}

// TestAuditsBalance: at every leader, before quiet and after, for every resolver;
// all at once, in many passes, and by replaying the same log.
func TestAuditsBalance(t *testing.T) {
	for seed := range uint64(seeds) {
		id := resolve.IDs()[seed%uint64(len(resolve.IDs()))]
		c := newCluster(t, everybody(id), "n1", "n2", "n3")
		r := rand.New(rand.NewPCG(seed, 9))
		var audits []ledger.Audit
		for _, settled := range []bool{false, true} {
			c.chaos(r, 80)
			if settled {
				c.quiet()
			}
			for _, n := range c.names {
				whole := c.audit(n, 1<<20)
				c.balances(t, n, whole)
				pieces := c.audit(n, 30)
				if fmt.Sprint(pieces.Balances, pieces.Skipped) != fmt.Sprint(whole.Balances, whole.Skipped) && len(pieces.Skipped) == 0 {
					t.Errorf("in pieces %+v, whole %+v", pieces, whole)
				}
				if settled {
					audits = append(audits, *whole)
				}
			}
		}
		for i := range audits {
			if diffs := answers.AuditsApart(&audits[0], &audits[i]); len(diffs) > 0 {
				t.Errorf("seed %d: %v", seed, diffs)
			}
		}
	}
}

func (c *cluster) audit(at string, held int) *ledger.Audit {
	c.t.Helper()
	a, err := c.reader(at).Audit(ledger.AuditOptions{MemoryBytes: held * 200, Gaps: 5})
	if err != nil {
		c.t.Fatal(err)
	}
	a.Leader = at
	return a
}

// balances holds an audit against itself and against a replay.
func (c *cluster) balances(t *testing.T, at string, a *ledger.Audit) {
	t.Helper()
	m := replay.Merge(c.leaders[at].store, c.applied(at), "")
	res, err := replay.Replay(replay.Config{Policy: c.policy, Resolvers: resolve.All}, m.All())
	if err != nil || m.Err() != nil {
		t.Fatal(err, m.Err())
	}
	if len(res.Outcomes) != len(a.Balances) {
		t.Fatalf("%d balances, %d outcomes", len(a.Balances), len(res.Outcomes))
	}
	for i, b := range a.Balances {
		o := res.Outcomes[i]
		if !b.Holds() || b.Accepted != o.Accepted || b.Live != o.Live || b.Superseded != o.Superseded || b.Inverted != o.Inverted || b.Concurrent != o.Concurrent {
			t.Errorf("%s: %s: %+v; a replay %+v\n%s", at, b.Resolver, b, o, explain.Audit(a))
		}
	}
}

// TestFatesAreWhatBruteForceSays: live, lost or neither, for every op.
func TestFatesAreWhatBruteForceSays(t *testing.T) {
	states := map[ledger.State]int{}
	eachChaos(t, func(t *testing.T, c *cluster) {
		byKey := map[string][]*resolve.Op{}
		for op := range replay.Merge(c.leaders["n2"].store, c.applied("n2"), "").All() {
			byKey[op.Key] = append(byKey[op.Key], op)
		}
		a := c.reader("n2")
		for key, ops := range byKey {
			b := resolvetest.NewBrute(c.policy.Panel(key), key, ops)
			for _, op := range ops {
				f, err := a.Fate(op.Dot)
				if err != nil || f.Known != ledger.Here || len(f.Verdicts) != len(resolve.IDs()) {
					t.Fatal(f, err)
				}
				for i := range f.Verdicts {
					holds(t, &f.Verdicts[i], b, op, ops)
					states[f.Verdicts[i].State]++
				}
			}
		}
	})
	for _, s := range []ledger.State{ledger.Live, ledger.Superseded, ledger.Deleted, ledger.Lost, ledger.Merged, ledger.Doubled} {
		if states[s] == 0 {
			t.Errorf("nothing is %s", s)
		}
	}
	if states[ledger.Unclear] > 0 {
		t.Errorf("%d fates are unclear", states[ledger.Unclear])
	}
}

func holds(t *testing.T, v *ledger.Verdict, b *resolvetest.Brute, op *resolve.Op, ops []*resolve.Op) {
	t.Helper()
	if v.Resolver == resolve.Counter {
		return
	}
	live := b.Survivors(v.Resolver)
	relation, lost := b.Lost(v.Resolver)[op.Dot]
	switch {
	case (v.State == ledger.Live) != slices.Contains(live, op.Dot), (v.State == ledger.Lost) != lost:
		t.Errorf("%s under %s is %s; live are %v, lost %t", op.Dot, v.Resolver, v.State, live, lost)
	case lost && (v.LossRecord.Relation != relation || !slices.Contains(live, v.By) || v.LossRecord.Why.By == ledger.ByOther):
		t.Errorf("%s under %s: %+v; %s", op.Dot, v.Resolver, v.LossRecord, relation)
	case lost && v.LossRecord.SawWinner != shown(op, v.By, ops):
		t.Errorf("%s under %s: its author had been shown %s: %t", op.Dot, v.Resolver, v.By, v.LossRecord.SawWinner)
	case v.State == ledger.Superseded || v.State == ledger.Deleted:
		i := slices.IndexFunc(ops, func(o *resolve.Op) bool { return o.Dot == v.By })
		if i < 0 || !slices.Contains(slices.Concat(ops[i].Parents, ops[i].Hidden), op.Dot) {
			t.Errorf("%s under %s is %s by %s, which does not name it", op.Dot, v.Resolver, v.State, v.By)
		}
	}
}

// shown is whether the author of op had been shown d, under either dot of its
// request, by what its leader held.
func shown(op *resolve.Op, d logical.Dot, ops []*resolve.Op) bool {
	var then []*resolve.Op
	for _, o := range ops {
		if op.Deps.Covers(o.Dot) {
			then = append(then, o)
		}
	}
	seen := resolvetest.NewBrute(resolve.Panel{}, op.Key, then).Seen(op.Parents)
	i := slices.IndexFunc(ops, func(o *resolve.Op) bool { return o.Dot == d })
	return slices.ContainsFunc(ops, func(o *resolve.Op) bool {
		return seen[o.Dot] && (o.Dot == d || o.HasRequest() && o.Client == ops[i].Client && o.Request == ops[i].Request)
	})
}

// TestWhatIsRestoredIsShown: every lost write can be written again, and the
// present winners are then accounted for.
func TestWhatIsRestoredIsShown(t *testing.T) {
	restored := 0
	eachChaos(t, func(t *testing.T, c *cluster) {
		for _, row := range c.answer("n3") {
			if row.Resolver != c.policy.Default {
				continue
			}
			r, err := c.reader("n3").Restore(row.Loser)
			if row.Was.Kind == resolve.Delete {
				if err == nil {
					t.Errorf("the deletion %s is restored", row.Loser)
				}
				continue
			}
			if err != nil {
				continue // restored before, as somebody's ancestor
			}
			d := c.ask("n3", r.Request)
			c.quiet()
			restored++
			f, err := c.reader("n1").Fate(d)
			if err != nil || r.Until == 0 && f.Verdicts[0].State != ledger.Live || string(f.Was.Value) != string(r.Lost.Was.Value) {
				t.Errorf("restoring %s gave %s: %v %v", row.Loser, d, explain.Fate(f), err)
			}
			c.balances(t, "n1", c.audit("n1", 1<<20))
		}
	})
	if restored < 10 {
		t.Errorf("only %d writes were restored", restored)
	}
}
