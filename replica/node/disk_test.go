package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/replica/console"
	"kvd/replica/node/internal/monitor"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// roomy is a filesystem with as much room as a test says.
type roomy struct {
	vfs.FS
	free atomic.Uint64
}

const hundredGiB = 100 << 30

func (r *roomy) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: r.free.Load(), TotalBytes: hundredGiB}, nil
}

// said is a logger's lines, and how often each message was logged.
type said struct {
	slog.Handler
	mu    *sync.Mutex
	count map[string]int
}

func listen() said {
	return said{slog.NewTextHandler(io.Discard, nil), &sync.Mutex{}, map[string]int{}}
}

func (s said) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[r.Message]++
	return nil
}
func (s said) WithAttrs([]slog.Attr) slog.Handler { return s }

func (s said) times(message string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[message]
}

func (n *node) unready(cause console.Cause) bool {
	return slices.ContainsFunc(n.health().Reasons, func(r console.Reason) bool { return r.Cause == cause })
}

// A leader with little room takes no writes and still what others wrote; with less it takes
// that neither. With room again it goes on by itself, and what it did not take arrives.
func TestLittleRoom(t *testing.T) {
	disk, log := &roomy{FS: vfs.NewMem()}, listen()
	disk.free.Store(1 << 30)
	all := cluster(t, 2, everybody(resolve.Causal), func(i int, c *Config) {
		if i == 0 {
			c.FS, c.Storage.Limits.MinFree, c.Logger = disk, 100<<20, slog.New(log)
		}
	})
	n1, n2 := all[0], all[1]
	n1.ask("SET", "before", "1")
	refuses := func() bool {
		_, err := n1.client.Do(context.Background(), "SET", "k", "1").Result()
		return err != nil && strings.HasPrefix(err.Error(), "READONLY") && strings.Contains(err.Error(), "make room")
	}
	disk.free.Store(90 << 20)
	replicatest.Eventually(t, "n1 takes no writes", refuses)
	if n1.ask("GET", "before") != "1" || !n1.unready(console.Cause(monitor.DiskSpace)) {
		t.Errorf("health says %+v", n1.health())
	}
	n2.ask("SET", "from n2", "1")
	settle(t, all)
	disk.free.Store(40 << 20)
	replicatest.Eventually(t, "n1 takes no ops", func() bool { return !n1.monitor.Status().TakesOps })
	for i := range 50 {
		n2.ask("SET", fmt.Sprint("late", i), "1")
	}
	replicatest.Eventually(t, "n1 knows that it lacks ops", func() bool { return n1.behind() == 50 })
	if n1.ask("GET", "late0") != nil {
		t.Error("n1 took ops that it has no room for")
	}
	disk.free.Store(110 << 20) // more than where it began, and not by much
	replicatest.Eventually(t, "n1 takes ops again", func() bool { return n1.monitor.Status().TakesOps })
	if !refuses() {
		t.Error("n1 takes writes with hardly more room than where it began to refuse them")
	}
	disk.free.Store(1 << 30)
	settle(t, all)
	replicatest.Eventually(t, "n1 takes writes again", func() bool { return !refuses() })
	if n1.ask("GET", "late49") != "1" || n1.unready(console.Cause(monitor.DiskSpace)) {
		t.Errorf("health says %+v", n1.health())
	}
	for _, message := range []string{"takes no writes", "takes no ops of other leaders, because the disk is nearly full", "takes ops of other leaders again"} {
		if log.times(message) != 1 {
			t.Errorf("%q was logged %d times", message, log.times(message))
		}
	}
}

// A leader that begins without room says so before it serves anybody.
func TestStartWithLittleRoom(t *testing.T) {
	disk := &roomy{FS: vfs.NewMem()}
	disk.free.Store(1 << 20)
	n := cluster(t, 1, everybody(resolve.Causal), func(_ int, c *Config) { c.FS = disk })[0]
	n.refused("READONLY", "has 1.0 MiB left, and --min-free keeps 256.0 MiB", "SET", "k", "1")
}

// gate is a disk whose syncs do not return while it is shut.
type gate struct {
	mu   sync.RWMutex
	hits atomic.Int64
}

func (g *gate) String() string { return "gate" }
func (g *gate) MaybeError(op errorfs.Op) error {
	if op.Kind == errorfs.OpFileSyncData {
		g.hits.Add(1)
		g.mu.RLock()
		defer g.mu.RUnlock()
	}
	return nil
}

// While a sync does not return, the leader says that its disk is slow, acknowledges nothing,
// and reads.
func TestASlowDisk(t *testing.T) {
	g, log := &gate{}, listen()
	n := cluster(t, 1, everybody(resolve.Causal), func(_ int, c *Config) {
		c.FS, c.Storage.Limits.SlowAfter, c.Logger = errorfs.Wrap(vfs.NewMem(), g), 50*time.Millisecond, slog.New(log)
	})[0]
	n.ask("SET", "before", "1")
	g.mu.Lock()
	before := g.hits.Load()
	done := make(chan error, 1)
	go func() { done <- n.client.Set(context.Background(), "k", "1", 0).Err() }()
	replicatest.Eventually(t, "the write is synced", func() bool { return g.hits.Load() > before })
	replicatest.Eventually(t, "health says that the disk is slow", func() bool { return n.unready(monitor.SlowDisk) })
	if h := n.health(); h.code != http.StatusServiceUnavailable || !strings.Contains(fmt.Sprint(h), "has not returned for") {
		t.Errorf("health says %+v", h)
	}
	if n.ask("GET", "before") != "1" || n.ask("GET", "k") != nil {
		t.Error("reading shows what is not acknowledged, or not what is")
	}
	select {
	case err := <-done:
		t.Errorf("acknowledged before it was synced: %v", err)
	default:
	}
	replicatest.Eventually(t, "it is logged", func() bool { return log.times("the disk is slow") == 1 })
	g.mu.Unlock()
	if err := <-done; err != nil || n.ask("GET", "k") != "1" {
		t.Errorf("when the sync returns: %v", err)
	}
	if s := n.monitor.Status(); !s.Slow || s.SlowestSeconds < 0.05 {
		t.Errorf("a moment later it is forgotten: %+v", s)
	}
}

// A flipped bit in a part of the log that nobody reads is found while the leader serves.
func TestScrubbing(t *testing.T) {
	mem, log := vfs.NewMem(), listen()
	n := cluster(t, 1, everybody(resolve.Causal), func(_ int, c *Config) {
		c.FS, c.Logger, c.Storage.Limits.ScrubEvery, c.Storage.Limits.ScrubRate = mem, slog.New(log), time.Millisecond, 0
	})[0]
	for i := range 20 {
		n.ask("SET", "k", i)
	}
	scrubbed := func() uint64 { return n.monitor.Status().Scrub.Rounds }
	begin := scrubbed()
	replicatest.Eventually(t, "two rounds", func() bool { return scrubbed() > begin+1 })
	if s := n.monitor.Status().Scrub; s.Places != 0 || n.unready(console.Damaged) {
		t.Fatalf("of a whole store %+v is said", s)
	}
	f, err := mem.OpenReadWrite("n1/store/log/00000001.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err = f.ReadAt(b, 300); err == nil {
		_, err = f.WriteAt([]byte{b[0] ^ 1}, 300)
	}
	if err != nil {
		t.Fatal(err)
	}
	replicatest.Eventually(t, "it is found", func() bool { return n.unready(console.Damaged) })
	detail := fmt.Sprint(n.health())
	if s := n.monitor.Status().Scrub; s.Places != 1 || !strings.Contains(detail, "00000001.log is damaged at byte") || !strings.Contains(detail, "start the leader again") {
		t.Errorf("%+v, health says %s", s, detail)
	}
	if n.ask("GET", "k") != "19" {
		t.Error("what is not damaged is not served")
	}
	found := scrubbed()
	replicatest.Eventually(t, "two rounds more", func() bool { return scrubbed() > found+1 })
	if s := n.monitor.Status().Scrub; s.Places != 1 {
		t.Errorf("a place is told again: %+v", s)
	}
}
