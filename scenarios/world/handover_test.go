package world_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/replica/lease"
	"kvd/resolve"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
)

// handovers is a script in which clients take one lock in turn, write under its token, and give it back or
// stand still, while leaders are parted, killed and paused and clocks are set, for as long as it takes.
func handovers(seed uint64, rounds int) string {
	chance := rand.New(rand.NewPCG(seed, 1))
	span := func(least, most time.Duration) time.Duration {
		return least + time.Duration(chance.Int64N(int64(most-least)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- scenario --\nname handovers\nmodel timing=asynchronous nodes=crash-recovery\nleaders n1 n2 n3 n4 n5\nclock * error=5ms\nlink * delay=5ms jitter=10ms loss=1%%\n")
	for i := range 5 {
		fmt.Fprintf(&b, "client %c at=n%d timeout=8s retry=next\n", 'A'+i, i+1)
	}
	for i := range rounds {
		c, fenced := 'A'+chance.IntN(5), "fenced job"
		if chance.IntN(8) == 0 { // its lease may be over before it writes
			fenced = fmt.Sprintf("pause=%s fenced job", span(time.Millisecond, 10*time.Second))
		}
		at := time.Duration(i) * 300 * time.Millisecond
		fmt.Fprintf(&b, "at %s %c lock job ttl=3s wait=20s\nat %s %c update x +1 %s\n", at, c, at, c, fenced)
		if chance.IntN(4) > 0 {
			fmt.Fprintf(&b, "at %s %c unlock job\n", at, c)
		}
		n, m := 1+chance.IntN(5), 1+chance.IntN(5)
		switch chance.IntN(100) {
		case 0:
			fmt.Fprintf(&b, "at %s pause n%d %s\n", at, n, span(time.Millisecond, time.Minute))
		case 1:
			fmt.Fprintf(&b, "at %s clock n%d step=%s\n", at, n, []string{"+60s", "-60s"}[chance.IntN(2)])
		case 2:
			fmt.Fprintf(&b, "at %s partition n%d | %s\nat %s heal\n", at, n, others(n), at+span(time.Second, 20*time.Second))
		case 3:
			fmt.Fprintf(&b, "at %s partition n1 n2 | n3 n4 n5\nat %s heal\n", at, at+span(time.Second, 20*time.Second))
		case 4:
			fmt.Fprintf(&b, "at %s crash n%d\nat %s restart n%d\n", at, n, at+span(time.Second, 10*time.Second), n)
		case 5:
			if n != m {
				fmt.Fprintf(&b, "at %s cut n%d>n%d\nat %s heal\n", at, n, m, at+span(time.Second, 20*time.Second))
			}
		case 6:
			fmt.Fprintf(&b, "at %s cut A<n1\nat %s heal\n", at, at+time.Second)
		}
	}
	b.WriteString("settle 10m\ncheck converged\n")
	return b.String()
}

func others(n int) string {
	var all []string
	for i := 1; i <= 5; i++ {
		if i != n {
			all = append(all, fmt.Sprint("n", i))
		}
	}
	return strings.Join(all, " ")
}

var given = regexp.MustCompile(`^is given job under (\d+\.\d+) `)

// TestFencedWritesFollowTheOrderOfTokens plays handovers, and holds every write that was accepted to the
// order in which the lock was given: at that moment nobody had it under a greater token.
func TestFencedWritesFollowTheOrderOfTokens(t *testing.T) {
	seeds, rounds := uint64(2), 150
	if os.Getenv("KVD_HANDOVERS") != "" {
		seeds, rounds = 20, 800
	}
	handed, refused, written := 0, 0, 0
	for seed := range seeds {
		s, err := script.Parse("handovers", []byte(handovers(seed, rounds)))
		if err != nil {
			t.Fatal(err)
		}
		w, err := world.New(s, world.Config{Policy: resolve.Policy{Default: resolve.LWW}, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		err = w.Run()
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		grants := w.Grants()
		for i := 1; i < len(grants); i++ {
			if !grants[i-1].Token.Less(grants[i].Token) {
				t.Errorf("seed %d: token %s was given after %s", seed, grants[i].Token, grants[i-1].Token)
			}
		}
		handed += len(grants)
		held := map[string]lease.Token{} // by client, as it was told
		for e := range w.Trace.All() {
			switch e.Kind {
			case trace.Granted:
				if m := given.FindStringSubmatch(e.Text); m != nil {
					if held[e.Where], err = lease.ParseToken(m[1]); err != nil {
						t.Fatal(err)
					}
				}
			case trace.Accepted:
				client, _, _ := strings.Cut(e.Label, "#")
				after, _ := slices.BinarySearchFunc(grants, e.At+1, func(g world.Grant, at time.Duration) int { return int(min(1, max(-1, g.At-at))) })
				if after == 0 {
					t.Fatalf("seed %d: %s: %s accepted %s before anything was granted", seed, e.At, e.Where, e.Label)
				}
				if last := grants[after-1]; last.Token != held[client] {
					t.Errorf("seed %d: %s: %s accepted %s under %s, and %s had been given to %s", seed, e.At, e.Where, e.Label, held[client], last.Token, last.Client)
				}
				written++
			case trace.Failed:
				if strings.HasPrefix(e.Text, "FENCED") {
					refused++
				}
			}
		}
	}
	t.Logf("%d leases given, %d writes accepted under their tokens, %d refused", handed, written, refused)
	if handed < rounds || written < rounds/2 || refused == 0 {
		t.Errorf("%d leases given, %d writes accepted, %d refused: that shows little", handed, written, refused)
	}
}
