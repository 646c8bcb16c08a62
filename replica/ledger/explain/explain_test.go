package explain

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/wallclock"
)

// epoch is an instant on the first of January.
const epoch = wallclock.Instant(1_767_225_642_000_000_000) // 2026-01-01 00:00:42 UTC

// TestAGroupIsOneSentence: how many, whose, when, and the last of them.
func TestAGroupIsOneSentence(t *testing.T) {
	lost := func(n int, change func(*ledger.LossRecord)) (c group) {
		for i := range n {
			d := ledger.LossRecord{Was: ledger.Write{Kind: resolve.Put, Value: fmt.Append(nil, n-i), Leader: "n2", Dot: logical.Dot{Origin: 2, Seq: logical.Seq(n - i)}}}
			d.Was.Wall.Earliest, d.Winner, d.Resolver = epoch.Add(time.Duration(n-i)*time.Second), logical.Dot{Origin: 1, Seq: 1}, resolve.LWW
			d.Won, d.Relation = ledger.Write{Kind: resolve.Put, Value: []byte("w"), Leader: "n1"}, resolve.Concurrent
			d.Was.Wall.Latest = d.Was.Wall.Earliest
			change(&d)
			c = append(c, d)
		}
		return c
	}
	f := formatter{Explanation: &ledger.Explanation{Key: "x", Serving: resolve.LWW, Now: epoch}}
	for _, x := range []struct {
		c    group
		too  bool
		want string
	}{
		{lost(3, func(d *ledger.LossRecord) { d.Relation = resolve.Inverted }), true, "3 later writes by clients at n2 lost to it too, between 00:00:43.000 and 00:00:45.000 (clock), the last of them 3."},
		{lost(1200, func(*ledger.LossRecord) {}), false, `1,200 other writes by clients at n2 lost to "w" from a client at n1, between 00:00:43.000 and 00:20:42.000 (clock), the last of them 1200.`},
		{lost(1, func(d *ledger.LossRecord) { d.Resolver = resolve.HLC }), true, "Had hlc served, 1 other write by a client at n2 lost to it too, at 00:00:43.000 (clock): 1."},
		{lost(2, func(d *ledger.LossRecord) { d.Was.Kind = resolve.Delete }), true, "2 deletions by clients at n2 lost to it too, between 00:00:43.000 and 00:00:44.000 (clock)."},
		{lost(1, func(d *ledger.LossRecord) { d.Was.Kind = resolve.Delete }), true, "1 deletion by a client at n2 lost to it too, at 00:00:43.000 (clock)."},
		{lost(2, func(d *ledger.LossRecord) { d.Was = ledger.Write{Leader: "n2"} }), true, "2 other writes accepted at n2, of which neither log nor ledger keeps more than the dot, lost to it too."},
	} {
		if got := f.groupText(x.c, x.too); got != x.want {
			t.Errorf("it says\n%s\nwant\n%s", got, x.want)
		}
	}
}

// A sentence names some of thousands of siblings, and counts the rest.
func TestManySiblingsAreCounted(t *testing.T) {
	f := formatter{Explanation: &ledger.Explanation{Key: "x", Serving: resolve.Siblings, Now: epoch}}
	for i := range 4000 {
		f.Shown = append(f.Shown, ledger.Write{Dot: logical.Dot{Origin: 7, Seq: logical.Seq(i + 1)}, Kind: resolve.Put, Leader: "n1", Value: []byte(strconv.Itoa(i))})
	}
	f.present()
	text := f.text.String()
	if !strings.HasPrefix(text, "x shows 4000 values") || !strings.HasSuffix(text, " and 3988 more.\n") || len(text) > 2000 {
		t.Errorf("%d bytes: %.200s…", len(text), text)
	}
}

func TestClocksAreReadable(t *testing.T) {
	for _, x := range []struct {
		at   wallclock.Instant
		want string
	}{{epoch, "00:00:42.000"}, {epoch + 4_000_000, "00:00:42.004"}, {epoch + 1_500, "00:00:42.0000015"}} {
		if got := clock(x.at); got != x.want {
			t.Errorf("%d reads %s, want %s", x.at, got, x.want)
		}
	}
	if got := dated(epoch, epoch.Add(-time.Minute)); got != "2026-01-01 00:00:42.000" {
		t.Errorf("on another day: %s", got)
	}
}
