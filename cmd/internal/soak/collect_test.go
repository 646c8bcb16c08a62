package soak

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/replica/replicatest"
)

// historyBytes is how much history the leaders of these tests keep.
const historyBytes = 4 << 20

// collecting is two leaders with a short history.
func collecting(t *testing.T, policy ...string) *cluster {
	c := newCluster(t, append(policy, "--history-bytes", strconv.Itoa(historyBytes))...)
	for _, name := range []string{"n1", "n2"} {
		c.add(name)
	}
	replicatest.Eventually(t, "the leaders have met", func() bool {
		for _, l := range c.all() {
			if len(status(t, l).Peers) != 1 {
				return false
			}
		}
		return true
	})
	return c
}

// told is what these tests ask of a leader's status.
type told struct {
	Log       struct{ Bytes int64 }
	Deletions struct{ Keys, Tombstones, Dropped int64 }
	Peers     []struct {
		Alive  bool
		LagOps uint64 `json:"lag_ops"`
	}
}

var served = regexp.MustCompile(`msg=serving .*?http=(\S+)`)

func status(t *testing.T, l *leader) (s told) {
	t.Helper()
	all := served.FindAllStringSubmatch(l.said.String(), -1)
	resp, err := http.Get("http://" + all[len(all)-1][1] + "/status")
	if err == nil {
		err = json.NewDecoder(resp.Body).Decode(&s)
		_ = resp.Body.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// onDisk is what a leader's directory takes.
func onDisk(t *testing.T, l *leader) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(l.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files come and go
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// each sends commands by the thousand.
func each(t *testing.T, l *leader, n int, command func(i int) []any) {
	t.Helper()
	for i := 0; i < n; {
		p := l.client.Pipeline()
		for range min(1000, n-i) {
			p.Do(t.Context(), command(i)...)
			i++
		}
		if _, err := p.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// pass lets as much history go by that nothing of before is in it.
func pass(t *testing.T, l *leader) {
	t.Helper()
	value := strings.Repeat("v", 16<<10)
	each(t, l, 4*historyBytes/len(value), func(i int) []any { return []any{"SET", "passes" + strconv.Itoa(i%4), value} })
}

// settled waits until the condition holds, for as long as half a million keys may take.
func settled(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(settleWithin); !is(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not within %s: %s", settleWithin, what)
		}
	}
}

var resolvers = []string{"lww", "lamport", "hlc", "interval", "siblings", "causal", "counter"}

// TestDeletedKeysLeaveNothing: KVD_DELETED says how many keys are created and deleted under
// all resolvers together; without it a few. Nothing is left of them, and the leaders take
// as much of the disk as before.
func TestDeletedKeysLeaveNothing(t *testing.T) {
	t.Parallel()
	n := 70
	if long := os.Getenv("KVD_DELETED"); long != "" {
		var err error
		if n, err = strconv.Atoi(long); err != nil || n < len(resolvers) {
			t.Fatalf("KVD_DELETED=%s: say how many keys", long)
		}
	}
	policy := []string{"--shadow", "all"}
	for _, r := range resolvers {
		policy = append(policy, "--policy", r+":="+r)
	}
	c := collecting(t, policy...)
	key := func(i int) string { return resolvers[i%len(resolvers)] + ":" + strconv.Itoa(i) }
	pass(t, c.leader("n1"))
	pass(t, c.leader("n2"))
	var empty []int64
	for _, l := range c.all() {
		replicatest.Eventually(t, "the log is short", func() bool { return status(t, l).Log.Bytes < 3*historyBytes })
		empty = append(empty, onDisk(t, l))
	}
	began := time.Now()
	each(t, c.leader("n1"), n, func(i int) []any { return []any{"SET", key(i), i} })
	replicatest.Eventually(t, "n2 has them", func() bool { return status(t, c.leader("n1")).Peers[0].LagOps == 0 })
	each(t, c.leader("n2"), n, func(i int) []any { return []any{"DEL", key(i)} })
	replicatest.Eventually(t, "n1 has them", func() bool { return status(t, c.leader("n2")).Peers[0].LagOps == 0 })
	for _, l := range c.all() {
		t.Logf("%s: %+v after %s, %d bytes on disk", l.name, status(t, l).Deletions, time.Since(began).Round(time.Second), onDisk(t, l))
	}
	pass(t, c.leader("n1"))
	pass(t, c.leader("n2"))
	for i, l := range c.all() {
		var s told
		settled(t, "nothing is left of them", func() bool {
			if s = status(t, l); s.Deletions.Keys > 0 {
				each(t, l, 1, func(int) []any { return []any{"SET", "goes on", "1"} })
			}
			return s.Deletions.Keys == 0 && s.Deletions.Tombstones == 0 && s.Deletions.Dropped >= int64(n)
		})
		took := time.Since(began).Round(time.Second)
		var is int64
		settled(t, "the disk is as empty as before", func() bool {
			pass(t, l) // what is deleted leaves the database with what is written
			is = onDisk(t, l)
			return is <= empty[i]+empty[i]/10
		})
		t.Logf("%s: %+v after %s; %d bytes on disk, %d before", l.name, s.Deletions, took, is, empty[i])
	}
}

// TestOverwritingTakesNoMoreThanHistory: KVD_OVERWRITE says for how long 1,000 keys are
// overwritten, as in KVD_OVERWRITE=10m; without it a second. What the
// leaders take of the disk stays below history and three times what the keys hold.
func TestOverwritingTakesNoMoreThanHistory(t *testing.T) {
	t.Parallel()
	span := time.Second
	if long := os.Getenv("KVD_OVERWRITE"); long != "" {
		var err error
		if span, err = time.ParseDuration(long); err != nil {
			t.Fatal(err)
		}
	}
	c := collecting(t)
	value := strings.Repeat("v", 4<<10)
	const keys = 1000
	live := int64(keys * (len(value) + 100))
	bound, most, rounds := historyBytes+3*live, int64(0), 0
	for began, told := time.Now(), time.Now(); time.Since(began) < span; rounds++ {
		each(t, c.all()[rounds%2], keys, func(i int) []any { return []any{"SET", fmt.Sprintf("k%d", i), value} })
		if time.Since(told) < time.Second {
			continue
		}
		told = time.Now()
		for _, l := range c.all() {
			most = max(most, onDisk(t, l))
		}
	}
	for _, l := range c.all() {
		is := int64(0)
		replicatest.Eventually(t, "what is on disk is within bounds", func() bool { is = onDisk(t, l); return is <= bound })
		t.Logf("%s: %d bytes on disk after %d writes, %d at most meanwhile; history and three times the live data are %d", l.name, is, rounds*keys, most, bound)
	}
}
