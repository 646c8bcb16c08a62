package host_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/storage"
)

// latch lets nobody sync while it is shut, and tells who waits.
type latch struct {
	mu      sync.Mutex
	shut    chan struct{}
	waiting chan struct{}
}

func (l *latch) close() (open func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	shut := make(chan struct{})
	l.shut = shut
	return sync.OnceFunc(func() {
		l.mu.Lock()
		l.shut = nil
		l.mu.Unlock()
		close(shut)
	})
}

func (l *latch) MaybeError(op errorfs.Op) error {
	l.mu.Lock()
	shut := l.shut
	l.mu.Unlock()
	if shut != nil && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo) {
		select {
		case l.waiting <- struct{}{}:
		default:
		}
		<-shut
	}
	return nil
}

func (l *latch) String() string { return "latch" }

// While a commit waits for its sync, readers on the lock-free path go on and are shown
// what was durable before, from the cache and from the store.
func TestLockFreeReadsShowNothingUndurable(t *testing.T) {
	for _, cache := range []int64{0, 1 << 20} {
		t.Run(fmt.Sprint(cache), func(t *testing.T) {
			l := &latch{waiting: make(chan struct{}, 1)}
			s := openStore(t, errorfs.Wrap(vfs.NewMem(), l))
			t.Cleanup(func() { s.Close() }) // after the loop has ended
			h := start(t, openWith(t, s, 7, host.Options{CacheBytes: cache}), host.LoopConfig{})
			h.must(set("x", "old"), get("x"))
			h.must(get("nothing")) // which is not decoded: from now on there is a cut
			h.must(set("y", "other"))
			open := l.close()
			defer open()
			pending := h.begin(set("x", "new"))
			<-l.waiting
			before := h.Stats().LockFree
			rep := h.must(get("x"), get("y"), get("z"))
			if shown(rep[0]) != "[old]" || shown(rep[1]) != "[other]" || shown(rep[2]) != "[]" {
				t.Errorf("during the commit: %s %s %s", shown(rep[0]), shown(rep[1]), shown(rep[2]))
			}
			if f := rep[0].Token.Frontier; f.At(7) != 2 || h.Frontier().At(7) != 2 || h.Stats().LockFree != before+3 {
				t.Errorf("the token has seen %s, the leader %s; %d were read lock-free", f, h.Frontier(), h.Stats().LockFree-before)
			}
			open()
			wrote := (<-pending)[0]
			if got := h.must(get("x"))[0]; shown(got) != "[new]" || !got.Token.Frontier.Covers(wrote.Dot) {
				t.Errorf("after the commit: %+v", got)
			}
		})
	}
}

// Keys that are read together are read as of one moment.
func TestReadsTogetherAreOneCut(t *testing.T) {
	for _, cache := range []int64{0, 3000, 1 << 20} { // nothing, some of the keys, all of them decoded
		p, _, _ := fresh(t, nil)
		p.Close()
		s := openStore(t, vfs.NewMem())
		t.Cleanup(func() { s.Close() }) // after the loop has ended
		h := start(t, openWith(t, s, 7, host.Options{CacheBytes: cache}), host.LoopConfig{})
		keys := []string{"a", "b", "c", "d", "e", "f"}
		all := func(q func(string) *replica.Request) (reqs []*replica.Request) {
			for _, k := range keys {
				reqs = append(reqs, q(k))
			}
			return reqs
		}
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := range 300 {
				h.must(all(func(k string) *replica.Request { return set(k, fmt.Sprint(i)) })...)
			}
		})
		for range 600 {
			rep := h.must(all(get)...)
			for i := range rep {
				if shown(rep[i]) != shown(rep[0]) {
					t.Fatalf("cache of %d: %s shows %s and %s shows %s", cache, keys[0], shown(rep[0]), keys[i], shown(rep[i]))
				}
				if n := len(rep[i].Shown.Dots); n > 0 && !rep[i].Token.Frontier.Covers(rep[i].Shown.Dots[0]) {
					t.Fatalf("the token does not cover what was shown")
				}
			}
		}
		writer.Wait()
		if h.Stats().LockFree == 0 {
			t.Errorf("cache of %d: nothing was read on the lock-free path", cache)
		}
	}
}

// Read on the lock-free path or through it, a key shows the same, siblings, counters,
// deletions and ended values too; so does what the cache holds.
func TestLockFreeReadsShowWhatTheLoopShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1", Cache: 1 << 20, MemTable: 256 << 10, WriteBehind: behind(t)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		cfg := config()
		cfg.Policy.Default = rapid.SampledFrom(resolve.IDs()).Draw(t, "serving")
		p, err := host.OpenWith(cfg, s, 7, host.Options{CacheBytes: rapid.SampledFrom([]int64{0, 4000, 1 << 20}).Draw(t, "cache")})
		if err != nil {
			t.Fatal(err)
		}
		h := start(t, p, host.LoopConfig{SweepEvery: -1})
		defer h.end()
		for i := range rapid.IntRange(1, 40).Draw(t, "writes") {
			h.must(anyWrite(t, i))
		}
		for _, k := range []string{"x", "y", "z"} {
			through := h.must(get(k), &replica.Request{Verb: replica.Update, Key: "other", Decide: leave})[0]
			h.must(get(k)) // now there is a cut
			h.tick()
			if direct := h.must(get(k))[0]; shown(direct) != shown(through) || !slices.Equal(direct.Shown.Dots, through.Shown.Dots) {
				t.Fatalf("%s shows %s through the loop and %s on the lock-free path", k, shown(through), shown(direct))
			}
		}
		size, err := h.Size()
		keys, _, scanErr := h.Scan("", 100, nil)
		if err != nil || scanErr != nil || int(size) != len(keys) {
			t.Fatalf("%d keys %v, counted %d; %v, %v", len(keys), keys, size, err, scanErr)
		}
		h.must(anyWrite(t, 99))
		size, _ = h.Size()
		expiring, _ := h.Expiring()
		h.end()
		if p, err = host.OpenWith(cfg, s, 8, host.Options{}); err != nil {
			t.Fatal(err)
		}
		anew := start(t, p, host.LoopConfig{SweepEvery: -1})
		defer anew.end()
		if counted, err := anew.Size(); err != nil || size != counted {
			t.Fatalf("the size is %d after another write, counted anew %d, %v", size, counted, err)
		}
		if counted, err := anew.Expiring(); err != nil || expiring != counted || expiring > size {
			t.Fatalf("%d of %d have a deadline after another write, counted anew %d, %v", expiring, size, counted, err)
		}
	})
}

func leave(replica.Present) (replica.Write, error) { return replica.Write{Verb: replica.Get}, nil }

func anyWrite(t *rapid.T, i int) *replica.Request {
	key := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "key")
	q := set(key, fmt.Sprint(i))
	switch rapid.IntRange(0, 5).Draw(t, "verb") {
	case 0:
		q = &replica.Request{Verb: replica.Remove, Key: key}
	case 1:
		q = &replica.Request{Verb: replica.Incr, Key: key, Delta: 3}
	case 2:
		q.Exact = true
	case 3:
		q.Expires = epoch // it has passed
	}
	return q
}

func TestTokenAheadIsNotReadLockFree(t *testing.T) {
	p, _, _ := fresh(t, nil)
	h := start(t, p, host.LoopConfig{})
	h.must(set("x", "1"))
	q := get("x")
	q.Token.Frontier = logical.FrontierOf(logical.Dot{Origin: 5, Seq: 1})
	pending := h.begin(q)
	op := &resolve.Op{Dot: logical.Dot{Origin: 5, Seq: 1}, Key: "x", Kind: resolve.Put, Value: []byte("2"), Lamport: 5, Wall: at(0).Wall}
	h.Deliver(replica.Received{From: "n2", Message: &replica.Batch{Ops: []*resolve.Op{op}}})
	if got := shown((<-pending)[0]); got != "[2 1]" {
		t.Errorf("shown %s after what the token has seen arrived", got)
	}
	if rep := h.must(&replica.Request{Key: "x"})[0]; rep.Err == nil {
		t.Error("a request that asks for nothing was answered")
	}
}

func TestScanGivesEveryKeyOnce(t *testing.T) {
	p, _, _ := fresh(t, nil)
	h := start(t, p, host.LoopConfig{SweepEvery: -1})
	var want []string
	for i := range 25 {
		k := fmt.Sprintf("k%02d", i)
		h.must(set(k, "v"))
		switch {
		case i%5 == 0:
			h.must(&replica.Request{Verb: replica.Remove, Key: k})
		case i%7 == 0:
			q := set(k, "v")
			q.Expires = epoch
			h.must(q)
		default:
			want = append(want, k)
		}
	}
	for _, n := range []int{1, 2, 7, 100} {
		var got []string
		cursor := ""
		for pages := 0; ; pages++ {
			keys, next, err := h.Scan(cursor, n, nil)
			if err != nil || len(keys) > n || pages > len(want)/n { // what is deleted or has ended costs no page
				t.Fatal(keys, next, err)
			}
			got = append(got, keys...)
			if cursor = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", n, got, want)
		}
	}
	if k, ok, err := h.Find(func(k string) bool { return k > "k04" }); k != "k05" || !ok || err != nil { // deleted, and stored
		t.Errorf("found %q, %t, %v", k, ok, err)
	}
	some, _, err := h.Scan("k03", 100, func(k string) bool { return strings.HasSuffix(k, "3") })
	if err != nil || !slices.Equal(some, []string{"k13", "k23"}) {
		t.Errorf("those that match are %v, %v", some, err)
	}
	if _, _, err := h.Scan("", 0, nil); err == nil {
		t.Error("a scan of no keys never ends")
	}
	if n, err := h.Size(); err != nil || n != int64(len(want)) { // three have ended, and are stored until they are swept
		t.Errorf("%d keys, %v", n, err)
	}
	if n, err := h.Expiring(); err != nil || n != 0 {
		t.Errorf("%d keys with a deadline, %v", n, err)
	}
}

func TestSweepEndsValuesOfAllLives(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	p := open(t, s, 7, nil)
	q := set("x", "1")
	q.Expires = epoch + 1e9
	step(t, p, q, set("y", "1"))
	commit(t, p)
	p.Close()
	accepted := make(chan replica.Accepted, 10)
	h := start(t, open(t, s, 8, nil), host.LoopConfig{SweepEvery: 1, Clock: fixed(at(60_000)), Observe: func(e replica.Event) {
		if a, ok := e.(replica.Accepted); ok {
			accepted <- a
		}
	}})
	if a := <-accepted; !a.Op.IsExpiry() || a.Op.Key != "x" || a.Op.Dot.Origin != 8 {
		t.Errorf("swept %+v", a)
	}
	h.end()
	s.Close()
	s = openStore(t, fs)
	t.Cleanup(func() { s.Close() }) // after the loop has ended
	if origins, err := s.Incarnations(); err != nil || !slices.Equal(origins, []logical.Origin{7, 8}) {
		t.Errorf("the origins are %v, %v", origins, err)
	}
	if len(accepted) != 0 {
		t.Errorf("swept again: %+v", <-accepted)
	}
}

// A leader that starts has what is stored in memory after a while, and one that is stopped
// at once does not wait for that.
func TestStartedLeaderTakesInWhatIsStored(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	t.Cleanup(func() { s.Close() }) // after the loops have ended
	h := start(t, openWith(t, s, 7, host.Options{CacheBytes: 1 << 20}), host.LoopConfig{})
	for i := range 1000 {
		h.must(set(fmt.Sprint("k", i), "v"))
	}
	h.end()
	start(t, openWith(t, s, 8, host.Options{CacheBytes: 1 << 20}), host.LoopConfig{Warm: true}).end()
	h = start(t, openWith(t, s, 9, host.Options{CacheBytes: 1 << 20}), host.LoopConfig{Warm: true})
	replicatest.Eventually(t, "all objects are in memory", func() bool { return h.Stats().Objects == 1000 })
	before := h.Stats().LockFree
	if rep := h.must(get("k0"), get("k999"), get("none")); shown(rep[0]) != "[v]" || shown(rep[1]) != "[v]" || shown(rep[2]) != "[]" {
		t.Errorf("it shows %s %s %s", shown(rep[0]), shown(rep[1]), shown(rep[2]))
	}
	if n := h.Stats().LockFree - before; n != 3 {
		t.Errorf("%d of 3 were read lock-free", n)
	}
	h.end()
}
