package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/wallclock"
)

func add(key string, n int64) *replica.Request {
	return &replica.Request{Verb: replica.Incr, Key: key, Delta: n}
}

// Many callers at once: every reply comes to the call and the index of its
// request, with the number the edge gave it, and nothing is done twice.
func TestRepliesFindTheirCalls(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := openStore(t, vfs.NewMem())
	t.Cleanup(func() { s.Close() }) // after the loop has ended
	h := start(t, open(t, s, 7, nil), host.LoopConfig{})
	const callers, rounds = 8, 50
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			own := fmt.Sprint("own", c)
			for i := range rounds {
				reqs := []*replica.Request{add(own, 1), add("shared", 1), get(own), get("none"), add(own, 1)}
				for n, q := range reqs {
					q.ID = uint64(c*1000 + n)
				}
				rep := h.must(reqs...)
				for n := range reqs {
					if rep[n].ID != uint64(c*1000+n) || rep[n].Err != nil {
						t.Errorf("reply %d of caller %d has number %d and says %v", n, c, rep[n].ID, rep[n].Err)
					}
				}
				want := []string{fmt.Sprint(2*i + 1), fmt.Sprint(2*i + 1), fmt.Sprint(2*i + 2)}
				if got := []string{string(rep[0].Wrote), string(rep[2].Shown.Values[0]), string(rep[4].Wrote)}; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("caller %d, round %d: %v, want %v", c, i, got, want)
				}
			}
		})
	}
	all.Wait()
	if got := shown(h.must(get("shared"))[0]); got != fmt.Sprintf("[%d]", callers*rounds) {
		t.Errorf("the shared counter is %s", got)
	}
	h.end()
	s.Close()
}

// Two writes of one pipeline bear different stamps: the later one must win under
// a resolver that goes by nothing else.
func TestPipelinedWritesKeepTheirOrder(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	t.Cleanup(func() { s.Close() }) // after the loop has ended
	cfg := config()
	cfg.Policy = resolve.Policy{Default: resolve.LWW}
	p, err := host.Open(cfg, s, 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := start(t, p, host.LoopConfig{})

	for i := range 50 {
		var reqs []*replica.Request
		for n := range 20 {
			reqs = append(reqs, set(fmt.Sprint("k", i), strconv.Itoa(n)))
		}
		if rep := h.must(reqs...); shown(rep[19]) != "[19]" {
			t.Fatalf("after writing 0 to 19 in order the key shows %s", shown(rep[19]))
		}
	}
}

func TestOverloadIsRefusedAndTakesNothing(t *testing.T) {
	l := &latch{waiting: make(chan struct{}, 1)}
	s := openStore(t, errorfs.Wrap(vfs.NewMem(), l))
	t.Cleanup(func() { s.Close() }) // after the loop has ended
	h := start(t, open(t, s, 7, nil), host.LoopConfig{QueueInputs: 3, SweepEvery: -1})
	h.tick()
	release := l.close()
	defer release()
	first := h.begin(set("x", "0"))
	<-l.waiting
	second := h.begin(set("x", "1"), set("x", "2"))
	never := func([]replica.Reply) { t.Error("a refused call was answered") }
	if err := h.Do([]*replica.Request{set("x", "3"), set("x", "4")}, never); !errors.Is(err, replica.ErrOverloaded) {
		t.Errorf("beyond the queue Do says %v", err)
	}
	third := h.begin(set("x", "5"))
	delivered := make(chan struct{})
	go func() {
		h.Deliver(replica.PeerUp{Peer: "n2"}) // waits until the queue is drained
		close(delivered)
	}()
	release()
	<-first
	<-second
	if got := shown((<-third)[0]); got != "[5]" {
		t.Errorf("the last write that was taken shows %s", got)
	}
	<-delivered
	h.must() // none is answered too
}

func TestStopAnswersThoseWhoWait(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := openStore(t, vfs.NewMem())
	t.Cleanup(func() { s.Close() }) // after the loop has ended
	h := start(t, open(t, s, 7, nil), host.LoopConfig{})
	q := set("x", "1")
	q.Token.Frontier = logical.FrontierOf(logical.Dot{Origin: 5, Seq: 9})
	waits := h.begin(set("y", "1"), q)
	h.tick()
	if err := h.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	rep := <-waits
	if rep[0].Err != nil || !errors.Is(rep[1].Err, host.ErrStopped) {
		t.Errorf("answered %v and %v", rep[0].Err, rep[1].Err)
	}
	for _, q := range []*replica.Request{set("y", "2"), get("y")} {
		if err := h.Do([]*replica.Request{q}, nil); !errors.Is(err, host.ErrStopped) {
			t.Errorf("after the stop Do says %v", err)
		}
	}
	if _, _, err := h.Scan("", 1, nil); !errors.Is(err, host.ErrStopped) {
		t.Errorf("after the stop Scan says %v", err)
	}
	h.Deliver(replica.Tick{}) // returns
	if h.Frontier().At(7) != 2 {
		t.Errorf("the frontier is %s", h.Frontier())
	}
	h.end()
	s.Close()
}

// A disk that fails stops acknowledging: everybody is told, those in the queue and
// those who wait for a token too, and nobody is told that anything was done. What
// was acknowledged before is still read, and what failed is not, until Stop.
func TestFailingDiskAnswersEverybody(t *testing.T) {
	var broken atomic.Bool
	l := &latch{waiting: make(chan struct{}, 1)}
	fs := errorfs.Wrap(errorfs.Wrap(vfs.NewMem(), l), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errorfs.ErrInjected
		}
		return nil
	}))
	s := openStore(t, fs)
	halted := make(chan error, 2)
	h := start(t, open(t, s, 7, nil), host.LoopConfig{Halted: func(err error) { halted <- err }})
	h.must(set("before", "1"))
	q := set("x", "1")
	q.Token.Frontier = logical.FrontierOf(logical.Dot{Origin: 5, Seq: 9})
	waits := h.begin(q)
	h.tick()
	release := l.close()
	defer release()
	fails := h.begin(set("y", "1"))
	<-l.waiting
	queued := h.begin(set("y", "2"), get("y"))
	broken.Store(true)
	release()
	// What was being synced may still have reached the disk.
	if rep := <-fails; rep[0].Err == nil {
		broken.Store(true)
	}
	for name, c := range map[string]<-chan []replica.Reply{"waiting": waits, "queued": queued} {
		for _, rep := range <-c {
			if !errors.Is(rep.Err, errorfs.ErrInjected) {
				t.Errorf("%s: answered %+v", name, rep)
			}
		}
	}
	if err := <-halted; !errors.Is(err, errorfs.ErrInjected) || !errors.Is(h.Err(), errorfs.ErrInjected) {
		t.Errorf("it halted for %v, and the loop says %v", err, h.Err())
	}
	for key, want := range map[string]string{"before": "1", "never": ""} {
		if got := string(bytes.Join(h.must(get(key))[0].Shown.Values, nil)); got != want {
			t.Errorf("%s shows %q", key, got)
		}
	}
	h.Deliver(replica.Tick{}) // returns
	if err := h.Do([]*replica.Request{set("z", "1")}, func(r []replica.Reply) { t.Errorf("answered %+v", r) }); !errors.Is(err, replica.ErrReadOnly) {
		t.Errorf("a write says %v", err)
	}
	if r := h.Status().Refusals; len(r) != 1 || r[0].Cause != host.DiskFailed || len(halted) > 0 {
		t.Errorf("the leader says %v, and halted %d times more", r, len(halted))
	}
	if err := h.Stop(context.Background()); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("stop says %v", err)
	}
	_ = s.Close() // it is broken
}

// watcher is an outbox that checks whether what it is given is published.
type watcher struct {
	t    *testing.T
	loop func() *host.Loop
	ops  atomic.Int64
}

func (w *watcher) Send(_ replica.Leader, m replica.Message) {
	b, ok := m.(*replica.Batch)
	if !ok {
		return
	}
	f := w.loop().Frontier()
	for _, op := range b.Ops {
		w.ops.Add(1)
		if !f.Covers(op.Dot) {
			w.t.Errorf("%s was given away, and the frontier is %s", op.Dot, f)
		}
	}
}

func TestFrontierCoversWhatIsSent(t *testing.T) {
	p, _, _ := fresh(t, nil)
	w := &watcher{t: t}
	started := make(chan *host.Loop, 1)
	w.loop = sync.OnceValue(func() *host.Loop { return <-started })
	h := start(t, p, host.LoopConfig{Outbox: w})
	started <- h.Loop
	h.Deliver(replica.PeerUp{Peer: "n2"})
	for i := range 200 {
		h.must(set("x", fmt.Sprint(i)))
	}
	if w.ops.Load() == 0 {
		t.Error("nothing was sent")
	}
}

func TestStandingTellsOfPeers(t *testing.T) {
	p, _, _ := fresh(t, nil)
	h := start(t, p, host.LoopConfig{})
	mine := logical.FrontierOf(h.must(set("x", "1"))[0].Dot)
	if n := h.Durable(logical.Frontier{}); n != 0 {
		t.Errorf("%d leaders that said nothing are counted", n)
	}
	h.Deliver(replica.Received{From: "n2", Message: &replica.Status{Origin: 8, Number: 1}})
	h.tick()
	if have, all := h.Durable(mine), h.Durable(logical.Frontier{}); have != 0 || all != 1 {
		t.Errorf("%d have the write, %d have nothing", have, all)
	}
	if v := h.Status().Peers[0]; v.Peer != "n2" || v.Behind != 2 {
		t.Errorf("the peer is %+v", v)
	}
	h.Deliver(replica.Received{From: "n2", Message: &replica.Status{Origin: 8, Number: 2, Frontier: mine}})
	h.tick()
	if n := h.Durable(mine); n != 1 {
		t.Errorf("%d have the write after saying so", n)
	}
	if st := h.Stats(); st.Cycles == 0 || st.Inputs < 4 || st.Commit <= 0 || st.Objects != 2 || st.CacheBytes <= 0 {
		t.Errorf("stats %+v", st)
	}
}

// hasty is a clock that runs a second with every reading.
type hasty struct{ reads atomic.Int64 }

func (c *hasty) Now() wallclock.Moment { return at(c.reads.Add(1) * 1000) }

func TestTimerWakesTheCore(t *testing.T) {
	p, _, _ := fresh(t, nil)
	gave := make(chan replica.TokenWaited, 1)
	h := start(t, p, host.LoopConfig{Clock: new(hasty), SweepEvery: -1, Observe: func(e replica.Event) {
		if e, ok := e.(replica.TokenWaited); ok {
			gave <- e
		}
	}})
	q := get("x")
	q.Token.Frontier = logical.FrontierOf(logical.Dot{Origin: 5, Seq: 9})
	select {
	case rep := <-h.begin(q):
		if !errors.Is(rep[0].Err, replica.ErrBehind) || !(<-gave).GaveUp {
			t.Errorf("answered %+v", rep)
		}
	case <-time.After(replicatest.Timeout):
		t.Fatal("nobody woke the core")
	}
}
