package host_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/storage"
)

// BenchmarkCostOfAccounting is what shadows and the ledger add to a commit of 64
// writes of 100 bytes: none of them in conflict; every tenth by an author who was
// shown the value before the present one, as when two write at once; or every
// tenth by an author who was shown nothing, which loses the whole past of a key.
// The resolver that serves alone, without a ledger, is 1; all take turns commit by
// commit, so that they share whatever else the machine does.
func BenchmarkCostOfAccounting(b *testing.B) {
	for _, serving := range []resolve.ID{resolve.Causal, resolve.LWW} {
		for _, clash := range []string{"none", "stale", "blind"} {
			for _, disk := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/%s/disk=%t", serving, clash, disk), func(b *testing.B) {
					costs(b, serving, clash, disk)
				})
			}
		}
	}
}

// rival is one leader of the comparison.
type rival struct {
	name string
	pump *host.Pump
	took []time.Duration
	seen [4096][2][]logical.Dot // of each key: what it shows now, and what it showed before
}

func costs(b *testing.B, serving resolve.ID, clash string, disk bool) {
	rivals := []*rival{
		compete(b, "alone", serving, 0, true, disk),
		compete(b, "ledger", serving, 0, false, disk),
		compete(b, "panel", serving, resolve.All, true, disk),
		compete(b, "panel+ledger", serving, resolve.All, false, disk),
	}
	const group = 64
	n := 0
	for b.Loop() {
		for turn := range rivals {
			rivals[(n+turn)%len(rivals)].write(b, n*group, group, clash)
		}
		n++
	}
	alone := rivals[0].median()
	b.ReportMetric(float64(alone.Nanoseconds())/group, "alone-ns/write")
	held := rivals[3].pump.Ledger()
	b.ReportMetric(float64(held.Entered)/float64(n*group), "rows/write")
	for _, r := range rivals[1:] {
		b.ReportMetric(float64(r.median())/float64(alone), r.name+"/alone")
	}
}

func compete(b *testing.B, name string, serving resolve.ID, shadows resolve.Mask, noLedger, disk bool) *rival {
	o := storage.Options{FS: vfs.NewMem(), Dir: "n1"}
	if disk {
		o = storage.Options{Dir: b.TempDir()}
	}
	s, err := storage.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	cfg := config()
	cfg.Peers, cfg.Policy = nil, resolve.Policy{Default: serving, Shadows: shadows}
	p, err := host.OpenWith(cfg, s, 7, host.Options{CacheBytes: 64 << 20, NoLedger: noLedger})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close() })
	return &rival{name: name, pump: p}
}

// write is one commit: the keys in turn, a clock that moves, and every tenth write
// in conflict.
func (r *rival) write(b *testing.B, from, n int, clash string) {
	reqs, keys := make([]replica.Input, n), make([]int, n)
	for i := range reqs {
		k := (from + i) * 2654435761 % len(r.seen)
		q := &replica.Request{ID: uint64(i), Verb: replica.Set, Key: fmt.Sprint("key", k), Value: make([]byte, 100)}
		if (from/len(r.seen)+i)%10 == 0 && clash != "none" {
			q.Exact = true
			if clash == "stale" {
				q.Shown = r.seen[k][1]
			}
		}
		reqs[i], keys[i] = q, k
	}
	began := time.Now()
	if err := r.pump.Step(at(int64(from)), reqs...); err != nil {
		b.Fatal(err)
	}
	if err := r.pump.Commit(); err != nil {
		b.Fatal(err)
	}
	r.took = append(r.took, time.Since(began))
	for _, rep := range r.pump.Release().Replies {
		r.seen[keys[rep.ID]] = [2][]logical.Dot{slices.Clone(rep.Shown.Dots), r.seen[keys[rep.ID]][0]}
	}
}

// median is over the last half: the first fills the keys.
func (r *rival) median() time.Duration {
	took := slices.Clone(r.took[len(r.took)/2:])
	slices.Sort(took)
	return took[len(took)/2]
}
