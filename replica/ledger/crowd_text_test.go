package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// TestManyLosersAreAFewSentences, whoever they are.
func TestManyLosersAreAFewSentences(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	for i := range 30 {
		q := &replica.Request{Verb: replica.Set, Key: "x", Value: fmt.Append(nil, i), Exact: true}
		if c.now += time.Millisecond; i%7 == 0 {
			q = &replica.Request{Verb: replica.Remove, Key: "x", Exact: true}
		}
		c.ask(c.names[i%3], q)
	}
	c.quiet()
	for _, most := range []int{3, 4, 5, 16, 100} {
		a := c.account("n2")
		a.cfg.Lost = most
		s, err := a.Why("x")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(s.Text()), "\n")
		if n := len(lines) - 1; n > 1+max(fewLost, lostSentences) || n < 2 || !strings.Contains(lines[n], " lists all 29.") {
			t.Errorf("%d sentences about losses:\n%s", n, s.Text())
		}
	}
}

// TestACrowdIsToldOfAsOne: how many, whose, when, and the last of them.
func TestACrowdIsToldOfAsOne(t *testing.T) {
	lost := func(n int, change func(*LossRecord)) (c crowd) {
		for i := range n {
			d := LossRecord{Was: Write{Kind: resolve.Put, Value: fmt.Append(nil, n-i), Leader: "n2", Dot: logical.Dot{Origin: 2, Seq: logical.Seq(n - i)}}}
			d.Was.Wall.Earliest, d.Winner, d.Resolver = epoch.Add(time.Duration(n-i)*time.Second), logical.Dot{Origin: 1, Seq: 1}, resolve.LWW
			d.Won, d.Relation = Write{Kind: resolve.Put, Value: []byte("w"), Leader: "n1"}, resolve.Concurrent
			d.Was.Wall.Latest = d.Was.Wall.Earliest
			change(&d)
			c = append(c, d)
		}
		return c
	}
	story := telling{Story: &Story{Key: "x", Serving: resolve.LWW, Now: epoch}}
	for _, x := range []struct {
		c    crowd
		too  bool
		want string
	}{
		{lost(3, func(d *LossRecord) { d.Relation = resolve.Inverted }), true, "3 later writes by clients at n2 lost to it too, between 00:00:43.000 and 00:00:45.000 (clock), the last of them 3."},
		{lost(1200, func(*LossRecord) {}), false, `1,200 other writes by clients at n2 lost to "w" from a client at n1, between 00:00:43.000 and 00:20:42.000 (clock), the last of them 1200.`},
		{lost(1, func(d *LossRecord) { d.Resolver = resolve.HLC }), true, "Had hlc served, 1 other write by a client at n2 lost to it too, at 00:00:43.000 (clock): 1."},
		{lost(2, func(d *LossRecord) { d.Was.Kind = resolve.Delete }), true, "2 deletions by clients at n2 lost to it too, between 00:00:43.000 and 00:00:44.000 (clock)."},
		{lost(1, func(d *LossRecord) { d.Was.Kind = resolve.Delete }), true, "1 deletion by a client at n2 lost to it too, at 00:00:43.000 (clock)."},
		{lost(2, func(d *LossRecord) { d.Was = Write{Leader: "n2"} }), true, "2 other writes accepted at n2, of which neither log nor ledger keeps more than the dot, lost to it too."},
	} {
		if got := story.crowded(x.c, x.too); got != x.want {
			t.Errorf("it says\n%s\nwant\n%s", got, x.want)
		}
	}
}

// TestWhySaysThatRowsWereGivenUp, and says of nobody who may have lost the row that it
// would not have lost the write.
func TestWhySaysThatRowsWereGivenUp(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	strangers(c)
	a := c.account("n1")
	a.cfg.Evicted[resolve.LWW], a.cfg.Evicted[resolve.Lamport] = 5000, 1
	s, err := a.Why("cart")
	if err != nil {
		t.Fatal(err)
	}
	text := s.Text()
	for _, want := range []string{"5,000 rows of this leader's ledger were given up; older losses may be missing here: kv audit counts them.\n",
		"hlc, interval and causal would have lost it too; siblings and counter would not."} {
		if !strings.Contains(text, want) {
			t.Errorf("it says\n%s\nand not %q", text, want)
		}
	}
	a.cfg.Evicted[resolve.LWW] = 1
	if s, _ = a.Why("cart"); !strings.Contains(s.Text(), "1 row of this leader's ledger was given up;") {
		t.Error(s.Text())
	}
	if s, _ = c.account("n1").Why("cart"); strings.Contains(s.Text(), "given up") {
		t.Error(s.Text())
	}
}

// A sentence names some of thousands of siblings, and counts the rest.
func TestManySiblingsAreCounted(t *testing.T) {
	story := telling{Story: &Story{Key: "x", Serving: resolve.Siblings, Now: epoch}}
	for i := range 4000 {
		story.Shown = append(story.Shown, Write{Dot: logical.Dot{Origin: 7, Seq: logical.Seq(i + 1)}, Kind: resolve.Put, Leader: "n1", Value: []byte(strconv.Itoa(i))})
	}
	story.present()
	text := story.text.String()
	if !strings.HasPrefix(text, "x shows 4000 values") || !strings.HasSuffix(text, " and 3988 more.\n") || len(text) > 2000 {
		t.Errorf("%d bytes: %.200s…", len(text), text)
	}
}
