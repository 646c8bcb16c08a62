package storage_test

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
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// world is a leader that is fed with everything there is, and its twin, which is fed with
// the same and never crashes. Two peers of theirs have one origin, so that dots have
// several contents.
type world struct {
	*rand.Rand
	t         *testing.T
	one, twin *member
	peers     []*member // n2, and n3, which is a copy of it
	flying    []message
	now       time.Duration
	id        uint64
	asked     []replica.Request // to be asked again
	shown     []replica.Request // writes over what was shown

	batches   [][]string     // what the twin's database was behind each batch
	positions map[string]int // where in batches
	behind    int64
	inFlight  int // batches that are written and not published
}

type message struct {
	from, to replica.Leader
	message  replica.Message
}

// member is a leader over a disk in memory.
type member struct {
	name  replica.Leader
	store *storage.Store
	pump  *host.Pump
	fs    *vfs.MemFS
	skew  time.Duration
}

// everything is a policy in which each resolver serves some keys and shadows the others.
func everything() resolve.Policy {
	p := resolve.Policy{Default: resolve.Siblings, Shadows: resolve.All}
	for _, id := range resolve.IDs() {
		p.Rules = append(p.Rules, resolve.Rule{Prefix: id.String() + "/", Resolver: id})
	}
	return p
}

// newMember opens a leader. Origin zero: it resumes that of its disk.
func newMember(t *testing.T, name replica.Leader, o storage.Options, fs *vfs.MemFS, origin logical.Origin, peers ...replica.Leader) *member {
	t.Helper()
	m := &member{name: name, fs: fs, store: open(t, o)}
	cfg := replica.Defaults()
	cfg.Name, cfg.Peers, cfg.Policy, cfg.TokenWait, cfg.ClockHold = name, peers, everything(), 0, 0
	with := host.Options{CacheBytes: 1 << 20, Ledger: losses.Retention{Bytes: 8 << 10, Batch: 4, Value: 64}}
	var err error
	if origin == 0 {
		cfg.Statuses = 1000
		m.pump, err = host.ResumeWith(cfg, m.store, with)
	} else {
		m.pump, err = host.OpenWith(cfg, m.store, origin, with)
	}
	must(t, err)
	t.Cleanup(func() { _ = m.pump.Close() })
	return m
}

// newWorld opens all leaders: the one over a small memtable and the filesystem named, with
// so many bytes of objects that wait.
func newWorld(t *testing.T, seed uint64, fs vfs.FS, below *vfs.MemFS, behind int64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 7)), t: t, positions: map[string]int{}, behind: behind}
	o := small(fs)
	o.MemTable, o.WriteBehind = 16<<10, behind
	w.one = newMember(t, "n1", o, below, 1, "n2", "n3")
	w.twin = newMember(t, "n1", small(vfs.NewMem()), nil, 1, "n2", "n3")
	w.note()
	mem := vfs.NewCrashableMem()
	w.peers = []*member{newMember(t, "n2", small(mem), mem, 2, "n1")}
	for n := range 3 {
		w.feed(w.peers[0], &replica.Request{Verb: replica.Set, Key: fmt.Sprint("lww/", n), Value: []byte("of both")})
	}
	mem = mem.CrashClone(vfs.CrashCloneCfg{})
	w.peers = append(w.peers, newMember(t, "n3", small(mem), mem, 0, "n1"))
	for n := range 6 { // with the same number of ops, logs are compared at once
		for _, p := range w.peers {
			w.feed(p, &replica.Request{Verb: replica.Set, Key: keyOf[n], Value: []byte(p.name)})
		}
	}
	for _, p := range w.peers {
		w.feed(p, replica.PeerUp{Peer: "n1"})
		w.stepOne(func() replica.Input { return replica.PeerUp{Peer: p.name} })
	}
	return w
}

func (w *world) moment(m *member) wallclock.Moment {
	const epoch = wallclock.Instant(1_767_225_642_000_000_000)
	return wallclock.Moment{Mono: wallclock.Mono(time.Hour + w.now), Wall: wallclock.Around(epoch.Add(w.now+m.skew), time.Millisecond)}
}

// feed steps a peer, which stores and sends at once.
func (w *world) feed(m *member, in replica.Input) {
	w.t.Helper()
	must(w.t, m.pump.Step(w.moment(m), in))
	must(w.t, m.pump.Commit())
	w.take(m, m.pump.Release())
}

// take keeps what may leave.
func (w *world) take(m *member, out *replica.Output) {
	for _, s := range out.Sends {
		w.flying = append(w.flying, message{m.name, s.To, s.Message})
	}
	for _, r := range out.Replies {
		if r.Err == nil && len(r.Shown.Dots) > 0 && r.ID != 0 {
			w.shown = append(w.shown, replica.Request{Verb: replica.Set, Key: keyOf[r.ID%uint64(len(keyOf))], Exact: true, Shown: slices.Clone(r.Shown.Dots)})
		}
	}
}

// keyOf is the keys, which the number of a request tells.
var keyOf = func() (keys []string) {
	for _, id := range resolve.IDs() {
		keys = append(keys, id.String()+"/x")
	}
	return append(keys, "y", "z")
}()

// stepOne feeds the leader and its twin with the same.
func (w *world) stepOne(in func() replica.Input) {
	w.t.Helper()
	for _, m := range []*member{w.one, w.twin} {
		must(w.t, m.pump.Step(w.moment(w.one), in()))
	}
}

// write hands what was stepped to both stores, and notes what the twin's has then.
func (w *world) write() {
	w.t.Helper()
	must(w.t, w.one.pump.Write())
	must(w.t, w.twin.pump.Write())
	w.inFlight++
	w.note()
}

// note keeps what the twin's database has now.
func (w *world) note() {
	w.t.Helper()
	rows, position, err := w.twin.store.Dump()
	must(w.t, err)
	if _, ok := w.positions[position]; !ok {
		w.positions[position] = len(w.batches)
		w.batches = append(w.batches, rows)
	}
}

// sync makes durable what was written.
func (w *world) sync() {
	w.t.Helper()
	must(w.t, w.one.store.SyncLog())
}

// publish lets out what was written.
func (w *world) publish() {
	for ; w.inFlight > 0; w.inFlight-- {
		w.twin.pump.Publish()
		w.take(w.one, w.one.pump.Publish())
	}
}

// request is a client's: a write of some kind, perhaps over what was shown long ago, or
// one that was asked before, here or elsewhere.
func (w *world) request(applied logical.Frontier) replica.Request {
	w.id++
	q := replica.Request{ID: w.id, Key: keyOf[w.id%uint64(len(keyOf))]}
	switch w.IntN(14) {
	case 0:
		q.Verb = replica.Remove
	case 1, 2, 3:
		q.Verb, q.Delta = replica.Incr, int64(w.IntN(9)-3)
	case 4:
		q.Verb, q.Expires = replica.Touch, w.later()
	case 5, 6, 7:
		q.Verb = replica.Set
		if len(w.shown) > 0 {
			q = w.shown[w.IntN(len(w.shown))]
			q.ID = w.id
			q.Shown = slices.DeleteFunc(slices.Clone(q.Shown), func(d logical.Dot) bool { return !applied.Covers(d) })
		}
	case 8, 9, 10:
		if len(w.asked) > 0 {
			q = w.asked[len(w.asked)-1-w.IntN(min(4, len(w.asked)))] // perhaps before it was heard of
			q.ID, q.Value = w.id, slices.Clone(q.Value)
			return q
		}
		q.Verb = replica.Set
	default:
		q.Verb = replica.Set
	}
	if q.Verb == replica.Set {
		q.Value = fmt.Appendf(nil, "%d%0*d", w.IntN(1000), w.IntN(300), 0)
		if w.IntN(4) == 0 {
			q.Expires = w.later()
		}
	}
	if !q.Exact && w.IntN(2) == 0 {
		q.Client, q.Number = 1+uint64(w.IntN(3)), w.id
		w.asked = append(w.asked, q)
	}
	return q
}

func (w *world) later() wallclock.Instant {
	return w.moment(w.one).Wall.Midpoint().Add(time.Duration(w.IntN(2000)) * time.Millisecond)
}

// settlement is of a dot that has several contents; nil: none is known.
func (w *world) settlement() (q *replica.Request) {
	must(w.t, w.twin.store.Conflicts(logical.Dot{}, func(other *resolve.Op) bool {
		mine, found, err := w.twin.store.Op(other.Dot)
		must(w.t, err)
		_, settled, err := w.twin.store.SettledBy(other.Dot)
		must(w.t, err)
		if !found || settled {
			return true
		}
		w.id++
		m := &replica.Settlement{Contents: []*resolve.Op{mine, other}, Chosen: w.IntN(3) - 1}
		q = &replica.Request{ID: w.id, Verb: replica.Settle, Key: mine.Key, Settlement: m, Token: replica.Seen(m)}
		return false
	}))
	return q
}
