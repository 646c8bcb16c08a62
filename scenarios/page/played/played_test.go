package played_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/page"
	"kvd/scenarios/page/played"
	"kvd/scenarios/script"
)

// play is one scenario of the library under resolvers, and its story.
func play(t *testing.T, name string, ids ...scenarios.Resolver) (*script.Scenario, []*scenarios.Result, *page.Story) {
	t.Helper()
	s, err := library.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	results, err := scenarios.Compare(context.Background(), []*script.Scenario{s}, ids, 0, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	story, err := played.Story(s, results)
	if err != nil {
		t.Fatal(err)
	}
	if err := story.Validate(); err != nil {
		t.Fatal(err)
	}
	return s, results, story
}

// TestStoriesEndWhereRunsDo: what a story's readings leave every leader showing is what the
// run found in the end, and its losses and acknowledgements are as many as were counted.
func TestStoriesEndWhereRunsDo(t *testing.T) {
	for _, name := range []string{"ddia-8-3", "three-way-increment", "old-backup", "delete-against-update", "lost-disk", "crash-before-ack", "mass-deletes"} {
		t.Run(name, func(t *testing.T) {
			_, results, story := play(t, name, scenarios.Resolvers()...)
			for i, r := range results {
				run := &story.Runs[i]
				if len(run.Losses) != r.Lost || run.Counts.Lost != r.Lost {
					t.Errorf("%s: %d losses, counted %d", r.Resolver, len(run.Losses), r.Lost)
				}
				acked := map[string]bool{}
				for _, o := range run.Ops {
					if o.Acked != page.Never {
						acked[o.Label] = true
					}
				}
				if len(acked) != r.Acked {
					t.Errorf("%s: %d acknowledged, counted %d", r.Resolver, len(acked), r.Acked)
				}
				compareValues(t, story, run, r)
			}
		})
	}
}

func compareValues(t *testing.T, story *page.Story, run *page.Run, r *scenarios.Result) {
	t.Helper()
	last := map[[2]int]page.Reading{}
	for _, x := range run.Readings {
		last[[2]int{x.Lane, x.Key}] = x
	}
	for i, lane := range story.Lanes {
		for k, key := range story.Keys {
			want := slices.Sorted(slices.Values(r.Values[lane.Name][key]))
			x := last[[2]int{i, k}]
			var got []string
			for _, op := range x.Ops {
				if !run.Ops[op].Delete {
					got = append(got, run.Ops[op].Value)
				}
			}
			if x.Text != "" {
				got = []string{x.Text}
			}
			if slices.Sort(got); lane.Leader && r.Values[lane.Name] != nil && !slices.Equal(got, want) {
				t.Errorf("%s: %s ends with %s = %q, and shows %q", r.Resolver, lane.Name, key, got, want)
			}
		}
	}
}

// TestAMessageIsDrawnFromSendingToArrival: the figure's two writes go to two leaders each,
// as long as its links say, and the loss is seen at the leader that accepted it.
func TestAMessageIsDrawnFromSendingToArrival(t *testing.T) {
	_, _, story := play(t, "ddia-8-3", resolve.LWW)
	lww := story.Runs[0]
	ways := map[string]string{}
	for _, m := range lww.Messages {
		if m.Kind == page.Ship {
			ways[story.Lanes[m.From].Name+">"+story.Lanes[m.To].Name] = (m.Arrives - m.Sent).String()
		}
	}
	for way, want := range map[string]string{"n1>n3": "500µs", "n1>n2": "5ms", "n3>n2": "4ms", "n3>n1": "1ms"} {
		if ways[way] != want {
			t.Errorf("%s takes %s, want %s", way, ways[way], want)
		}
	}
	loss := lww.Losses[0]
	if w1, w2 := lww.Ops[loss.By], lww.Ops[loss.Op]; w1.Label != "w1" || w2.Label != "w2" || story.Lanes[loss.Lane].Name != "n3" ||
		w1.Earliest-w1.At != -1e6 || w1.Latest-w1.At != 7e6 {
		t.Errorf("%s lost to %s at lane %d; the winner's clock said %s to %s at %s", w2.Label, w1.Label, loss.Lane, w1.Earliest, w1.Latest, w1.At)
	}
}

// TestClocksAreDrawnAsTheyWere: a clock that is stepped back and forth jumps twice, one
// that swings has a jump for every swing.
func TestClocksAreDrawnAsTheyWere(t *testing.T) {
	jumps := func(name, leader string) (n int) {
		_, _, story := play(t, name, resolve.LWW)
		for _, c := range story.Runs[0].Clocks {
			for i := 1; i < len(c.Points); i++ {
				if d := c.Points[i].Offset - c.Points[i-1].Offset; story.Lanes[c.Lane].Name == leader && (d > 1e6 || d < -1e6) {
					n++
				}
			}
		}
		return n
	}
	if n := jumps("clock-step-back", "n1"); n != 2 {
		t.Errorf("the stepped clock jumps %d times", n)
	}
	if n := jumps("strobing-clock", "n1"); n < 20 {
		t.Errorf("the swinging clock jumps %d times", n)
	}
}

// TestTroubleIsShaded: a partition covers both sides until it is healed, and a leader that
// is put back to a backup does not run until it is started.
func TestTroubleIsShaded(t *testing.T) {
	found := func(name string, kind page.BandKind) (b page.Band) {
		_, _, story := play(t, name, resolve.LWW)
		for _, b := range story.Runs[0].Bands {
			if b.Kind == kind {
				return b
			}
		}
		return b
	}
	if b := found("minority-side", page.Cut); len(b.Lanes) != 5 || b.From != 1900e6 || b.To != 8e9 {
		t.Errorf("the partition is %+v", b)
	}
	if b := found("old-backup", page.Wiped); len(b.Lanes) != 1 || b.From != 7500e6 || b.To != 8e9 {
		t.Errorf("the restored leader is %+v", b)
	}
}

func TestAResultWithoutATraceIsRefused(t *testing.T) {
	s, results, _ := play(t, "ddia-8-3", resolve.LWW)
	results[0].Trace = nil
	if err := played.Write(&bytes.Buffer{}, s, results); err == nil {
		t.Error("a page without a trace was written")
	}
}
