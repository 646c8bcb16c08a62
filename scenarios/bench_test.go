package scenarios_test

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
)

// steady is three leaders, twenty client operations a virtual second, for a
// hundred virtual seconds.
const steady = `
-- scenario --
name     steady
leaders  n1 n2 n3
clock    * error=5ms
clock    n2 offset=+2ms
link     * delay=5ms jitter=1ms
client   A at=n1
client   B at=n2
every 100ms times=1000         A incr x
every 100ms times=1000         B incr y
settle 1s
check converged
`

// BenchmarkSimulatedOperation is a client operation on three leaders end to end:
// accept, log, fold, ship, apply twice, acknowledge, and all that the world and
// the oracle add. The metric speed is virtual time over real time.
func BenchmarkSimulatedOperation(b *testing.B) {
	s, err := script.Parse("steady", []byte(steady))
	if err != nil {
		b.Fatal(err)
	}
	for _, id := range []resolve.ID{resolve.LWW, resolve.Siblings, resolve.Counter} {
		b.Run(id.String(), func(b *testing.B) {
			b.ReportAllocs()
			var virtual time.Duration
			ops := 0
			began := time.Now()
			for b.Loop() {
				r, err := scenarios.Run(s, scenarios.Options{Resolver: id, Seed: 1})
				if err != nil {
					b.Fatal(err)
				}
				virtual += r.Virtual
				ops += r.Ops
			}
			took := time.Since(began)
			b.ReportMetric(float64(virtual)/float64(took), "speed")
			b.ReportMetric(float64(ops)/took.Seconds(), "ops/s")
		})
	}
}

// TestLossyLinksEndAsCleanOnes plays lossy-links on clean links as well: the same
// values, the same losses.
func TestLossyLinksEndAsCleanOnes(t *testing.T) {
	src, err := library.Source("lossy-links")
	if err != nil {
		t.Fatal(err)
	}
	clean, _, found := strings.Cut(string(src), " loss=30%")
	if !found {
		t.Fatal("lossy-links loses nothing")
	}
	_, rest, _ := strings.Cut(string(src), "reorder=20%")
	for _, id := range resolve.IDs() {
		a, b := outcome(t, string(src), id), outcome(t, clean+rest, id)
		if a != b {
			t.Errorf("%s: lossy links end with\n%s\nclean ones with\n%s", id, a, b)
		}
	}
}

func outcome(t *testing.T, src string, id resolve.ID) string {
	t.Helper()
	s, err := script.Parse("lossy-links.txtar", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenarios.Run(s, scenarios.Options{Resolver: id, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var cells []string
	for _, column := range []string{"a", "b", "c", "x", "acked", "accounted", "inverted", "concurrent", "siblings", "converged"} {
		cells = append(cells, column+" "+r.Cell(column))
	}
	return strings.Join(cells, ", ")
}

// month is a leader's absence of thirty days, in which the others make a hundred
// thousand updates.
const month = `
-- scenario --
name     month
leaders  n1 n2 n3
clock    * error=5ms
client   A at=n2
client   B at=n3
client   C at=n1
at 1s                              C set x 0
at 10s                             partition n1 | n2 n3
every 51.84s times=50000 from=20s  A update a +1
every 51.84s times=50000 from=40s  B update b +1
at 720h                            heal
at 720h1m                          C update a +1
settle 30s
check converged
check acked = accounted
`

// BenchmarkMonthOfAbsence is how long a month takes; the metric heap is what the
// process had of the system in the end, in megabytes, with the collector as the
// scenario command sets it.
func BenchmarkMonthOfAbsence(b *testing.B) {
	s, err := script.Parse("month", []byte(month))
	if err != nil {
		b.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(40))
	for b.Loop() {
		r, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.Causal, Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		if r.Acked != 100_002 || r.Accounted != r.Acked || !r.Converged {
			b.Fatalf("%d of %d updates are accounted for, converged: %t", r.Accounted, r.Acked, r.Converged)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/1e6, "heap-MB")
}
