package policies

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/storagetest"
	"kvd/wallclock"
)

// world is leaders that speak of policies, over connections on which each message is counted:
// between two messages a leader writes its policy down, or takes and refuses writes.
type world struct {
	t       *testing.T
	store   *storage.Store // what is looked at; nothing here writes
	leaders []*leader

	mu     sync.Mutex
	events int
	at     int // before this message the leaders of crash end; 0: none do
	crash  []*leader
	cut    map[*leader]bool // cannot be reached
}

// leader is one with its directory.
type leader struct {
	name, dir string
	loop      *loop
	svc       *Service
	crashed   bool
	kept      []byte        // what the crash left of its policy file; nil: none
	again     chan struct{} // of one: it is to begin again
}

// loop is a loop that only refuses writes.
type loop struct {
	store *storage.Store
	mu    sync.Mutex
	why   []replica.Refusal
	ended chan struct{}
}

func (l *loop) RefuseWrites(r replica.Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = []replica.Refusal{r}
}

func (l *loop) AllowWrites(replica.Cause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = nil
}

func (l *loop) Status() *host.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &host.Status{Refusals: l.why}
}

func (l *loop) Frontier() logical.Frontier { return logical.FrontierOf(logical.Dot{Origin: 7, Seq: 1}) }
func (l *loop) Now() wallclock.Instant     { return 1 }
func (l *loop) Done() <-chan struct{}      { return l.ended }
func (l *loop) Snapshot(use func(*storage.Snapshot, logical.Frontier) error) error {
	c := l.store.Snapshot()
	defer c.Close()
	return use(c, l.Frontier())
}

// newWorld is leaders that none was told anything but their settings.
func newWorld(t *testing.T, store *storage.Store, names ...string) *world {
	w := &world{t: t, store: store, cut: map[*leader]bool{}}
	for _, name := range names {
		w.leaders = append(w.leaders, &leader{name: name, dir: t.TempDir()})
	}
	for _, l := range w.leaders {
		w.start(l)
	}
	return w
}

// start begins an incarnation, as a node does.
func (w *world) start(l *leader) {
	w.t.Helper()
	silent := slog.New(slog.DiscardHandler)
	s, err := Recall(l.dir, l.name, resolve.Policy{Default: resolve.LWW}, Version{}, silent)
	if err != nil {
		w.t.Fatal(err)
	}
	l.crashed, l.again = false, make(chan struct{}, 1)
	l.loop = &loop{store: w.store, ended: make(chan struct{})}
	again := l.again
	l.svc = New(Config{
		Leader: l.name, Dir: l.dir, Setting: s, Loop: l.loop, Logger: silent, Retry: 1,
		Fits: func(Version) error { return nil }, Whole: func() error { return nil },
		Members: func() (names []replica.Leader) {
			for _, o := range w.leaders {
				if o != l {
					names = append(names, replica.Leader(o.name))
				}
			}
			return names
		},
		Dial: func(_ context.Context, to replica.Leader) (net.Conn, error) { return w.dial(l, string(to)) },
		Again: func() {
			select {
			case again <- struct{}{}:
			default:
			}
		},
	})
	w.t.Cleanup(l.svc.Close)
}

// end ends the incarnation. What it wrote after it had crashed was never written.
func (w *world) end(l *leader) {
	l.svc.Close()
	if path := filepath.Join(l.dir, File); l.crashed {
		err := os.RemoveAll(path)
		if err == nil && l.kept != nil {
			err = os.WriteFile(path, l.kept, 0o600)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// counted is a connection whose messages are counted before they leave.
type counted struct {
	net.Conn
	w        *world
	from, to *leader
}

func (c counted) Write(p []byte) (int, error) {
	if c.w.stops(c.from, c.to) {
		_ = c.Close()
		return 0, errors.New("it has crashed")
	}
	return c.Conn.Write(p)
}

// stops counts a message, crashes whose turn it is, and reports whether the message is lost.
func (w *world) stops(from, to *leader) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.events++; w.events == w.at {
		for _, l := range w.crash {
			l.crashed = true
			l.kept, _ = os.ReadFile(filepath.Join(l.dir, File))
		}
	}
	return from.crashed || to.crashed || w.cut[from] != w.cut[to]
}

func (w *world) find(name string) *leader {
	return w.leaders[slices.IndexFunc(w.leaders, func(l *leader) bool { return l.name == name })]
}

func (w *world) dial(from *leader, name string) (net.Conn, error) {
	to := w.find(name)
	w.mu.Lock()
	away := from.crashed || to.crashed || w.cut[from] != w.cut[to]
	w.mu.Unlock()
	if away {
		return nil, errors.New("it cannot be reached")
	}
	a, b := net.Pipe()
	to.svc.Serve(replica.Leader(from.name), counted{b, w, to, from})
	return counted{a, w, from, to}, nil
}

// heal starts all that crashed, or that are to begin again, and lets leaders meet as long as
// their policies differ, as refused links do. It ends with one policy.
func (w *world) heal() Version {
	w.t.Helper()
	w.mu.Lock()
	w.at, w.cut = 0, map[*leader]bool{}
	w.mu.Unlock()
	defer func() {
		for _, l := range w.leaders {
			if w.t.Failed() {
				w.t.Logf("%s: %v adopted %v refuses %v crashed %v behind %q", l.name, l.svc.Version(), l.svc.Adopted(), l.loop.Status().Refusals, l.crashed, l.svc.Behind())
			}
		}
	}()
	replicatest.Eventually(w.t, "all leaders serve under one policy, and take writes", func() bool {
		same := true
		for _, l := range w.leaders {
			if w.due(l) {
				w.end(l)
				w.start(l)
			}
		}
		for _, l := range w.leaders {
			if first := w.leaders[0]; l.svc.Adopted() != first.svc.Adopted() {
				l.svc.Meet(replica.Leader(first.name))
				first.svc.Meet(replica.Leader(l.name))
				same = false
			}
			same = same && l.svc.Version() == l.svc.Adopted() && !refuses(l.loop.Status())
		}
		return same
	})
	return w.leaders[0].svc.Version()
}

func (w *world) due(l *leader) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-l.again:
		return true
	default:
		return l.crashed
	}
}

// change has a leader bring a policy to all, as its command does.
func (w *world) change(at string, o Order) (*Outcome, error) {
	l := w.find(at)
	out, err := l.svc.Change(w.t.Context(), o)
	if err == nil && out.Changed {
		l.svc.cfg.Again()
	}
	return out, err
}

func anyStore(t *testing.T) *storage.Store {
	l := storagetest.Open(t, storagetest.Options(vfs.NewMem(), "store"), 7)
	l.Set("k", "1")
	return l.Store
}

// TestACrashBetweenAnyTwoSteps: whoever crashes, one leader or all, before whichever message of a
// change, and so on either side of each write of it: once all are back they serve under one policy and
// take writes. It is the new one if the client was told so, and the one before if it was told that
// nothing was changed.
func TestACrashBetweenAnyTwoSteps(t *testing.T) {
	store := anyStore(t)
	to := Order{To: resolve.Policy{Default: resolve.HLC}}
	undisturbed := newWorld(t, store, "n1", "n2", "n3")
	if out, err := undisturbed.change("n2", to); err != nil || len(out.Adopted) != 3 {
		t.Fatalf("undisturbed: %+v, %v", out, err)
	}
	if v := undisturbed.heal(); v.Number != 1 || v.By != "n2" {
		t.Fatalf("undisturbed they are under %s", v)
	}
	ends := map[string]int{}
	for _, who := range [][]int{{0}, {1}, {0, 1, 2}} {
		for at := 1; ; at++ {
			w := newWorld(t, store, "n1", "n2", "n3")
			w.at = at
			for _, i := range who {
				w.crash = append(w.crash, w.leaders[i])
			}
			out, err := w.change("n2", to)
			if w.events < at {
				break // the change has no more messages
			}
			answered := !w.find("n2").crashed
			is := w.heal()
			refused, ok := errors.AsType[*Refused](err)
			where := fmt.Sprintf("%v crash before message %d", who, at)
			switch {
			case is.Number > 1:
				t.Errorf("%s: they are under %s", where, is)
			case answered && ok && is.Number != 0:
				t.Errorf("%s: the client was told %v, and they are under %s", where, refused, is)
			case answered && err == nil && (is.Number != 1 || !out.Changed):
				t.Errorf("%s: the client was told %+v, and they are under %s", where, out, is)
			case answered && err != nil && !ok:
				t.Errorf("%s: the client was told %v", where, err)
			}
			ends[fmt.Sprintf("answered %v, error %v, policy %d", answered, err != nil, is.Number)]++
		}
	}
	t.Logf("%v", ends)
	if len(ends) < 4 {
		t.Errorf("only these ends were seen: %v", ends)
	}
}

// TestTwoChangesAtOnce: two leaders are told different policies at one moment. All end under one;
// whoever was told that nothing was changed does not see its own win.
func TestTwoChangesAtOnce(t *testing.T) {
	store := anyStore(t)
	for range 20 {
		w := newWorld(t, store, "n1", "n2", "n3")
		var both sync.WaitGroup
		errs := make([]error, 2)
		for i, r := range []resolve.ID{resolve.HLC, resolve.Siblings} {
			both.Go(func() {
				_, errs[i] = w.change(w.leaders[i].name, Order{To: resolve.Policy{Default: r}})
			})
		}
		both.Wait()
		is := w.heal()
		for i, by := range []string{"n1", "n2"} {
			if _, refused := errors.AsType[*Refused](errs[i]); refused && is.By == by || errs[i] == nil && is.Number == 0 {
				t.Errorf("%s was told %v, and they are under %s", by, errs[i], is)
			}
		}
		if is.Number == 0 && errs[0] == nil && errs[1] == nil {
			t.Errorf("both were told that it is done, and they are under %s", is)
		}
	}
}

// TestChangesOnTwoSidesOfACut: each side goes over to its own, and when they meet all have the
// greater one.
func TestChangesOnTwoSidesOfACut(t *testing.T) {
	w := newWorld(t, anyStore(t), "n1", "n2", "n3")
	w.cut[w.find("n1")] = true
	for at, o := range map[string]Order{
		"n1": {To: resolve.Policy{Default: resolve.Siblings}, Without: []string{"n2", "n3"}},
		"n2": {To: resolve.Policy{Default: resolve.HLC}, Without: []string{"n1"}},
	} {
		if out, err := w.change(at, o); err != nil || !out.Changed || len(out.Away) != len(o.Without) {
			t.Fatalf("at %s: %+v, %v", at, out, err)
		}
	}
	if is := w.heal(); is.Number != 1 || is.Text != "*=siblings" {
		t.Errorf("they are under %s", is)
	}
}
