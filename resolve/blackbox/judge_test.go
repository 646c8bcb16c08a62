package blackbox

import (
	"fmt"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/wallclock"
)

// tell makes a history of lines: client node verb key value [shown…] [!info] [@start-end]. An op without times
// begins when the one before has ended. A get marked $ is final.
func tell(t *testing.T, text string) list {
	t.Helper()
	var ops list
	now := wallclock.Instant(0)
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		w := strings.Fields(line)
		verb, ok := ParseVerb(w[2])
		if !ok {
			t.Fatalf("no verb: %s", line)
		}
		o := &Op{Line: i + 1, Client: w[0], Node: strings.Trim(w[1], "-"), Verb: verb, Key: w[3], Start: now, End: now + 10, Delta: 1}
		for j, word := range w[4:] {
			switch {
			case strings.HasPrefix(word, "@"):
				if _, err := fmt.Sscanf(word, "@%d-%d", &o.Start, &o.End); err != nil {
					t.Fatal(err)
				}
			case word == "!info":
				o.Outcome = Indeterminate
			case word == "!fail":
				o.Outcome = Failed
			case word == "$":
				o.Final = true
			case strings.HasPrefix(word, "+"):
				if _, err := fmt.Sscanf(word, "+%d", &o.Delta); err != nil {
					t.Fatal(err)
				}
			case verb == Get || verb == Incr:
				o.Read.Known = true
				o.Read.Values = append(o.Read.Values, strings.Trim(word, "-"))
			case j == 0:
				o.Value = word
			default:
				o.Shown.Known = true
				if word != "-" {
					o.Shown.Values = append(o.Shown.Values, word)
				}
			}
		}
		if verb == Get && o.Outcome == Acked && !o.Read.Known {
			o.Read = Reading{Known: true}
		}
		if now = max(now, o.End+10); o.Outcome == Indeterminate {
			now = max(now, o.Start+10)
		}
		ops = append(ops, o)
	}
	return ops
}

func judgedOf(t *testing.T, text string) *Report {
	t.Helper()
	r, err := Judge(Config{Losses: 100}, tell(t, text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Kinds {
		k := &r.Kinds[i]
		if k.Acked != k.Present+k.Superseded+k.Lost+k.Divided+k.Unknown {
			t.Errorf("the %s do not add up: %+v", k.Kind, k)
		}
		if k.Lost != k.Inverted+k.Concurrent+k.Unrelated+k.Unnamed {
			t.Errorf("the lost %s do not add up: %+v", k.Kind, k)
		}
	}
	return r
}

// brief is the counts that most cases are about.
func brief(k *KindReport) string {
	return fmt.Sprintf("%s: acked %d present %d superseded %d divided %d unknown %d lost %d (inverted %d concurrent %d unknown %d unnamed %d) over %d",
		k.Kind, k.Acked, k.Present, k.Superseded, k.Divided, k.Unknown, k.Lost, k.Inverted, k.Concurrent, k.Unrelated, k.Unnamed, k.Overcounted)
}

func TestWhatAHistoryProves(t *testing.T) {
	for _, c := range []struct{ name, history, want string }{
		{"what one node was told in order is written over", "a n set k 1\na n set k 2\nb n get k 2",
			"register: acked 2 present 1 superseded 1 divided 0 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"two updates of one value: one author had not seen the other", "a n update k 1 -\na n update k 2 1\nb m update k 3 1\nc n get k 2 $\nc m get k 2 $",
			"register: acked 3 present 1 superseded 1 divided 0 unknown 0 lost 1 (inverted 0 concurrent 1 unknown 0 unnamed 0) over 0"},
		{"figure 8-3", "a n1 set x 1\nb n3 get x 1\nb n3 incr x 2\nc n1 get x 1\nc n3 get x 1",
			"register: acked 2 present 1 superseded 0 divided 0 unknown 0 lost 1 (inverted 1 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"a write elsewhere may have gone over what it had received", "a n set k 1\nb m set k 2\nc n get k 2\nc m get k 2",
			"register: acked 2 present 1 superseded 0 divided 0 unknown 1 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"a later write that is gone had no chance to be written over", "a n set k 1\nb m set k 2\nc n get k 1\nc m get k 1",
			"register: acked 2 present 1 superseded 0 divided 0 unknown 0 lost 1 (inverted 0 concurrent 0 unknown 1 unnamed 0) over 0"},
		{"writes at one node at one time: either may be the last", "a n set k 1 @0-100\nb n set k 2 @50-80\nc n get k 1 @200-210",
			"register: acked 2 present 1 superseded 1 divided 0 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"a write without a reply that is shown was done", "a n update k 1 -\nb n update k 2 1 !info\nc n get k 2",
			"register: acked 1 present 0 superseded 1 divided 0 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"a value written twice names neither write", "a n update k 1 -\nb m update k 1 -\nc n update k 2 1\nd n get k 1",
			"register: acked 3 present 0 superseded 0 divided 0 unknown 2 lost 1 (inverted 0 concurrent 0 unknown 1 unnamed 0) over 0"},
		{"nobody looked at the end", "a n set k 1\nb n get k 1\na n set k 2",
			"register: acked 2 present 0 superseded 0 divided 0 unknown 2 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"what is shown nobody is known to have written", "a n set k 1\nb n get k 7",
			"register: acked 1 present 0 superseded 0 divided 0 unknown 1 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"all is gone", "a n set k 1\nb n get k",
			"register: acked 1 present 0 superseded 0 divided 0 unknown 0 lost 1 (inverted 0 concurrent 0 unknown 1 unnamed 0) over 0"},
		{"nodes that differ are divided", "a n update k 1 -\na m update k 2 1\nc n get k 1 $\nc m get k 2 $",
			"register: acked 2 present 0 superseded 1 divided 1 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"a deletion that is undone", "a n update k 1 -\nb m get k 1\nb m del k\nc n get k 1 $\nc m get k 1 $",
			"register: acked 2 present 1 superseded 0 divided 0 unknown 0 lost 1 (inverted 1 concurrent 0 unknown 0 unnamed 0) over 0"},

		{"increments are counted", "a n incr k\na n incr k\nb m incr k\nc n get k 2 $\nc m get k 2 $",
			"counter: acked 3 present 2 superseded 0 divided 0 unknown 0 lost 1 (inverted 0 concurrent 0 unknown 0 unnamed 1) over 0"},
		{"replies' numbers name the lost", "a n incr k 1\na n incr k 2\nb m incr k 2\na n incr k 3\nc n get k 3 $\nc m get k 3 $",
			"counter: acked 4 present 3 superseded 0 divided 0 unknown 0 lost 1 (inverted 0 concurrent 1 unknown 0 unnamed 0) over 0"},
		{"increments without a reply may be in the sum", "a n incr k\na n incr k !info\nc n get k 1 $",
			"counter: acked 1 present 0 superseded 0 divided 0 unknown 1 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"a reading is a lower bound", "a n incr k !info\nb n get k 1\nc n incr k\nd n get k 0 $",
			"counter: acked 1 present 0 superseded 0 divided 0 unknown 0 lost 1 (inverted 0 concurrent 0 unknown 0 unnamed 1) over 0"},
		{"a counter may begin above zero", "c n get k 40\na n incr k\nc n get k 41",
			"counter: acked 1 present 1 superseded 0 divided 0 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"a counter that says too much", "a n incr k\nc n get k 3",
			"counter: acked 1 present 1 superseded 0 divided 0 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 2"},
		{"counters that differ are divided", "a n incr k\na n incr k\nc n get k 2 $\nc m get k 1 $",
			"counter: acked 2 present 1 superseded 0 divided 1 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"what was refused was not done", "a n incr k\na n incr k !fail\nc n get k 1 $",
			"counter: acked 1 present 1 superseded 0 divided 0 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"increments that are not alike are unknown where they do not add up", "a n incr k +2\na n incr k +3\nc n get k 3",
			"counter: acked 2 present 0 superseded 0 divided 0 unknown 2 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"unless their numbers say which", "a n incr k 2 +2\nb m incr k 3 +3\nc n get k 3",
			"counter: acked 2 present 1 superseded 0 divided 0 unknown 0 lost 1 (inverted 0 concurrent 1 unknown 0 unnamed 0) over 0"},

		{"elements are there or not", "a n add s 1 -\na n add s 2 1\nb m add s 3 1\nc n get s 1 2 $\nc m get s 1 2 $",
			"set: acked 3 present 2 superseded 0 divided 0 unknown 0 lost 1 (inverted 0 concurrent 1 unknown 0 unnamed 0) over 0"},
		{"an element without a reply is neither acknowledged nor missing", "a n add s 1 -\na n add s 2 1 !info\nc n get s 1 $",
			"set: acked 1 present 1 superseded 0 divided 0 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
		{"elements that the server adds", "a n add s 1\nb m add s 2\nc n get s 1 $\nc m get s 1 2 $",
			"set: acked 2 present 1 superseded 0 divided 1 unknown 0 lost 0 (inverted 0 concurrent 0 unknown 0 unnamed 0) over 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := judgedOf(t, c.history)
			if len(r.Kinds) != 1 || brief(&r.Kinds[0]) != c.want {
				t.Errorf("got  %s\nwant %s", brief(&r.Kinds[0]), c.want)
			}
		})
	}
}

// TestKeysThatAreUsedAsTwoThingsAreNotJudged: their operations cannot be told apart by
// what is shown.
func TestKeysThatAreUsedAsTwoThingsAreNotJudged(t *testing.T) {
	r := judgedOf(t, "a n add k 1\na n set k 2\na n get k 2\nb n incr c\nb n del c\nb n get c")
	if r.NotJudged != 2 || len(r.Kinds) != 0 || len(r.Skipped) != 2 {
		t.Errorf("%+v", r)
	}
}

// TestWhatIsShownBeforeItIsWrittenIsImpossible: then the times are of several clocks.
func TestWhatIsShownBeforeItIsWrittenIsImpossible(t *testing.T) {
	r := judgedOf(t, "a n get k 1\nb n set k 1\na n get k 1")
	if r.Impossible != 1 || r.Problems[0].Line != 1 {
		t.Errorf("%+v", r.Problems)
	}
}

// TestWhichClocksExplain: what survives must have had the greater stamp.
func TestWhichClocksExplain(t *testing.T) {
	later := "a n update k 1 - @0-10\nb m update k 2 1 @%d-%d\nc n get k 1 @9000-9001\nc m get k 1 @9000-9001"
	r := judgedOf(t, fmt.Sprintf(later, 1010, 1020))
	if c := r.Clocks; !c.Explained || c.Spread != 1000 || c.Offsets[0].Ahead != 1000 || c.Offsets[1].Ahead != 0 {
		t.Errorf("1000 ns were needed: %+v", c)
	}
	r = judgedOf(t, "a n update k 1 - @0-10\nb n update k 2 1 @1010-1020\nc n get k 1 @9000-9001")
	if c := r.Clocks; c.Explained || !strings.Contains(c.Why, "at the same node") {
		t.Errorf("one clock cannot go back: %+v", c)
	}
	r = judgedOf(t, fmt.Sprintf(later, 1010, 1020)+"\na m update j 1 - @0-10\nb n update j 2 1 @1010-1020\nc n get j 1 @9000-9001\nc m get j 1 @9000-9001")
	if c := r.Clocks; c.Explained || !strings.Contains(c.Why, "no offsets of the two clocks do both") {
		t.Errorf("each would have to be ahead of the other: %+v", c)
	}
	r = judgedOf(t, "a - update k 1 -\nb - update k 2 1\nc - get k 1")
	if !r.Clocks.Unnamed {
		t.Errorf("nodes have no names: %+v", r.Clocks)
	}
}

// TestStampsMeasureClocks: a stamp was taken between sending and the reply.
func TestStampsMeasureClocks(t *testing.T) {
	ops := tell(t, "a n set k 1 @0-10\na n set k 2 @100-104\na n get k 2")
	ops[0].Stamp, ops[1].Stamp = 1005, 1103
	r, err := Judge(Config{}, ops)
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Clocks.Measured; len(m) != 1 || m[0].From != 999 || m[0].To != 1003 {
		t.Errorf("%+v", m)
	}
	ops[1].Stamp = 5000
	if r, err = Judge(Config{}, ops); err != nil || len(r.Clocks.Unmeasured) != 1 {
		t.Errorf("%+v %v", r.Clocks, err)
	}
}

// TestOtherRulesJudgeTheSame: by stamps 1 s apart last-write-wins loses the later update,
// rules that follow causality lose nothing, and siblings loses no concurrent update.
func TestOtherRulesJudgeTheSame(t *testing.T) {
	lost := func(ops list) map[string]int {
		r, err := Judge(Config{}, ops)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int{}
		for i := range r.Kinds[0].Outcomes {
			out[r.Kinds[0].Outcomes[i].Resolver.String()] = r.Kinds[0].Outcomes[i].Lost()
		}
		return out
	}
	ops := tell(t, "a n update k 1 -\nb m update k 2 1\nc n get k 2\nc m get k 2")
	ops[0].Stamp, ops[1].Stamp = 2_000_000, 1_000_000
	if got := lost(ops); got["lww"] != 1 || got["causal"] != 0 || got["lamport"] != 0 || got["siblings"] != 0 {
		t.Errorf("a later update with an earlier stamp: %v", got)
	}
	got := lost(tell(t, "a n update k 1 -\na n update k 2 1\nb m update k 3 1\nc n get k 2\nc m get k 2"))
	if got["lww"] != 1 || got["causal"] != 1 || got["siblings"] != 0 {
		t.Errorf("two concurrent updates: %v", got)
	}
	if _, counts := got[resolve.Counter.String()]; counts {
		t.Errorf("a counter cannot judge texts: %v", got)
	}
	if got := lost(tell(t, "a n incr k 1\nb m incr k 1\nc n get k 1\nc m get k 1")); got["counter"] != 0 || got["lww"] != 1 {
		t.Errorf("two increments: %v", got)
	}
}

// TestPassesAddUp: with memory for a few keys at a time the report is the same.
func TestPassesAddUp(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "a n incr k%d 1\nb m incr k%d 1\nc n get k%d 1\nc m get k%d 1\n", i, i, i, i)
	}
	ops := tell(t, b.String())
	whole, err := Judge(Config{Losses: 5}, ops)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Judge(Config{Losses: 5, Memory: 5000}, ops)
	if err != nil {
		t.Fatal(err)
	}
	if parts.Passes < 4 {
		t.Errorf("only %d passes", parts.Passes)
	}
	parts.Passes = whole.Passes
	if got, want := fmt.Sprintf("%+v", *parts), fmt.Sprintf("%+v", *whole); got != want {
		t.Errorf("in parts:\n%s\nat once:\n%s", got, want)
	}
	if _, err := Judge(Config{Memory: 500}, ops[:8]); err == nil || !strings.Contains(err.Error(), "alone takes more") {
		t.Errorf("one key is too large: %v", err)
	}
}

// TestWhatIsNoOpEndsJudging names its line.
func TestWhatIsNoOpEndsJudging(t *testing.T) {
	for want, o := range map[string]*Op{
		"has no verb": {}, "what it showed": {Verb: Get}, "had been shown": {Verb: Update, Value: "1"},
		"changes nothing": {Verb: Incr}, "ends before": {Verb: Set, Start: 2, End: 1},
	} {
		o.Line = 7
		if _, err := Judge(Config{}, list{o}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "line 7: ") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
