package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"kvd/replica/replicatest"
)

// both starts two leaders that serve by one resolver and have met.
func both(t *testing.T, resolver string) (n1, n2 *served) {
	t.Helper()
	gossip := free(t)
	more := []string{"--resolver", resolver, "--unsafe-faults"}
	n1 = serves(t, "n1", t.TempDir(), gossip, more...)
	n2 = serves(t, "n2", t.TempDir(), "127.0.0.1:0", append(more, "--join", gossip)...)
	n1.try("SET", "met", "1")
	n2.shows("met", "1")
	return n1, n2
}

// apart lets them write without hearing of each other, and then meet again.
func apart(n1, n2 *served, write func()) {
	n1.try("KVD.FAULT", "LINK", "n2", "cut=on")
	n2.try("KVD.FAULT", "LINK", "n1", "cut=on")
	write()
	n1.try("KVD.FAULT", "CLEAR")
	n2.try("KVD.FAULT", "CLEAR")
	n1.try("SET", "after", "1")
	n2.try("SET", "again", "1")
	n2.shows("after", "1")
	n1.shows("again", "1")
}

// A deadline is a change of the deadline alone: beside a write it neither brings
// the old value back nor stands beside the new one.
func TestExpireBesideASetLeavesTheNewValue(t *testing.T) {
	t.Parallel()
	for _, resolver := range []string{"lww", "siblings"} {
		n1, n2 := both(t, resolver)
		n1.try("SET", "s", "old")
		n2.shows("s", "old")
		apart(n1, n2, func() {
			n1.try("SET", "s", "new")
			n2.try("EXPIRE", "s", "1800")
		})
		for _, n := range []*served{n1, n2} {
			if got := n.try("GET", "s"); got != "new" {
				t.Errorf("%s, %s: GET is answered %v", resolver, n.name, got)
			}
			if got := n.try("TTL", "s"); got != int64(-1) {
				t.Errorf("%s, %s: TTL is answered %v", resolver, n.name, got)
			}
		}
	}
}

// An addition beside a deadline takes nothing from it.
func TestIncrBesideExpireKeepsBoth(t *testing.T) {
	t.Parallel()
	n1, n2 := both(t, "counter")
	n1.try("INCR", "c")
	n2.shows("c", "1")
	apart(n1, n2, func() {
		n2.try("INCR", "c")
		n1.try("EXPIRE", "c", "600")
	})
	for _, n := range []*served{n1, n2} {
		if got := n.try("GET", "c"); got != "2" {
			t.Errorf("%s: GET is answered %v", n.name, got)
		}
		if got, _ := n.try("TTL", "c").(int64); got < 1 || got > 600 {
			t.Errorf("%s: TTL is answered %d", n.name, got)
		}
	}
}

// A clock that jumps ahead ends nothing that its peers' clocks do not end, neither
// in what it shows nor for good, and no deadline is counted from it.
func TestAClockThatJumpsAheadEndsNothing(t *testing.T) {
	t.Parallel()
	n1, n2 := both(t, "lww")
	n2.try("SET", "y", "v", "EX", "3600")
	n1.shows("y", "v")
	n2.try("KVD.FAULT", "CLOCK", "step=24h")
	for i := range 30 { // each is a write of its own, so that the sweeper's turn has come
		n2.try("SET", fmt.Sprintf("w%d", i), "1", "EX", "600")
		n1.shows(fmt.Sprintf("w%d", i), "1")
		if got := n2.try("GET", "y"); got != "v" {
			t.Fatalf("while its clock is ahead, n2 answers %v", got)
		}
	}
	if got, _ := n2.try("TTL", "w0").(int64); got < 1 || got > 600 {
		t.Errorf("a deadline given while the clock was ahead is %d s away", got)
	}
	n2.try("KVD.FAULT", "CLOCK", "step=-24h")
	for _, n := range []*served{n1, n2} {
		n.shows("y", "v")
		if got, _ := n.try("TTL", "y").(int64); got < 1 || got > 3600 {
			t.Errorf("%s: TTL is answered %d", n.name, got)
		}
	}
}

// What has ended is not told as a client's deletion.
func TestWhyTellsTheEndOfATimeToLive(t *testing.T) {
	t.Parallel()
	n1, _ := both(t, "lww")
	n1.try("SET", "x", "v", "EX", "3600")
	if why := fmt.Sprint(n1.try("KVD.WHY", "x")); !strings.Contains(why, "It ends at ") {
		t.Errorf("why says %s", why)
	}
	n1.try("PEXPIRE", "x", "1")
	replicatest.Eventually(t, "the end is told", func() bool {
		why := fmt.Sprint(n1.try("KVD.WHY", "x"))
		return strings.Contains(why, "its time to live ended at ") && !strings.Contains(why, "deleted by a client")
	})
	replicatest.Eventually(t, "the end is in the history", func() bool {
		return strings.Contains(fmt.Sprint(n1.try("KVD.HISTORY", "x")), "ended")
	})
}

// A value that a wrong clock ended comes back, to stay, and what a deadline was
// changed to can be asked for.
func TestAnEndedValueIsRestored(t *testing.T) {
	t.Parallel()
	n1, n2 := both(t, "lww")
	n1.try("SET", "x", "v")
	dot := dotIn(fmt.Sprint(n1.try("KVD.HISTORY", "x")))
	n1.try("PEXPIRE", "x", "1")
	replicatest.Eventually(t, "the value is deleted", func() bool {
		return strings.Contains(fmt.Sprint(n1.try("KVD.WHY", "x")), "No client deleted it")
	})
	n1.try("KVD.RESTORE", dot)
	n1.shows("x", "v")
	n2.shows("x", "v")
	if got := n2.try("TTL", "x"); got != int64(-1) {
		t.Errorf("TTL is answered %v", got)
	}
}

// dotIn is the first dot in a text.
func dotIn(text string) string { return regexp.MustCompile(`[0-9a-f]{16}-[0-9]+`).FindString(text) }
