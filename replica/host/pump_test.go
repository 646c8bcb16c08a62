package host_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

const epoch = wallclock.Instant(1_700_000_000_000_000_000)

func at(ms int64) wallclock.Moment {
	return wallclock.Moment{Mono: wallclock.Mono(ms * 1e6), Wall: wallclock.Around(epoch+wallclock.Instant(ms*1e6), 1e6)}
}

func config() replica.Config {
	cfg := replica.Defaults()
	cfg.Name, cfg.Peers = "n1", []replica.Leader{"n2"}
	cfg.ClockHold = 0 // n2 is never heard
	cfg.Policy = resolve.Policy{Default: resolve.Siblings, Shadows: resolve.All}
	return cfg
}

// behind is how many bytes of objects the stores of the tests let wait in memory: as a
// leader's does, unless KVD_BEHIND says otherwise. With 1 each batch ends in the database.
func behind(t failing) int64 {
	text := os.Getenv("KVD_BEHIND")
	if text == "" {
		return 8 << 20
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("KVD_BEHIND=%q: want a number of bytes", text)
	}
	return n
}

func openStore(t testing.TB, fs vfs.FS) *storage.Store {
	t.Helper()
	s, err := storage.Open(storage.Options{FS: fs, Dir: "n1", Cache: 1 << 20, MemTable: 256 << 10, WriteBehind: behind(t)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, s *storage.Store, origin logical.Origin, tamper host.Tamper) *host.Pump {
	t.Helper()
	p, err := host.Open(config(), s, origin, tamper)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func openWith(t testing.TB, s *storage.Store, origin logical.Origin, o host.Options) *host.Pump {
	t.Helper()
	p, err := host.OpenWith(config(), s, origin, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// fresh is a pump over an empty store in memory.
func fresh(t testing.TB, tamper host.Tamper) (*host.Pump, *storage.Store, *vfs.MemFS) {
	fs := vfs.NewCrashableMem()
	s := openStore(t, fs)
	t.Cleanup(func() { s.Close() })
	return open(t, s, 7, tamper), s, fs
}

func step(t testing.TB, p *host.Pump, in ...replica.Input) {
	t.Helper()
	if err := p.Step(at(0), in...); err != nil {
		t.Fatal(err)
	}
}

func commit(t testing.TB, p *host.Pump) *replica.Output {
	t.Helper()
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	return p.Release()
}

func set(key, value string) *replica.Request {
	return &replica.Request{Verb: replica.Set, Key: key, Value: []byte(value)}
}

func blind(key, value string) *replica.Request {
	q := set(key, value)
	q.Exact = true
	return q
}

func shows(r replica.Reader, key string) string {
	cfg := config()
	return fmt.Sprintf("%s", cfg.Policy.Panel(key).Read(r.Object(key), r).Values)
}

func TestStepSeesWhatTheCycleStaged(t *testing.T) {
	p, s, _ := fresh(t, nil)
	step(t, p, set("x", "a"), blind("x", "b"))
	step(t, p, blind("x", "c"))
	if got := shows(p.Reader(), "x"); got != "[a b c]" {
		t.Errorf("the reader shows %s before the commit", got)
	}
	if o, err := s.Object("x"); err != nil || len(o.Versions) != 0 {
		t.Errorf("stored before the commit: %+v, %v", o, err)
	}
	out := commit(t, p)
	if got := fmt.Sprintf("%s", out.Replies[2].Shown.Values); got != "[a b c]" {
		t.Errorf("the third write shows %s", got)
	}
	o, err := s.Object("x")
	if err != nil || fmt.Sprintf("%+v", o) != fmt.Sprintf("%+v", p.Reader().Object("x")) || len(o.Versions) != 3 {
		t.Errorf("stored after the commit: %+v, %v", o, err)
	}
}

func TestObjectsReadAreTheCallers(t *testing.T) {
	p, _, _ := fresh(t, nil)
	step(t, p, set("x", "a"))
	p.Reader().Object("x").Versions[0].Kind = resolve.Delete
	if got := shows(p.Reader(), "x"); got != "[a]" {
		t.Errorf("a reader's change to a staged object is seen by others: %s", got)
	}
}

func TestCommittedOverlayIsGone(t *testing.T) {
	_, s, _ := fresh(t, nil)
	p := openWith(t, s, 8, host.Options{}) // no decoded objects
	step(t, p, set("x", "a"))
	commit(t, p)
	b := s.NewBatch()
	defer b.Close()
	b.PutObject(&resolve.Object{Key: "x"})
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := shows(p.Reader(), "x"); got != "[]" {
		t.Errorf("the reader shows %s, from memory that should be gone", got)
	}
}

func TestReaderAnswersFromBothLayers(t *testing.T) {
	p, _, _ := fresh(t, nil)
	write := func(n uint64) *replica.Request {
		q := set("x", strings.Repeat("v", 10))
		q.Client, q.Number = 3, n
		return q
	}
	step(t, p, write(1), write(2))
	commit(t, p)
	step(t, p, write(3), write(4))
	r := p.Reader()
	for n := uint64(1); n <= 4; n++ {
		d, ok := r.Request(3, n)
		if !ok || d != (logical.Dot{Origin: 7, Seq: logical.Seq(n)}) {
			t.Errorf("request %d was given %s, %v", n, d, ok)
		}
		if op, ok := r.Op(d); !ok || op.Dot != d {
			t.Errorf("op %s: %v", d, ok)
		}
	}
	if _, ok := r.Op(logical.Dot{Origin: 7, Seq: 5}); ok {
		t.Error("an op that does not exist is found")
	}
	for _, c := range []struct{ from, max, bytes, want int }{
		{1, 9, 1000, 4}, {2, 2, 1000, 2}, {2, 9, 120, 2}, {3, 9, 1, 1}, {4, 9, 1000, 1}, {5, 9, 1000, 0}, {1, 1, 1000, 1}, {2, 9, 1, 1},
	} {
		got := r.Ops(7, logical.Seq(c.from), c.max, c.bytes)
		if len(got) != c.want || len(got) > 0 && got[0].Dot.Seq != logical.Seq(c.from) {
			t.Errorf("ops from %d, at most %d and %d bytes: %d ops, want %d", c.from, c.max, c.bytes, len(got), c.want)
		}
	}
}

func TestOverlayShowsDuplicatesAndLosses(t *testing.T) {
	p, s, _ := fresh(t, nil)
	q := set("x", "here")
	q.Client, q.Number = 3, 1
	step(t, p, q)
	there := &resolve.Op{Dot: logical.Dot{Origin: 5, Seq: 1}, Key: "x", Kind: resolve.Put, Value: []byte("there"),
		Lamport: 1, Wall: at(0).Wall, Client: 3, Request: 1}
	far := &resolve.Op{Dot: logical.Dot{Origin: 6, Seq: 1}, Key: "x", Kind: resolve.Put, Value: []byte("far"),
		Lamport: 9, HLC: logical.HLC{Wall: int64(epoch) + 5e8}, Wall: wallclock.Around(epoch+5e8, 0)}
	step(t, p, replica.Received{From: "n2", Message: &replica.Batch{Ops: []*resolve.Op{there, far}}})
	read := func(r replica.Reader) string {
		duplicates := r.Duplicates(there.Dot)
		first, _ := r.Request(3, 1)
		return fmt.Sprint(duplicates, first, r.Lost("x", logical.Dot{Origin: 7, Seq: 1}).Has(resolve.LWW), r.Lost("x", there.Dot).Has(resolve.Siblings))
	}
	staged := read(p.Reader())
	commit(t, p)
	if stored := read(p.Reader()); stored != staged {
		t.Errorf("staged: %s\nstored: %s", staged, stored)
	}
	if row, held, err := s.RowOf("x", logical.Dot{Origin: 7, Seq: 1}); err != nil || !held || !row.Resolvers().Has(resolve.LWW) {
		t.Errorf("the ledger: %+v, %v", row, err)
	}
	if !strings.Contains(staged, "[0000000000000005-1 0000000000000007-1] 0000000000000005-1 true false") {
		t.Errorf("staged: %s", staged)
	}
}

func TestNothingLeavesBeforeCommit(t *testing.T) {
	p, _, _ := fresh(t, nil)
	step(t, p, replica.PeerUp{Peer: "n2"}, set("x", "a"))
	if out := p.Release(); len(out.Replies)+len(out.Sends)+len(out.Events) != 0 {
		t.Fatalf("released before the commit: %+v", out)
	}
	out := commit(t, p)
	if len(out.Replies) != 1 || len(out.Sends) != 2 || len(out.Events) == 0 {
		t.Fatalf("released after the commit: %+v", out)
	}
	if out := p.Release(); len(out.Replies)+len(out.Sends) != 0 {
		t.Errorf("released twice: %+v", out)
	}
}

func TestStepBeforeReleaseIsRefused(t *testing.T) {
	p, _, _ := fresh(t, nil)
	step(t, p, set("x", "a"))
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := p.Step(at(0), set("x", "b")); err == nil {
		t.Error("a step threw away what was committed")
	}
}

func TestIdleCycleTouchesNoDisk(t *testing.T) {
	p, s, _ := fresh(t, nil)
	step(t, p, replica.PeerUp{Peer: "n2"}, &replica.Request{Verb: replica.Get, Key: "x"})
	if out := commit(t, p); len(out.Replies) != 1 || len(out.Sends) != 1 {
		t.Errorf("released %+v", out)
	}
	if _, found, err := s.State(); found || err != nil {
		t.Errorf("a state was stored: %v, %v", found, err)
	}
}

func TestReopenKeepsEverythingAndBeginsANewIncarnation(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	p := open(t, s, 7, nil)
	step(t, p, set("x", "a"), set("x", "b"))
	commit(t, p)
	before := p.State()
	p.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openStore(t, fs)
	defer s.Close()
	p = open(t, s, 8, nil)
	st := p.State()
	if st.Origin != 8 || st.Frontier.Compare(before.Frontier) != logical.Equal || st.Lamport != before.Lamport || st.HLC != before.HLC {
		t.Errorf("reopened with %+v, was %+v", st, before)
	}
	if got := shows(p.Reader(), "x"); got != "[b]" {
		t.Errorf("reopened, shows %s", got)
	}
	step(t, p, set("x", "c"))
	rep := commit(t, p).Replies[0]
	if rep.Dot != (logical.Dot{Origin: 8, Seq: 1}) || rep.Token.Lamport != 3 {
		t.Errorf("the new incarnation's first write is %s with stamp %d", rep.Dot, rep.Token.Lamport)
	}
	if op, ok := p.Reader().Op(rep.Dot); !ok || op.Deps.At(7) != 2 {
		t.Errorf("it depends on %s, want all of the old incarnation", op.Deps)
	}
	if _, err := host.Open(config(), s, 7, nil); err == nil {
		t.Error("an old origin was opened again")
	}
}

// A crash before the sync loses a cycle whole or keeps it whole; no dot that it
// held is given again.
func TestCrashBeforeSync(t *testing.T) {
	p, s, fs := fresh(t, nil)
	step(t, p, set("x", "kept"))
	commit(t, p)
	step(t, p, set("x", "torn"))
	if err := p.CommitUnsynced(); err != nil {
		t.Fatal(err)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0})
	s.Close()

	s = openStore(t, crashed)
	defer s.Close()
	p = open(t, s, 8, nil)
	if got := shows(p.Reader(), "x"); got != "[kept]" {
		t.Errorf("after the crash x shows %s", got)
	}
	step(t, p, set("x", "new"))
	if rep := commit(t, p).Replies[0]; rep.Dot.Origin == 7 {
		t.Errorf("the dot %s may be held elsewhere with another content", rep.Dot)
	}
}

// A key whose object cannot be read fails its own requests, the others are served,
// and the store knows of it.
func TestFailedReadFailsItsKey(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	p := open(t, s, 7, nil)
	for i := range 400 { // more than fits in memory
		step(t, p, set(fmt.Sprint("x", i), strings.Repeat("v", 2000)))
		commit(t, p)
	}
	s.Close()

	broken := false
	s = openStore(t, errorfs.Wrap(fs, failsReads(&broken)))
	defer s.Close()
	p = open(t, s, 8, nil)
	broken = true
	step(t, p, set("x0", "b"))
	broken = false
	step(t, p, set("x399", "b"))
	r := commit(t, p).Replies
	if len(r) != 2 || !errors.Is(r[0].Err, errorfs.ErrInjected) || r[1].Err != nil {
		t.Fatalf("released %+v", r)
	}
	if err := s.Damage(); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("the damage is %v", err)
	}
	if p.State().Frontier.At(8) != 1 {
		t.Errorf("the frontier is %s", p.State().Frontier)
	}
}

// bugs plants the bugs a test asks for.
type bugs struct {
	dropObjects bool
	silent      bool
	origin      logical.Origin
	asked       int
}

func (b *bugs) State(st *replica.State) {
	if b.origin != 0 {
		st.Origin = b.origin
	}
}
func (b *bugs) Input(in replica.Input) replica.Input { return in }
func (b *bugs) Put(p replica.Put) replica.Put {
	b.asked++
	if _, ok := p.(replica.PutObject); ok && b.dropObjects {
		return nil
	}
	return p
}
func (b *bugs) Send(s *replica.Send) {
	if b.silent {
		s.Message = &replica.Status{}
	}
}
func (b *bugs) Reply(r *replica.Reply) { r.ID = 42 }

func TestTamperPlantsBugs(t *testing.T) {
	b := &bugs{dropObjects: true, silent: true, origin: 9}
	p, s, _ := fresh(t, b)
	step(t, p, replica.PeerUp{Peer: "n2"}, set("x", "a"))
	out := commit(t, p)
	if p.State().Origin != 9 || out.Replies[0].ID != 42 || out.Replies[0].Dot.Origin != 9 {
		t.Errorf("state %+v, reply %+v", p.State(), out.Replies[0])
	}
	for _, send := range out.Sends {
		if _, ok := send.Message.(*replica.Status); !ok {
			t.Errorf("sent %T", send.Message)
		}
	}
	if b.asked != 2 || len(out.Puts) != 1 {
		t.Errorf("asked about %d puts, %d left; want 2 and 1", b.asked, len(out.Puts))
	}
	if o, err := s.Object("x"); err != nil || len(o.Versions) != 0 {
		t.Errorf("the dropped object was stored: %+v, %v", o, err)
	}
	if _, ok, err := s.Op(logical.Dot{Origin: 9, Seq: 1}); !ok || err != nil {
		t.Errorf("the op was not stored: %v", err)
	}
}
