package ledger_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
)

var update = flag.Bool("update", false, "rewrite the stories' texts")

// story is a short history told by hand, and what is said of it.
type story struct {
	name string
	play func(c *cluster) []logical.Dot // the dots whose fate is told
	by   resolve.ID
	key  string
}

func stories() []story {
	return []story{
		{"figure-8-3", figure83, resolve.LWW, "x"},
		{"figure-8-3-counter", figure83, resolve.Counter, "x"},
		{"figure-8-3-restored", restored83, resolve.LWW, "x"},
		{"concurrent", concurrent, resolve.LWW, "cart"},
		{"concurrent-hlc", concurrent, resolve.HLC, "cart"},
		{"concurrent-lamport", concurrent, resolve.Lamport, "cart"},
		{"concurrent-interval", concurrent, resolve.Interval, "cart"},
		{"concurrent-siblings", concurrent, resolve.Siblings, "cart"},
		{"covered-unseen", covered, resolve.Causal, "x"},
		{"deletion-lost", deletion, resolve.LWW, "x"},
		{"deleted", deleted, resolve.Siblings, "x"},
		{"equal-stamps", tie, resolve.LWW, "x"},
		{"never-written", func(*cluster) []logical.Dot { return []logical.Dot{{Origin: 9, Seq: 1}, {Origin: 2, Seq: 7}} }, resolve.LWW, "x"},
		{"poisoned", poisoned, resolve.LWW, "x"},
		{"odd-values", odd, resolve.LWW, "a key"},
		{"group", group, resolve.LWW, "x"},
	}
}

// figure83 is the story the project begins with.
func figure83(c *cluster) []logical.Dot {
	c.leaders["n1"].skew = 3 * time.Millisecond
	c.now = time.Millisecond
	first := c.set("n1", 1, "x", "1")
	c.landAt("n3")
	c.now = 3 * time.Millisecond
	second := c.ask("n3", &replica.Request{Verb: replica.Incr, Key: "x", Delta: 1, Client: 2})
	c.quiet()
	return []logical.Dot{first, second}
}

func restored83(c *cluster) []logical.Dot {
	dots := figure83(c)
	r, err := c.reader("n2").Restore(dots[1])
	if err != nil {
		c.t.Fatal(err)
	}
	r.Request.Client = 3
	dots = append(dots, c.ask("n2", r.Request))
	c.quiet()
	return dots
}

// concurrent write the same key without having heard of each other.
func concurrent(c *cluster) []logical.Dot {
	base := c.set("n1", 1, "cart", "milk")
	c.quiet()
	c.leaders["n3"].skew = 7 * time.Millisecond
	a := c.set("n2", 2, "cart", "milk,bread")
	b := c.set("n3", 3, "cart", "milk,eggs")
	c.quiet()
	return []logical.Dot{base, a, b}
}

// covered: what a leader held and did not show is gone with what it showed.
func covered(c *cluster) []logical.Dot {
	a := c.set("n1", 1, "x", "early")
	c.now += time.Millisecond
	b := c.set("n2", 2, "x", "late")
	c.quiet()
	d := c.set("n3", 3, "x", "over-late")
	c.quiet()
	return []logical.Dot{a, b, d}
}

func deletion(c *cluster) []logical.Dot {
	a := c.set("n1", 1, "x", "kept")
	c.quiet()
	c.now += time.Second
	b := c.ask("n2", &replica.Request{Verb: replica.Remove, Key: "x"})
	c.now += 5 * time.Millisecond
	d := c.set("n3", 3, "x", "again")
	c.quiet()
	return []logical.Dot{a, b, d}
}

func deleted(c *cluster) []logical.Dot {
	a := c.set("n1", 1, "x", "gone")
	c.quiet()
	b := c.ask("n2", &replica.Request{Verb: replica.Remove, Key: "x", Client: 2})
	c.quiet()
	return []logical.Dot{a, b}
}

func tie(c *cluster) []logical.Dot {
	a, b := c.set("n1", 1, "x", "1"), c.set("n2", 2, "x", "2")
	c.quiet()
	return []logical.Dot{a, b}
}

// poisoned: one write from next week, and two that had seen it.
func poisoned(c *cluster) []logical.Dot {
	c.leaders["n1"].skew = 7 * 24 * time.Hour
	a := c.set("n1", 1, "x", "future")
	c.leaders["n1"].skew = 0
	c.quiet()
	b := c.set("n2", 2, "x", "one")
	c.now += time.Millisecond
	d := c.set("n2", 2, "x", "two")
	c.quiet()
	return []logical.Dot{a, b, d}
}

// crowded: one write from next week, and a day's work that had seen it.
func group(c *cluster) []logical.Dot {
	c.leaders["n1"].skew = 7 * 24 * time.Hour
	a := c.set("n1", 1, "x", "future")
	c.leaders["n1"].skew = 0
	c.quiet()
	for i := range 23 {
		at := c.names[1+i%4/3]
		c.ask(at, &replica.Request{Verb: replica.Set, Key: "x", Value: fmt.Append(nil, i), Exact: true, Shown: []logical.Dot{a}, Client: 2})
		c.now += time.Minute
	}
	c.quiet()
	return nil
}

func odd(c *cluster) []logical.Dot {
	a := c.set("n1", 0, "a key", "two\nlines")
	c.quiet()
	b := c.set("n2", 0, "a key", strings.Repeat("x", 300))
	c.quiet()
	return []logical.Dot{a, b}
}

// landAt delivers what flies to one leader.
func (c *cluster) landAt(to string) {
	for i := 0; i < len(c.flying); i++ {
		if c.flying[i].to == to {
			c.land(i)
			i = -1
		}
	}
}

// TestStories compares what is said, word for word, with testdata.
func TestStories(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			c := newCluster(t, everybody(s.by), "n1", "n2", "n3")
			c.golden(s.name, c.told(s, s.play(c)))
		})
	}
}

// told is everything that is said of a story, at n2.
func (c *cluster) told(s story, dots []logical.Dot) string {
	a := c.reader("n2")
	why, err := a.Why(s.key)
	if err != nil {
		c.t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "WHY\n%s\nTREE\n%s", explain.Key(why), explain.Tree(why))
	for _, d := range dots {
		f, err := a.Fate(d)
		if err != nil {
			c.t.Fatal(err)
		}
		fmt.Fprintf(&b, "\nFATE\n%s\n", strings.TrimRight(explain.Fate(f), "\n"))
		if r, err := a.Restore(d); err != nil {
			fmt.Fprintf(&b, "RESTORE: %s\n", explain.Error(err))
		} else {
			fmt.Fprintf(&b, "RESTORE: set %s %q over %v\n%s", r.Request.Key, r.Request.Value, r.Request.Shown, line(explain.Beaten(r)))
		}
	}
	audit := c.audit("n2", 1000)
	fmt.Fprintf(&b, "\nAUDIT\n%s", explain.Audit(audit))
	return b.String()
}

func line(s string) string {
	if s == "" {
		return ""
	}
	return s + "\n"
}

func (c *cluster) golden(name, got string) {
	c.t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			c.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	if got != string(want) {
		c.t.Errorf("%s says\n%s\nwant\n%s", name, got, want)
	}
}

// TestRestoreRefuses what it must, and says what to do.
func TestRestoreRefuses(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	c.now = time.Second
	live := c.set("n1", 1, "x", "1")
	c.quiet()
	over := c.set("n1", 1, "x", "2")
	ends := c.ask("n2", &replica.Request{Verb: replica.Set, Key: "y", Value: []byte("brief"), Expires: epoch.Add(c.now + time.Millisecond)})
	c.now += 2 * time.Millisecond
	c.set("n1", 1, "y", "winner")
	gone := c.ask("n2", &replica.Request{Verb: replica.Remove, Key: "z"})
	c.now += time.Millisecond
	c.set("n1", 1, "z", "winner")
	c.quiet()
	for _, x := range []struct {
		dot  logical.Dot
		want error
	}{{live, ledger.ErrNotLost}, {over, ledger.ErrNotLost}, {ends, ledger.ErrExpired}, {gone, ledger.ErrDeletion},
		{logical.Dot{Origin: 77, Seq: 1}, ledger.ErrUnknown}, {logical.Dot{Origin: 1, Seq: 99}, ledger.ErrUnknown}} {
		if _, err := c.reader("n3").Restore(x.dot); !errors.Is(err, x.want) || !strings.Contains(err.Error(), x.dot.String()) {
			t.Errorf("restoring %s: %v, want %v", x.dot, err, x.want)
		}
	}
}
