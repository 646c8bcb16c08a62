package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kvd/replica/replicatest"
)

// trio is three leaders of which the first is to be damaged.
type trio struct {
	t          *testing.T
	dir, addr  string
	n1, n2, n3 *served
	keys       int
}

// threeLeaders has written keys at all of them, in runs of n1's between which it
// was stopped and started, so that its store has tables and logs.
func threeLeaders(t *testing.T, keys int) *trio {
	t.Helper()
	c := &trio{t: t, dir: t.TempDir(), addr: free(t), keys: keys}
	c.n2 = serves(t, "n2", t.TempDir(), "127.0.0.1:0")
	c.n3 = serves(t, "n3", t.TempDir(), "127.0.0.1:0", "--join", c.n2.gossip)
	c.n1 = serves(t, "n1", c.dir, c.addr, "--join", c.n2.gossip)
	for part := range 3 {
		for i := part; i < keys; i += 3 {
			from := []*served{c.n1, c.n2, c.n1}[part]
			from.try("SET", fmt.Sprint("k", i), fmt.Sprint("v", i))
		}
		c.n1.everywhere(2, "SET", "part", part)
		c.n2.everywhere(2, "SET", "part2", part)
		if part < 2 {
			c.stop()
			c.n1 = serves(t, "n1", c.dir, c.addr)
		}
	}
	return c
}

func (c *trio) stop() {
	c.n1.signal(syscall.SIGTERM)
	if code := c.n1.end(); code != 0 {
		c.t.Fatalf("n1 ends with %d: %s", code, c.n1.last())
	}
}

// comes starts n1 again and waits until it has everything, under a new origin.
func (c *trio) comes(why string) {
	c.t.Helper()
	before := c.n1.origin
	c.n1 = serves(c.t, "n1", c.dir, c.addr)
	if c.n1.origin == before || c.n1.resumed != "false" {
		c.t.Errorf("a damaged leader goes on with its origin")
	}
	c.n1.says(why)
	replicatest.Eventually(c.t, "n1 is ready", func() bool {
		res, err := http.Get("http://" + c.n1.http + "/health/ready")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	for i := range c.keys {
		c.n1.shows(fmt.Sprint("k", i), fmt.Sprint("v", i))
	}
	if said := c.n1.page("/metrics"); !strings.Contains(said, "kvd_missing_ops 0") {
		c.t.Error("the metrics do not say that nothing is missing")
	}
	c.n1.everywhere(2, "SET", "after", "1")
	if audit := fmt.Sprint(c.n1.try("KVD.AUDIT")); !strings.Contains(audit, "adds up") {
		c.t.Errorf("the audit says %.1000s", audit)
	}
	c.stop()
	c.n1 = serves(c.t, "n1", c.dir, c.addr)
	if said := c.n1.text(); strings.Contains(said, "level=ERROR") {
		c.t.Errorf("when all is well again it says %s", said)
	}
}

// files is the paths of a store's files that match.
func (c *trio) files(pattern string) []string {
	c.t.Helper()
	all, err := filepath.Glob(filepath.Join(c.dir, "store", pattern))
	if err != nil || len(all) == 0 {
		c.t.Fatalf("no file %s: %v", pattern, err)
	}
	return all
}

// table is the largest one: it has the log and the objects.
func (c *trio) table() (largest string) {
	bytes := int64(-1)
	for _, path := range c.files("*.sst") {
		if info, err := os.Stat(path); err == nil && info.Size() > bytes {
			largest, bytes = path, info.Size()
		}
	}
	return largest
}

// The end of the store's log is gone after a clean stop: the writes in it are
// named, and come back from the others.
func TestATornLogIsFilledByTheOthers(t *testing.T) {
	t.Parallel()
	c := threeLeaders(t, 300)
	c.stop()
	logs := c.files("log/*.log")
	last := logs[len(logs)-1]
	info, err := os.Stat(last)
	if err == nil {
		err = os.Truncate(last, info.Size()-info.Size()/3)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.comes(`level=ERROR msg="the store is damaged: \d+ ops that the log held are missing, or wait for one that is, \w+ from \d+ to \d+`)
}

// Whatever of the files that say what the store is made of, or of its tables, is
// missing or older than it was: nothing is dropped in silence, and everything is
// there in the end.
func TestADamagedStoreIsMadeAnew(t *testing.T) {
	for name, harm := range map[string]func(c *trio) error{
		"marker is gone": func(c *trio) error { return os.Remove(c.files("marker.manifest.*")[0]) },
		"marker is of another": func(c *trio) error {
			m := c.files("marker.manifest.*")[0]
			return os.Rename(m, m[:strings.LastIndex(m, "-")]+"-000000")
		},
		"manifest is short": func(c *trio) error {
			m := c.files("MANIFEST-*")
			return os.Truncate(m[len(m)-1], 60)
		},
		"manifest is gone": func(c *trio) error {
			m := c.files("MANIFEST-*")
			return os.Remove(m[len(m)-1])
		},
		"a table is gone": func(c *trio) error { return os.Remove(c.table()) },
		"a table is zeros": func(c *trio) error {
			s := c.table()
			info, err := os.Stat(s)
			if err == nil {
				err = os.WriteFile(s, make([]byte, info.Size()), 0o644)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := threeLeaders(t, 60)
			c.stop()
			if err := harm(c); err != nil {
				t.Fatal(err)
			}
			c.comes(`level=ERROR msg="the store is damaged`)
			if kept, err := filepath.Glob(filepath.Join(c.dir, "store.damaged-*")); err != nil || len(kept) != 1 {
				t.Errorf("the damaged store is kept as %v, %v", kept, err)
			}
		})
	}
}

// A bit that flips in a part of the log that nobody reads is found while the leader serves,
// and told with its place; the next start has it back from the others.
func TestLogRotIsFoundAndMended(t *testing.T) {
	t.Parallel()
	c := threeLeaders(t, 60)
	c.stop()
	c.n1 = serves(t, "n1", c.dir, c.addr, "--scrub-every", "20ms", "--scrub-rate", "0")
	c.n1.try("SET", "linked", "1")
	if n := c.n1.try("WAIT", "2", "30000"); n != int64(2) { // until they have it, the log is read for them
		t.Fatalf("%v others have what is written", n)
	}
	path := c.files("log/*.log")[0]
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err = f.ReadAt(b, 2000); err == nil {
		_, err = f.WriteAt([]byte{b[0] ^ 1}, 2000)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	c.n1.says(`level=ERROR msg="a part of the store cannot be read.*00000001.log is damaged at byte \d+.*start the leader again`)
	if body := c.n1.page("/metrics"); !strings.Contains(body, "kvd_scrub_damaged_places 1") {
		t.Error("the metrics do not say it")
	}
	c.n1.shows("k0", "v0")
	c.n1.try("SET", "served", "1")
	c.stop()
	c.comes(`level=ERROR msg="the store is damaged; it is made anew.*00000001.log is damaged at byte`)
	c.n1.shows("served", "1")
}

// leftBehind is the directory of a leader that was alone, accepted k0 to k19 and was
// stopped in order.
func leftBehind(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	n := serves(t, "n1", dir, "127.0.0.1:0")
	for i := range 20 {
		n.try("SET", fmt.Sprint("k", i), i)
	}
	n.signal(syscall.SIGTERM)
	n.end()
	return dir
}

// A leader that is stopped between putting a damaged store aside and the new one in
// its place goes on with the new one.
func TestARebuildThatIsStoppedGoesOn(t *testing.T) {
	t.Parallel()
	dir := leftBehind(t)
	store := filepath.Join(dir, "store")
	markers, _ := filepath.Glob(filepath.Join(store, "marker.manifest.*"))
	if err := os.Remove(markers[0]); err != nil {
		t.Fatal(err)
	}
	n := serves(t, "n1", dir, "127.0.0.1:0")
	n.shows("k19", "19")
	n.signal(syscall.SIGTERM)
	n.end()
	if err := os.Rename(store, store+".rebuilt"); err != nil { // where the stop left it
		t.Fatal(err)
	}
	n = serves(t, "n1", dir, "127.0.0.1:0")
	for i := range 20 {
		n.shows(fmt.Sprint("k", i), fmt.Sprint(i))
	}
	if left, err := filepath.Glob(filepath.Join(dir, "store.*")); err != nil || len(left) != 1 {
		t.Errorf("beside the store are %v, %v", left, err)
	}
}

// A leader that is alone serves what it has, and goes on saying what is missing.
func TestADamagedLeaderAloneServesTheRest(t *testing.T) {
	t.Parallel()
	dir := leftBehind(t)
	logs, _ := filepath.Glob(filepath.Join(dir, "store", "log", "*.log"))
	info, err := os.Stat(logs[0])
	if err == nil {
		err = os.Truncate(logs[0], info.Size()/2)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it says so at each start
		n := serves(t, "n1", dir, "127.0.0.1:0")
		n.says(`level=ERROR msg="the store is damaged: \d+ ops that the log held are missing`)
		n.shows("k0", "0")
		if got, err := n.Get(context.Background(), "k19").Result(); err == nil {
			t.Errorf("k19 shows %q", got)
		}
		if health := n.page("/health/ready"); !strings.Contains(health, `"damaged"`) || !strings.Contains(health, "missing") || !strings.Contains(health, "nobody has") || !strings.Contains(health, "--serve-damaged") {
			t.Errorf("health says %s", health)
		}
		if audit := fmt.Sprint(n.try("KVD.AUDIT")); !strings.Contains(audit, "are missing") {
			t.Errorf("the audit says %.1000s", audit)
		}
		n.try("SET", "more", "1")
		n.signal(syscall.SIGTERM)
		n.end()
	}
	n := serves(t, "n1", dir, "127.0.0.1:0", "--serve-damaged")
	if health := n.page("/health/ready"); !strings.Contains(health, `"ready": true`) {
		t.Errorf("health says %s", health)
	}
}

// Files beside the store that were cut short, have zeros behind, or hold anything
// else do not keep a leader from starting, and what they were is kept.
func TestDamagedSideFiles(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), free(t)
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0")
	n := serves(t, "n1", dir, addr, "--join", n2.gossip)
	n.everywhere(1, "SET", "x", "1")
	for round, harm := range []func([]byte) []byte{
		func(b []byte) []byte { return b[:len(b)/2] },
		func(b []byte) []byte { return append(b, make([]byte, 100)...) },
		func([]byte) []byte { return []byte("\xff{[ anything") },
		func([]byte) []byte { return nil },
	} {
		n.signal(syscall.SIGTERM)
		n.end()
		for _, name := range []string{"gossip", "members.json", "origins.json", "store/incarnation.json", "extent.json"} {
			path := filepath.Join(dir, name)
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, harm(text), 0o644)
			}
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		n = serves(t, "n1", dir, addr, "--join", n2.gossip)
		n.shows("x", "1")
		n.everywhere(1, "SET", "round", round)
	}
}

// damageTables puts zeros into an eighth of every larger table of the store.
func damageTables(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "store", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, path := range tables {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := f.Stat(); err == nil && info.Size() > 10<<10 {
			if _, err = f.WriteAt(make([]byte, info.Size()/8), info.Size()/4); err != nil {
				t.Fatal(err)
			}
		}
		f.Close()
	}
}

// A table that is damaged where the start does not read it fails the questions that need it
// and no others; it is told once at each start, without a stack; who has never met anybody
// serves the rest.
func TestADamagedTable(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), context.Background()
	n := serves(t, "n1", dir, "127.0.0.1:0")
	const keys, size = 2000, 2000
	noise := make([]byte, size)
	for i, dice := 0, rand.New(rand.NewPCG(1, 1)); i < size; i++ {
		noise[i] = byte(' ' + dice.IntN(95))
	}
	value := string(noise)
	for i := range keys {
		n.try("SET", fmt.Sprintf("k%03d", i), fmt.Sprint(i, value))
	}
	for range 2 { // the log becomes tables
		n.signal(syscall.SIGTERM)
		n.end()
		n = serves(t, "n1", dir, "127.0.0.1:0", "--cache-bytes", "65536") // few of which stay in memory
	}
	n.signal(syscall.SIGTERM)
	n.end()
	damageTables(t, dir)
	n = serves(t, "n1", dir, "127.0.0.1:0", "--cache-bytes", "65536")
	failed, served := 0, 0
	for i := range keys {
		got, err := n.Get(ctx, fmt.Sprintf("k%03d", i)).Result()
		switch {
		case err != nil:
			failed++
		case got == fmt.Sprint(i, value):
			served++
		default:
			t.Errorf("k%03d shows %.40q", i, got)
		}
	}
	if failed == 0 || served == 0 {
		t.Fatalf("%d questions failed and %d were answered", failed, served)
	}
	n.try("SET", "more", "1")
	n.shows("more", "1")
	if health := n.page("/health/ready"); !strings.Contains(health, `"damaged"`) {
		t.Errorf("health says %s", health)
	}
	n.says(`level=ERROR msg="a part of the store cannot be read`)
	n.signal(syscall.SIGTERM)
	n.end()
	if said := n.text(); strings.Contains(said, "goroutine ") || strings.Count(said, "level=ERROR") != 1 {
		t.Errorf("it said %.3000s", said)
	}
	n = serves(t, "n1", dir, "127.0.0.1:0")
	n.says(`level=ERROR msg="a part of the store cannot be read`) // there is nobody to fetch it from
	n.shows("more", "1")
	n.try("SET", "again", "1")
}
