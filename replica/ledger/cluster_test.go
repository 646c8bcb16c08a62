package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// stored is what a store answers, with the rows of one key found the slow way, and with
// nothing of what rows keep of a write.
type stored struct{ *storage.Store }

func (s stored) KeyOf(logical.Dot) (string, bool, error) { return "", false, nil }

func (s stored) Evidence(string, logical.Dot) (ledger.Write, bool, error) {
	return ledger.Write{}, false, nil
}

func (s stored) LossesOf(key string, yield func(resolve.Loss) bool) error {
	return s.LossesFrom(key, logical.Dot{}, func(l resolve.Loss) bool { return l.Key == key && yield(l) })
}

func (s stored) LossesFrom(key string, d logical.Dot, yield func(resolve.Loss) bool) error {
	var rows []resolve.Loss
	from := ledger.Cursor{Key: key, Loser: d}
	err := s.Losses(func(l resolve.Loss) bool {
		if ledger.CursorOf(&l).Compare(from) >= 0 {
			rows = append(rows, l)
		}
		return true
	})
	slices.SortFunc(rows, func(a, b resolve.Loss) int { return ledger.CursorOf(&a).Compare(ledger.CursorOf(&b)) })
	for _, l := range rows {
		if !yield(l) {
			break
		}
	}
	return err
}

var (
	_ ledger.Store = (*storage.Store)(nil)
	_ ledger.Store = (*storage.Snapshot)(nil)
	_ ledger.Rows  = stored{}
)

// cluster is real leaders over real stores in memory, and messages that arrive
// when the test says.
type cluster struct {
	t       testing.TB
	policy  resolve.Policy
	names   []string
	leaders map[string]*leader
	now     time.Duration
	flying  []flight
	request uint64
	mixed   bool // leaders under different policies are connected
}

type leader struct {
	name  string
	pump  *host.Pump
	store *storage.Store
	disk  storage.Options
	cfg   replica.Config
	skew  time.Duration
	life  logical.Origin
}

type flight struct {
	from, to string
	message  replica.Message
}

// epoch is when every story begins.
const epoch = wallclock.Instant(1_767_225_642_000_000_000) // 2026-01-01 00:00:42 UTC

// segmentBytes is how large a segment of the logs is, which is collected as a whole; zero: as
// leaders have them.
var segmentBytes int64

func newCluster(t testing.TB, p resolve.Policy, names ...string) *cluster {
	c := &cluster{t: t, policy: p, names: names, leaders: map[string]*leader{}}
	for i, n := range names {
		cfg := replica.Defaults()
		cfg.Name, cfg.Policy, cfg.TokenWait = replica.Leader(n), p, 0
		for _, peer := range names {
			if peer != n {
				cfg.Peers = append(cfg.Peers, replica.Leader(peer))
			}
		}
		l := &leader{name: n, cfg: cfg, life: logical.Origin(i + 1)}
		l.disk = storage.Options{FS: vfs.NewMem(), Dir: n, Cache: 1 << 20, MemTable: 256 << 10, SegmentBytes: segmentBytes}
		s, err := storage.Open(l.disk)
		if err != nil {
			t.Fatal(err)
		}
		pump, err := host.Open(cfg, s, l.life, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.pump, l.store = pump, s
		t.Cleanup(func() { l.pump.Close(); l.store.Close() })
		c.leaders[n] = l
	}
	for _, n := range names {
		for _, peer := range names {
			if peer != n {
				c.feed(n, replica.PeerUp{Peer: replica.Leader(peer)})
			}
		}
	}
	return c
}

// feed steps a leader, commits, and lets its messages fly.
func (c *cluster) feed(at string, in replica.Input) *replica.Output {
	c.t.Helper()
	l := c.leaders[at]
	m := wallclock.Moment{Mono: wallclock.Mono(time.Hour + c.now), Wall: wallclock.Around(epoch.Add(c.now+l.skew), time.Millisecond)}
	if err := l.pump.Step(m, in); err != nil {
		c.t.Fatal(err)
	}
	if err := l.pump.Commit(); err != nil {
		c.t.Fatal(err)
	}
	out := l.pump.Release()
	for _, s := range out.Sends {
		c.flying = append(c.flying, flight{at, string(s.To), s.Message})
	}
	return out
}

// ask sends a client's request and gives the dot it was answered with.
func (c *cluster) ask(at string, q *replica.Request) logical.Dot {
	c.t.Helper()
	c.request++
	q.ID = c.request
	if q.Client != 0 && q.Number == 0 {
		q.Number = c.request
	}
	for _, r := range c.feed(at, q).Replies {
		if r.ID == q.ID {
			if r.Err != nil {
				c.t.Fatal(r.Err)
			}
			return r.Dot
		}
	}
	c.t.Fatalf("%s does not answer", at)
	return logical.Dot{}
}

func (c *cluster) set(at string, client uint64, key, value string) logical.Dot {
	c.t.Helper()
	return c.ask(at, &replica.Request{Verb: replica.Set, Key: key, Value: []byte(value), Client: client})
}

// land delivers the i-th message in flight.
func (c *cluster) land(i int) {
	f := c.flying[i]
	c.flying = slices.Delete(c.flying, i, i+1)
	c.feed(f.to, replica.Received{From: replica.Leader(f.from), Message: f.message})
}

// quiet lets everything arrive until nothing is said but heartbeats.
func (c *cluster) quiet() {
	c.t.Helper()
	for range 12 {
		for n := 0; len(c.flying) > 0 && n < 2000; n++ {
			c.land(0)
		}
		c.now += 600 * time.Millisecond
		for _, n := range c.names {
			c.feed(n, replica.Tick{})
		}
	}
	c.flying = nil
	for _, n := range c.names {
		if c.applied(n).Compare(c.applied(c.names[0])) != logical.Equal {
			c.t.Fatalf("%s has applied %s, %s %s", n, c.applied(n), c.names[0], c.applied(c.names[0]))
		}
	}
}

func (c *cluster) applied(at string) logical.Frontier {
	return c.leaders[at].pump.State().Frontier.Clone()
}

// reader is a leader's, now.
func (c *cluster) reader(at string) *ledger.Reader {
	c.t.Helper()
	l := c.leaders[at]
	cfg := ledger.Defaults()
	cfg.Policy, cfg.Applied, cfg.Removed = c.policy, c.applied(at), l.store.Log().Removed()
	cfg.Now = wallclock.Around(epoch.Add(c.now+l.skew), time.Millisecond)
	cfg.HLC = l.pump.State().HLC
	cfg.Names = ledger.Names{
		Leader: func(o logical.Origin) string {
			if int(o) > len(c.names) {
				return ""
			}
			return c.names[o-1]
		},
		Client: func(n uint64) string { return string(rune('A' + n - 1)) },
	}
	a, err := ledger.New(cfg, l.store, stored{l.store})
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// chaos is a random history: writes of every kind at every leader, with clocks
// that are wrong and step, and messages that arrive in any order.
func (c *cluster) chaos(r *rand.Rand, steps int) {
	type reading struct {
		dots []logical.Dot
		key  string
	}
	var read []reading
	var asked []replica.Request
	for range steps {
		c.now += time.Duration(r.IntN(4)) * time.Millisecond
		at := c.names[r.IntN(len(c.names))]
		key := fmt.Sprintf("key/%d", r.IntN(3))
		q := &replica.Request{Key: key, Client: uint64(r.IntN(4))}
		switch n := r.IntN(20); {
		case n < 9 && len(c.flying) > 0:
			c.land(r.IntN(len(c.flying)))
			continue
		case n < 10:
			c.leaders[at].skew = time.Duration(r.IntN(40)-20) * time.Millisecond
			continue
		case n < 13:
			q.Verb, q.Delta = replica.Incr, int64(r.IntN(5)-1)
		case n < 14:
			q.Verb = replica.Remove
		default:
			q.Verb, q.Value = replica.Set, []byte(fmt.Sprint(r.IntN(30)))
			if len(read) > 0 && r.IntN(2) == 0 {
				seen := read[r.IntN(len(read))]
				if !slices.ContainsFunc(seen.dots, func(d logical.Dot) bool { return !c.applied(at).Covers(d) }) {
					q.Key, q.Exact, q.Shown = seen.key, true, slices.Clone(seen.dots)
				}
			}
		}
		c.request++
		q.ID = c.request
		q.Number = c.request
		if len(asked) > 0 && r.IntN(8) == 0 { // a retry, perhaps at a leader that has not heard of it
			i := r.IntN(len(asked))
			again := asked[i]
			asked = slices.Delete(asked, i, i+1)
			q, again.ID = &again, q.ID
			q.Value = slices.Clone(q.Value)
		} else if q.Client != 0 && !q.Exact {
			asked = append(asked, *q)
		}
		for _, rep := range c.feed(at, q).Replies {
			if rep.Err == nil {
				read = append(read, reading{slices.Clone(rep.Shown.Dots), q.Key})
			}
		}
	}
}

// everybody is a policy with all resolvers on the panel.
func everybody(serving resolve.ID) resolve.Policy {
	return resolve.Policy{Default: serving, Shadows: resolve.All &^ serving.Mask()}
}
