package refold_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/host/refold"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

var now = wallclock.Moment{Mono: 1, Wall: wallclock.Around(1_767_225_600_000_000_000, 0)}

func policy(id resolve.ID) resolve.Policy { return resolve.Policy{Default: id} }

// open serves the store under a policy, which folds it again if it is under another.
func open(t *testing.T, s *storage.Store, id resolve.ID, origin logical.Origin) *host.Pump {
	t.Helper()
	cfg := replica.Defaults()
	cfg.Name, cfg.Policy = "n1", policy(id)
	p, err := host.Open(cfg, s, origin, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// written is a store under a policy with keys k0, k1, …, each of which two clients wrote
// that had not seen each other.
func written(t *testing.T, id resolve.ID, keys int) *storage.Store {
	t.Helper()
	s, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p := open(t, s, id, 7)
	defer p.Close()
	var in []replica.Input
	for n := range keys {
		for _, value := range []string{"a", "b"} {
			in = append(in, &replica.Request{Verb: replica.Set, Key: fmt.Sprint("k", n), Value: []byte(value), Exact: true})
		}
	}
	if err := errors.Join(p.Step(now, in...), p.Commit()); err != nil {
		t.Fatal(err)
	}
	return s
}

// shown is what a key shows once the store is served under the policy.
func shown(t *testing.T, s *storage.Store, id resolve.ID, key string) []string {
	t.Helper()
	p := open(t, s, id, 8)
	defer p.Close()
	by := policy(id)
	r := by.Panel(key).Read(p.Reader().Object(key), p.Reader())
	var all []string
	for _, v := range r.Values {
		all = append(all, string(v))
	}
	slices.Sort(all)
	return all
}

// What one policy took for lost is shown under another that keeps it.
func TestRunBringsBackWhatWasLost(t *testing.T) {
	s := written(t, resolve.LWW, 3)
	if row, held, err := s.RowOf("k1", logical.Dot{Origin: 7, Seq: 3}); err != nil || !held || row.Resolvers() != resolve.LWW.Mask() {
		t.Fatalf("under lww the first write of k1 is lost: %v, %v", held, err)
	}
	var told []refold.Progress
	err := refold.Run(context.Background(), s, policy(resolve.Siblings), refold.Options{Pace: 2, Progress: func(p refold.Progress) { told = append(told, p) }})
	if err != nil {
		t.Fatal(err)
	}
	if first, last := told[0], told[len(told)-1]; first.Done != 0 || last.Done != 12 || last.Total != 12 || first.From != "*=lww" {
		t.Errorf("progress from %+v to %+v", first, last)
	}
	if _, held, err := s.RowOf("k1", logical.Dot{Origin: 7, Seq: 3}); held || err != nil {
		t.Errorf("it is in the ledger still: %v", err)
	}
	if got := shown(t, s, resolve.Siblings, "k1"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("k1 shows %q", got)
	}
	if got := shown(t, s, resolve.LWW, "k1"); !slices.Equal(got, []string{"b"}) {
		t.Errorf("under lww again k1 shows %q", got)
	}
	if row, held, err := s.RowOf("k1", logical.Dot{Origin: 7, Seq: 3}); err != nil || !held || row.Resolvers() != resolve.LWW.Mask() {
		t.Errorf("under lww again the first write of k1 is lost: %v, %v", held, err)
	}
}

// Whoever was stopped in between does all of it when asked again, under whatever policy.
func TestRunBeginsAgainAfterItWasStopped(t *testing.T) {
	for stopAt := range 8 {
		for _, then := range []resolve.ID{resolve.Siblings, resolve.LWW, resolve.Causal} {
			s := written(t, resolve.LWW, 3)
			ctx, stop := context.WithCancel(context.Background())
			calls := 0
			err := refold.Run(ctx, s, policy(resolve.Siblings), refold.Options{Pace: 2, Progress: func(refold.Progress) {
				if calls++; calls > stopAt {
					stop()
				}
			}})
			stop()
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("stopped after %d calls: %v", stopAt, err)
			}
			want := []string{"b"}
			if then == resolve.Siblings {
				want = []string{"a", "b"}
			}
			for _, key := range []string{"k0", "k2"} {
				if got := shown(t, s, then, key); !slices.Equal(got, want) {
					t.Errorf("stopped after %d calls, then under %s: %s shows %q", stopAt, then, key, got)
				}
			}
			if err := s.CheckLedger(); err != nil {
				t.Error(err)
			}
		}
	}
}

// A counter cannot show text: the store stays as it is.
func TestRunRefusesToHideText(t *testing.T) {
	s := written(t, resolve.LWW, 12)
	err := refold.Run(context.Background(), s, policy(resolve.Counter), refold.Options{})
	refused, ok := errors.AsType[*refold.Refused](err)
	if !ok || !strings.Contains(refused.Why, "12 keys") || !strings.Contains(refused.Why, "and 2 more") {
		t.Errorf("%v", err)
	}
	if got := shown(t, s, resolve.LWW, "k0"); !slices.Equal(got, []string{"b"}) {
		t.Errorf("k0 shows %q", got)
	}
}
