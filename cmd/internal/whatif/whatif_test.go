package whatif

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/logical"
	"kvd/replica/client/study"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// told is a history in memory.
type told []*resolve.Op

func (t told) All() iter.Seq[*resolve.Op] { return slices.Values(t) }
func (told) Err() error                   { return nil }

// write is one write at a time, over parents.
func write(origin logical.Origin, seq logical.Seq, at wallclock.Instant, key, value string, parents ...logical.Dot) *resolve.Op {
	return &resolve.Op{Dot: logical.Dot{Origin: origin, Seq: seq}, Key: key, Kind: resolve.Put, Value: []byte(value), Parents: parents,
		Deps: logical.FrontierOf(parents...), Wall: wallclock.Around(at, 0), HLC: logical.HLC{Wall: int64(at) + int64(len(parents))}, Lamport: logical.Lamport(1 + len(parents))}
}

// story is a key whose later write has the earlier stamp, one that two leaders
// wrote apart, and one of strange bytes.
func story() told {
	first := write(1, 1, 9000, "x", "1")
	return told{first, write(1, 2, 100, "cart", "milk"), write(2, 1, 200, "cart", "eggs"),
		write(1, 3, 300, "\x1b[2J", strings.Repeat("\xff", 70)), write(2, 2, 400, "\x1b[2J", "b"), write(2, 3, 8000, "x", "2", first.Dot)}
}

func asked(t *testing.T, args ...string) (study.Ask, error) {
	t.Helper()
	var a study.Ask
	var err error
	app := &cli.App{Name: "test", Commands: []*cli.Command{{Name: "ask", Flags: Flags(), Action: func(c *cli.Context) error {
		a, err = Asked(c)
		return nil
	}}}}
	if err := app.Run(append([]string{"test", "ask"}, args...)); err != nil {
		t.Fatal(err)
	}
	return a, err
}

func studied(t *testing.T, s study.Subject, args ...string) Report {
	t.Helper()
	a, err := asked(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Study(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Took = 12 * time.Millisecond
	return Report{r}
}

const golden = `6 ops of 3 keys, as applied by n1 at 1970-01-01T00:00:00Z
served by *=causal; nobody watched
read once in 12ms

  resolver  accepted  live  superseded  lost inverted  lost concurrent  siblings  keys that differ  metadata B/key
       lww         6     3           0              1                2         1                 1            14.7
  siblings         6     5           1              0                0         2                 2            22.7
    causal         6     3           1              0                2         1                 0            22.7

under lww, 1 of 3 keys would show something else:
  x: "2" under causal, "1" under lww

under siblings, 2 of 3 keys would show something else; the first 1:
  "\x1b[2J": "b" under causal, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"… (70 bytes) | "b" under siblings

writes that lww would have lost, of 6, had each leader's clock been off by up to so much either way
(mean of 8 draws, least to most; seed 1). 0s is the clocks as they were recorded: how far they were off
then is not known here, and is part of every line:
  0s     3.0  3 to 3  ########################################
  500ns  3.0  3 to 3  ########################################
  20µs   2.9  2 to 3  #######################################

` + study.Caveat

func TestReportsReadWell(t *testing.T) {
	s := study.Subject{Source: story(), Policy: resolve.Policy{Default: resolve.Causal}, Leader: "n1", At: 10_000}
	r := studied(t, s, "--resolvers", "lww,siblings", "--skew", "0,500ns,20us", "--draws", "8", "--differences", "1")
	if got := r.Text(); got != golden {
		t.Errorf("it reads\n%s\nnot\n%s", got, golden)
	}
}

// TestWhatIsMissingIsSaid: a truncated beginning, evidence nobody recorded, and a
// damaged file.
func TestWhatIsMissingIsSaid(t *testing.T) {
	s := study.Subject{Source: told{write(1, 5, 100, "x", "1", logical.Dot{Origin: 1, Seq: 4})}, Policy: resolve.Policy{Shadows: resolve.All &^ 1}, Missing: "the file is damaged after 1 ops"}
	text := studied(t, s).Text()
	for _, want := range []string{"damaged after 1 ops", "had seen 1 that it no longer holds"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "without the evidence") {
		t.Errorf("what was recorded passes for missing:\n%s", text)
	}
	one := write(1, 1, 100, "x", "1")
	one.Delta = number.Of(1)
	text = studied(t, study.Subject{Source: told{one}, Policy: resolve.Policy{}}).Text()
	for _, want := range []string{"counter: 1 of 1 ops were accepted without the evidence it goes by (running totals)", "siblings: 1 of 1 ops were accepted without the evidence it goes by (which other values their leader held)"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	if !strings.Contains(text, study.Caveat) {
		t.Error("nobody says that this is no forecast")
	}
}

// TestNothingIsNoTable: a prefix that no key has gets no table without rows.
func TestNothingIsNoTable(t *testing.T) {
	s := study.Subject{Source: told{}, Prefix: "y", Leader: "n1", At: 10_000, Missing: "the file is damaged after 0 ops"}
	text := studied(t, s).Text()
	if strings.Contains(text, "superseded") || !strings.Contains(text, "0 ops of 0 keys that begin with y") || !strings.HasSuffix(text, "There is nothing to judge.\nPart of the history is missing: the file is damaged after 0 ops.") {
		t.Errorf("it reads\n%s", text)
	}
}

func TestReportsInJSON(t *testing.T) {
	s := study.Subject{Source: story(), Policy: resolve.Policy{Default: resolve.Causal}, Leader: "n1", UpTo: logical.FrontierOf(logical.Dot{Origin: 1, Seq: 3})}
	text, err := json.Marshal(studied(t, s, "--seed", "3", "--draws", "2"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Ops, Keys       int
		Caveat, Applied string
		Seed            uint64
		Skews           []json.RawMessage `json:"lww_by_skew"`
		Resolvers       []struct {
			Accepted, Live, Superseded int
			Inverted                   int `json:"lost_inverted"`
			Concurrent                 int `json:"lost_concurrent"`
			Differences                []struct {
				Key   cliutil.Blob
				Would []cliutil.Blob `json:"would_show"`
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	lww := got.Resolvers[0]
	if got.Ops != 6 || got.Keys != 3 || got.Caveat != study.Caveat || got.Seed != 3 || len(got.Skews) != 5 || got.Applied != s.UpTo.String() || len(got.Resolvers) != 7 {
		t.Errorf("%s", text)
	}
	if lww.Inverted != 1 || lww.Concurrent != 2 || lww.Accepted != lww.Live+lww.Superseded+3 || len(lww.Differences) != 1 || lww.Differences[0].Would[0] != (cliutil.Blob{Value: "1", Enc: "utf8"}) {
		t.Errorf("%+v", lww)
	}
	if d := got.Resolvers[4].Differences[0]; d.Key != (cliutil.Blob{Value: "\x1b[2J", Enc: "utf8"}) || d.Would[0].Enc != "base64" {
		t.Errorf("%+v", d)
	}
	if text, err := json.Marshal(studied(t, study.Subject{Source: told{}}, "--skew", "none")); err != nil || strings.Contains(string(text), "null") {
		t.Errorf("of nothing it says %s, %v", text, err)
	}
}

func TestQuestionsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{
		{"--resolvers", "last"}, {"--resolvers", ""}, {"--skew", "1"}, {"--skew", "-1s"}, {"--skew", ""}, {"--draws", "0"}, {"--differences", "-1"},
		{"--memory", "1GB!"}, {"--memory", "31MiB"}, {"--memory", "-5GiB"}, {"--memory", "9000000000TiB"},
	} {
		_, err := asked(t, args...)
		if p, ok := errors.AsType[*cliutil.Problem](err); !ok || p.Code != cliutil.Misused {
			t.Errorf("%v: error %v", args, err)
		}
	}
	a, err := asked(t, "--memory", "1536MiB", "--skew", "none", "--prefix", "p", "--resolvers", "hlc, lww")
	if err != nil || a.Memory != 1536<<20 || a.Curve.Draws != 0 || a.Prefix != "p" || a.Resolvers != resolve.HLC.Mask()|resolve.LWW.Mask() {
		t.Errorf("%+v, %v", a, err)
	}
}

const tellEvery = 1 << 14 // progress is told as often

// TestStudiesEndWithTheirContext: also in the middle of the history.
func TestStudiesEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	a, err := asked(t)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	_, err = a.Study(ctx, study.Subject{Source: endless{}}, func(_, ops int) {
		if last = ops; ops > 3*tellEvery {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || last > 6*tellEvery {
		t.Errorf("after %d ops: %v", last, err)
	}
}

// endless is a history without end.
type endless struct{}

func (endless) Err() error { return nil }
func (endless) All() iter.Seq[*resolve.Op] {
	return func(yield func(*resolve.Op) bool) {
		for n := logical.Seq(1); yield(write(1, n, wallclock.Instant(n), fmt.Sprint(n%1000), "v", logical.Dot{Origin: 1, Seq: max(n, 1001) - 1000})); n++ {
		}
	}
}
