package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kvd/replica"
	"kvd/replica/ledger/explain"
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
		a := c.reader("n2")
		a.Config().Lost = most
		s, err := a.Why("x")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(explain.Key(s)), "\n")
		if n := len(lines) - 1; n > 1+4+2 || n < 2 || !strings.Contains(lines[n], " lists all 29.") {
			t.Errorf("%d sentences about losses:\n%s", n, explain.Key(s))
		}
	}
}

// TestWhySaysThatRowsWereGivenUp, and says of nobody who may have lost the row that it
// would not have lost the write.
func TestWhySaysThatRowsWereGivenUp(t *testing.T) {
	c := newCluster(t, everybody(resolve.LWW), "n1", "n2", "n3")
	concurrent(c)
	a := c.reader("n1")
	a.Config().Evicted[resolve.LWW], a.Config().Evicted[resolve.Lamport] = 5000, 1
	s, err := a.Why("cart")
	if err != nil {
		t.Fatal(err)
	}
	text := explain.Key(s)
	for _, want := range []string{"5,000 rows of this leader's ledger were given up; older losses may be missing here: kv audit counts them.\n",
		"hlc, interval and causal would have lost it too; siblings and counter would not."} {
		if !strings.Contains(text, want) {
			t.Errorf("it says\n%s\nand not %q", text, want)
		}
	}
	a.Config().Evicted[resolve.LWW] = 1
	if s, _ = a.Why("cart"); !strings.Contains(explain.Key(s), "1 row of this leader's ledger was given up;") {
		t.Error(explain.Key(s))
	}
	if s, _ = c.reader("n1").Why("cart"); strings.Contains(explain.Key(s), "given up") {
		t.Error(explain.Key(s))
	}
}
