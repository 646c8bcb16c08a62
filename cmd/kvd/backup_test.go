package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
	"kvd/replica/client/backups"
	"kvd/replica/replicatest"
)

// backup takes one of the leader, as kv backup does.
func (n *served) backup(dir string) *backups.Taken {
	n.t.Helper()
	t, err := n.tryBackup(context.Background(), dir, func() {})
	if err != nil {
		n.t.Fatal(err)
	}
	return t
}

func (n *served) tryBackup(ctx context.Context, dir string, each func()) (*backups.Taken, error) {
	c := client.New(client.Options{Timeout: replicatest.Timeout})
	defer c.Close()
	return backups.Take(ctx, c.Open(client.Node{Addr: n.Options().Addr}), dir, func(backups.Written, int, int64) { each() })
}

// all is what every key shows.
func (n *served) all() map[string]string {
	n.t.Helper()
	ctx, all := context.Background(), map[string]string{}
	for cursor := uint64(0); ; {
		keys, next, err := n.Scan(ctx, cursor, "*", 5000).Result()
		if err != nil {
			n.t.Fatal(err)
		}
		if len(keys) > 0 {
			values, err := n.MGet(ctx, keys...).Result()
			if err != nil {
				n.t.Fatal(err)
			}
			for i, k := range keys {
				all[k] = fmt.Sprint(values[i])
			}
		}
		if cursor = next; cursor == 0 {
			return all
		}
	}
}

// stop ends a leader in order.
func (n *served) stop() {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	if code := n.end(); code != 0 {
		n.t.Fatalf("%s ends with %d: %s", n.name, code, n.last())
	}
}

// load writes numbers to keys of its own, until the test calls end: the last that was
// acknowledged of each.
func (n *served) load(writers int) (acknowledged []*atomic.Int64, end func()) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for w := range writers {
		last := &atomic.Int64{}
		acknowledged = append(acknowledged, last)
		all.Go(func() {
			for i := int64(1); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := n.Set(context.Background(), fmt.Sprint("load", w), i, 0).Err(); err != nil {
					return
				}
				last.Store(i)
			}
		})
	}
	return acknowledged, func() { close(stop); all.Wait() }
}

// keysOf is how many keys the test has: 100,000 of them with KVD_LONG.
func keysOf() int {
	if os.Getenv("KVD_LONG") != "" {
		return 100_000
	}
	return 2_000
}

// While clients write, a backup is taken. What is restored of it is a leader of its own,
// under a new origin, with all that was acknowledged before; and in the living cluster, as
// yet another, it gets what it lacks, gives what nobody else has, and what was deleted
// stays so.
func TestABackupOfALeaderUnderLoad(t *testing.T) {
	t.Parallel()
	ctx, dir, keys := context.Background(), filepath.Join(t.TempDir(), "backup"), keysOf()
	n1 := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--resolver", "siblings")
	value := strings.Repeat("v", 200)
	pipe := n1.Pipeline()
	for i := range keys {
		pipe.Set(ctx, fmt.Sprint("k", i), fmt.Sprint(i, value), 0)
		if i%1000 == 999 || i == keys-1 {
			if _, err := pipe.Exec(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	n1.try("DEL", "k7")
	acknowledged, end := n1.load(4)
	replicatest.Eventually(t, "load", func() bool { return acknowledged[3].Load() > 5 })
	var before []int64
	for _, a := range acknowledged {
		before = append(before, a.Load())
	}
	began := time.Now()
	first := n1.backup(dir)
	t.Logf("%d keys: %d files of %d bytes packed into %d, in %s", keys, first.Files, first.NewBytes, first.Kept, time.Since(began).Round(time.Millisecond))
	end()
	moment := n1.all()
	n1.try("SET", "later", "1")
	n1.try("DEL", "k8")
	began = time.Now()
	second := n1.backup(filepath.Join(dir))
	t.Logf("again: %d new files of %d bytes packed into %d, in %s", second.New, second.NewBytes, second.Kept, time.Since(began).Round(time.Millisecond))
	if second.New >= second.Files || second.NewBytes >= first.Bytes {
		t.Errorf("the second copies %d of %d files", second.New, second.Files)
	}
	if said := n1.page("/metrics"); !strings.Contains(said, "kvd_backup_running 0") || strings.Contains(said, "kvd_last_backup_timestamp_seconds 0") {
		t.Error("the metrics know of no backup")
	}
	n1.says(`msg="a backup was taken".* files=\d+ bytes=\d+`)
	if code, said := ran(t, "verify", dir); code != 0 || !strings.Contains(said, "is a backup of n1 at ") {
		t.Errorf("verify ends with %d: %s", code, said)
	}

	// Alone.
	third := filepath.Join(t.TempDir(), "third")
	n1.backup(third)
	home := t.TempDir()
	if code, said := ran(t, "restore", third, home); code != 0 || !strings.Contains(said, fmt.Sprintf("%d keys", keys+5)) {
		t.Fatalf("restore ends with %d: %s", code, said)
	}
	alone := serves(t, "m1", home, "127.0.0.1:0", "--resolver", "siblings", "--cluster", "other")
	if alone.origin == n1.origin || alone.resumed != "false" {
		t.Errorf("a restored leader goes on with the origin of the one that runs")
	}
	got := alone.all()
	delete(moment, "k8")
	moment["later"] = "1"
	if !maps.Equal(got, moment) {
		t.Errorf("it shows %d keys, or others, and the leader %d", len(got), len(moment))
	}
	for w, at := range before {
		if got, err := alone.Get(ctx, fmt.Sprint("load", w)).Int64(); err != nil || got < at {
			t.Errorf("load%d shows %d, and %d was acknowledged before, %v", w, got, at, err)
		}
	}
	if audit := fmt.Sprint(alone.try("KVD.AUDIT")); !strings.Contains(audit, "adds up") {
		t.Errorf("the audit says %.1000s", audit)
	}
	alone.stop()

	// In the living cluster, from the second backup.
	n1.try("SET", "k9", "after")
	n1.try("DEL", "k10")
	home = t.TempDir()
	if code, said := ran(t, "restore", dir, home); code != 0 {
		t.Fatalf("restore ends with %d: %s", code, said)
	}
	n2 := serves(t, "n2", home, "127.0.0.1:0", "--resolver", "siblings", "--join", n1.gossip)
	n2.shows("k9", "after")
	n2.everywhere(1, "SET", "of n2", "1")
	n1.shows("of n2", "1")
	n1.everywhere(1, "SET", "of n1", "1")
	n2.shows("of n1", "1")
	for _, gone := range []string{"k7", "k8", "k10"} {
		for _, n := range []*served{n1, n2} {
			if err := n.Get(ctx, gone).Err(); err != redis.Nil {
				t.Errorf("%s shows %s again: %v", n.name, gone, err)
			}
		}
	}
	if one, other := n1.all(), n2.all(); !maps.Equal(one, other) || len(one) < keys {
		t.Errorf("they show %d and %d keys, or others", len(one), len(other))
	}
}

// A leader that lost its disk with what nobody else had gets it back from its backup.
func TestARestoredLeaderGivesBackWhatWasLost(t *testing.T) {
	t.Parallel()
	backup, home := filepath.Join(t.TempDir(), "backup"), t.TempDir()
	n1 := serves(t, "n1", t.TempDir(), "127.0.0.1:0")
	n1.try("SET", "only", "n1")
	n1.backup(backup)
	n1.signal(syscall.SIGKILL)
	n1.end()
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0")
	n2.try("SET", "meanwhile", "n2")
	if code, said := ran(t, "verify", backup, "--sums", "-o", "json"); code != 0 || !strings.Contains(said, `"keys":null`) {
		t.Errorf("verify of the sums ends with %d: %s", code, said)
	}
	if code, said := ran(t, "restore", backup, home, "-o", "json"); code != 0 || !strings.Contains(said, `"leader":"n1"`) {
		t.Fatalf("restore ends with %d: %s", code, said)
	}
	n1 = serves(t, "n1", home, "127.0.0.1:0", "--join", n2.gossip)
	n2.shows("only", "n1")
	n1.shows("meanwhile", "n2")
}

// A backup that was cut off, a damaged one, a restore that was cut off: each is known for
// what it is, and nothing is served from it.
func TestBackupsAndRestoresThatAreNotWhole(t *testing.T) {
	t.Parallel()
	dir, home := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "home")
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0")
	n.try("SET", "x", "1")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if _, err := n.tryBackup(ctx, dir, stop); err == nil {
		t.Fatal("it is not interrupted")
	}
	if code, said := ran(t, "verify", dir); code != 1 || !strings.Contains(said, "begun and not ended") {
		t.Errorf("verify of a begun one ends with %d: %s", code, said)
	}
	if code, said := ran(t, "restore", dir, home); code != 1 || !strings.Contains(said, "begun and not ended") {
		t.Errorf("restore of a begun one ends with %d: %s", code, said)
	}
	n.backup(dir)
	segment, err := filepath.Glob(filepath.Join(dir, "files", "00000001.log-*"))
	if err != nil || len(segment) != 1 {
		t.Fatal(segment, err)
	}
	flipped(t, segment[0])
	if code, said := ran(t, "verify", dir); code != cliutil.Differs || !strings.Contains(said, segment[0]) {
		t.Errorf("verify of a damaged one ends with %d: %s", code, said)
	}
	if code, said := ran(t, "restore", dir, home); code != 1 || !strings.Contains(said, segment[0]) {
		t.Errorf("restore of a damaged one ends with %d: %s", code, said)
	}
	for _, args := range [][]string{{"verify", home}, {"serve", "--node", "n1", "--data-dir", home, "--gossip-addr", "127.0.0.1:0", "--resp-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--peer-addr", "127.0.0.1:0"}} {
		if code, said := ran(t, args...); code != 1 || !strings.Contains(said, "kvd restore begins it again") {
			t.Errorf("%v ends with %d: %s", args, code, said)
		}
	}
	flipped(t, segment[0]) // as it was
	if code, said := ran(t, "restore", dir, home); code != 0 {
		t.Errorf("restore ends with %d: %s", code, said)
	}
	if code, said := ran(t, "restore", dir, home); code != 1 || !strings.Contains(said, "is not empty") {
		t.Errorf("a second restore ends with %d: %s", code, said)
	}
}
