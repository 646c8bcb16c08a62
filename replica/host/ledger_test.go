package host_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// inserted is what one leader's core has ever inserted and retracted, by its puts.
type inserted struct {
	inserted, retracted losses.Counts
	rows                map[verdict]resolve.Loss // inserted and not retracted: held or evicted
}

type verdict struct {
	resolver resolve.ID
	key      string
	loser    logical.Dot
}

func (b inserted) clone() inserted {
	b.rows = maps.Clone(b.rows)
	return b
}

// watch is a tamper that changes nothing and counts.
type watch struct{ now *inserted }

func (watch) State(*replica.State)                 {}
func (watch) Input(in replica.Input) replica.Input { return in }
func (watch) Send(*replica.Send)                   {}
func (watch) Reply(*replica.Reply)                 {}
func (w watch) Put(p replica.Put) replica.Put {
	switch p := p.(type) {
	case replica.PutLoss:
		for l := range p.Losses {
			w.now.inserted.Add(l.Resolver, l.Relation)
			w.now.rows[verdict{l.Resolver, l.Key, l.Loser}] = l
		}
	case replica.DropLoss:
		for id := range p.Resolvers.Each {
			k := verdict{id, p.Key, p.Loser}
			w.now.retracted.Add(id, w.now.rows[k].Relation)
			delete(w.now.rows, k)
		}
	}
	return p
}

// node is one leader on a disk that crashes.
type node struct {
	t      testing.TB
	name   replica.Leader
	rule   losses.Retention
	fs     *vfs.MemFS
	store  *storage.Store
	pump   *host.Pump
	now    *inserted // with what is staged
	done   inserted  // as of the last commit that was synced
	sums   map[string]inserted
	starts int
	skew   time.Duration
}

// history is two leaders whose clocks are wrong, and messages that may be late.
type history struct {
	*rand.Rand
	t      testing.TB
	nodes  [2]*node
	flying [2][]replica.Message // to each
	clock  time.Duration
}

func newHistory(t testing.TB, seed uint64, rule losses.Retention) *history {
	h := &history{Rand: rand.New(rand.NewPCG(seed, 11)), t: t}
	for i := range h.nodes {
		h.nodes[i] = &node{t: t, name: replica.Leader(fmt.Sprint("n", i+1)), rule: rule, fs: vfs.NewCrashableMem(),
			done: inserted{rows: map[verdict]resolve.Loss{}}, sums: map[string]inserted{}}
		h.nodes[i].sums[logical.Frontier{}.String()] = h.nodes[i].done.clone()
		h.nodes[i].open()
	}
	t.Cleanup(func() {
		for _, n := range h.nodes {
			n.pump.Close()
			n.store.Close()
		}
	})
	for i := range h.nodes {
		h.greet(i)
	}
	return h
}

func (n *node) open() {
	n.t.Helper()
	n.store = openStore(n.t, n.fs)
	cfg := config()
	cfg.Name, cfg.Peers = n.name, []replica.Leader{"n1", "n2"}
	cfg.Peers = slices.DeleteFunc(cfg.Peers, func(p replica.Leader) bool { return p == n.name })
	cfg.Policy = resolve.Policy{Default: resolve.LWW, Shadows: resolve.All, Rules: []resolve.Rule{{Prefix: "c/", Resolver: resolve.Causal}}}
	n.starts++
	origin := logical.Origin(uint64(n.name[1]-'0')*1000 + uint64(n.starts))
	st, _, err := n.store.State()
	if err != nil {
		n.t.Fatal(err)
	}
	found, ok := n.sums[st.Frontier.String()]
	if !ok {
		n.t.Fatalf("%s holds %s, which was never committed", n.name, st.Frontier)
	}
	n.done = found.clone()
	now := found.clone()
	n.now = &now
	if n.pump, err = host.OpenWith(cfg, n.store, origin, host.Options{Tamper: watch{n.now}, CacheBytes: 1 << 20, Ledger: n.rule}); err != nil {
		n.t.Fatal(err)
	}
}

func (h *history) greet(i int) {
	h.feed(i, replica.PeerUp{Peer: h.nodes[1-i].name})
}

func (h *history) moment(n *node) wallclock.Moment {
	return wallclock.Moment{Mono: wallclock.Mono(time.Hour + h.clock), Wall: wallclock.Around(epoch.Add(h.clock+n.skew), time.Millisecond)}
}

// feed steps a leader; the commit may not come.
func (h *history) feed(i int, in ...replica.Input) {
	n := h.nodes[i]
	if err := n.pump.Step(h.moment(n), in...); err != nil {
		h.t.Fatal(err)
	}
	if h.IntN(40) > 0 {
		h.commit(i)
		return
	}
	h.crash(i)
}

func (h *history) commit(i int) {
	n := h.nodes[i]
	if err := n.pump.Commit(); err != nil {
		h.t.Fatal(err)
	}
	n.remember()
	n.done = n.now.clone()
	for _, s := range n.pump.Release().Sends {
		h.flying[1-i] = append(h.flying[1-i], s.Message)
	}
	if got := n.pump.Ledger(); got.Inserted != n.now.inserted || got.Retracted != n.now.retracted {
		h.t.Fatalf("%s shows %v inserted and %v retracted; the puts say %v and %v", n.name, got.Inserted, got.Retracted, n.now.inserted, n.now.retracted)
	}
}

// remember notes what the sums are at this frontier.
func (n *node) remember() { n.sums[n.pump.State().Frontier.String()] = n.now.clone() }

// crash ends a leader between two stages, with some of what was not synced.
func (h *history) crash(i int) {
	n, survives := h.nodes[i], 0
	switch h.IntN(3) {
	case 0: // staged only
	case 1: // written and not synced
		if err := n.pump.CommitUnsynced(); err != nil {
			h.t.Fatal(err)
		}
		n.remember()
		survives = []int{0, 50, 100}[h.IntN(3)]
	case 2: // synced, and nothing was said of it
		if err := n.pump.Commit(); err != nil {
			h.t.Fatal(err)
		}
		n.remember()
	}
	after := n.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: survives, RNG: h.Rand})
	n.pump.Close()
	n.store.Close()
	n.fs = after
	n.open()
	h.flying[i] = nil
	h.holds(i)
	h.greet(i)
}

// play is random writes, some on what was shown long ago, on clocks that step.
func (h *history) play(steps int) {
	var seen []*replica.Request
	for range steps {
		h.clock += time.Duration(h.IntN(40)) * time.Millisecond
		i := h.IntN(2)
		n := h.nodes[i]
		switch h.IntN(8) {
		case 0, 1, 2:
			if len(h.flying[i]) > 0 {
				m := h.flying[i][0]
				h.flying[i] = h.flying[i][1:]
				h.feed(i, replica.Received{From: h.nodes[1-i].name, Message: m})
			}
		case 3:
			h.feed(i, replica.Tick{})
		case 4:
			n.skew = time.Duration(h.IntN(400)-200) * time.Millisecond
		default:
			var in []replica.Input
			for range 1 + h.IntN(4) {
				q := &replica.Request{Verb: replica.Set, Key: []string{"x", "y", "c/z"}[h.IntN(3)], Value: []byte(fmt.Sprint(h.IntN(1000), "and more"))}
				if len(seen) > 0 && h.IntN(2) == 0 {
					old := seen[h.IntN(len(seen))]
					q.Key, q.Exact = old.Key, true
					for _, d := range old.Shown {
						if n.pump.State().Frontier.Covers(d) {
							q.Shown = append(q.Shown, d)
						}
					}
				}
				in = append(in, q)
			}
			h.feed(i, in...)
			key := in[0].(*replica.Request).Key
			o := h.nodes[i].pump.Reader().Object(key)
			past := &replica.Request{Key: key}
			for _, v := range o.Versions {
				past.Shown = append(past.Shown, v.Dot)
			}
			seen = append(seen, past)
		}
	}
}

// holds checks one leader's ledger against what was inserted.
func (h *history) holds(i int) {
	h.t.Helper()
	n := h.nodes[i]
	if err := n.store.CheckLedger(); err != nil {
		h.t.Fatalf("%s: %v", n.name, err)
	}
	held, err := n.store.LedgerStats()
	switch {
	case err != nil:
		h.t.Fatal(err)
	case held != n.pump.Ledger():
		h.t.Fatalf("%s shows %+v and stores %+v", n.name, n.pump.Ledger(), held)
	case held.Inserted != n.done.inserted || held.Retracted != n.done.retracted:
		h.t.Fatalf("%s stores %v inserted, %v retracted; the puts say %v, %v", n.name, held.Inserted, held.Retracted, n.done.inserted, n.done.retracted)
	case n.rule.Bytes > 0 && held.Bytes > n.rule.Bytes:
		h.t.Fatalf("%s holds %d bytes, the bound is %d", n.name, held.Bytes, n.rule.Bytes)
	}
	rows := 0
	err = n.store.Losses(func(l resolve.Loss) bool {
		rows++
		if want := n.done.rows[verdict{l.Resolver, l.Key, l.Loser}]; l != want {
			h.t.Fatalf("%s stores %+v, inserted was %+v", n.name, l, want)
		}
		return true
	})
	if evicted := held.Evicted.Verdicts; err != nil || evicted.Sum() == 0 && rows != len(n.done.rows) {
		h.t.Fatalf("%s stores %d losses of %d, none evicted; %v", n.name, rows, len(n.done.rows), err)
	}
	h.witnessed(n)
}

// witnessed checks that rows have the evidence they should: of what the serving
// resolver lost, cut to the bound, and of nothing else.
func (h *history) witnessed(n *node) {
	err := n.store.Rows(losses.ID{}, func(r *losses.Row) bool {
		serving := resolve.LWW
		if r.Key == "c/z" {
			serving = resolve.Causal
		}
		v, lost := r.Verdict(serving)
		op, ok, err := n.store.Op(r.Loser)
		if err != nil || !ok {
			h.t.Fatalf("%s: the lost op %s is not in the log, %v", n.name, r.Loser, err)
		}
		if e := r.Evidence; !lost && e != nil || lost && (e == nil || e.Size != len(op.Value) || len(e.Value) != min(len(op.Value), n.rule.Value) ||
			string(e.Value) != string(op.Value[:len(e.Value)]) || e.Stamps.Wall != op.Wall || e.Stamps.HLC != op.HLC || e.Stamps.Lamport != op.Lamport) {
			h.t.Fatalf("%s: %+v, lost under %s: %t; the op was %+v", n.name, r.Evidence, serving, lost, op)
		}
		if won, ok, _ := n.store.Op(v.Winner); lost && ok && (r.Evidence.Winner == nil || r.Evidence.Winner.Wall != won.Wall || r.Evidence.Winner.Lamport != won.Lamport) {
			h.t.Fatalf("%s: the winner's stamps are %+v; it was %+v", n.name, r.Evidence.Winner, won)
		}
		return true
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestLedgerAddsUp: over random histories with crashes at every stage, with room
// for all, for some, for one, and none, inserted = held + retracted + evicted for every
// resolver and class, rows and index agree, and no write fails.
func TestLedgerAddsUp(t *testing.T) {
	for name, rule := range map[string]losses.Retention{
		"no bound":   {Batch: 1, Value: 1 << 10},
		"some rows":  {Batch: 1, Value: 5, Bytes: 4000},
		"one row":    {Batch: 3, Value: 5, Bytes: 300},
		"no row":     {Batch: 1, Value: 5, Bytes: 10},
		"by age":     {Batch: 2, Value: 5, Age: 300 * time.Millisecond},
		"both":       {Batch: 2, Value: 0, Age: time.Second, Bytes: 2000},
		"the normal": {},
	} {
		t.Run(name, func(t *testing.T) {
			var sum losses.Stats
			for seed := range uint64(12) {
				if rule == (losses.Retention{}) {
					rule = losses.DefaultRetention()
				}
				h := newHistory(t, seed, rule)
				h.play(250)
				for i, n := range h.nodes {
					h.commit(i)
					h.holds(i)
					got := n.pump.Ledger()
					sum.Inserted[0][0] += got.Inserted.Sum()
					sum.Retracted[0][0] += got.Retracted.Sum()
					sum.Evicted.Rows += got.Evicted.Rows
					sum.Rows += got.Rows
				}
			}
			t.Logf("%d inserted, %d retracted, %d rows evicted, %d held", sum.Inserted.Sum(), sum.Retracted.Sum(), sum.Evicted.Rows, sum.Rows)
			bounded := rule.Bytes > 0 && rule.Bytes < 1<<20 || rule.Age > 0 && rule.Age < time.Minute
			if sum.Inserted.Sum() < 500 || (sum.Evicted.Rows == 0) == bounded || rule.Bytes != 10 && sum.Retracted.Sum() == 0 {
				t.Errorf("these histories show nothing: %+v", sum)
			}
		})
	}
}
