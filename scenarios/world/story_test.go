package world

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/trace/tracetest"
	"kvd/scenarios/world/internal/medium"
)

var update = flag.Bool("update", false, "rewrite the stories in testdata from what happens")

// TestStories plays scripts of the virtual world. What is no verb of story is a line
// of the script that the next verb plays; the first of those begins a new script.
func TestStories(t *testing.T) {
	replicatest.Stories(t, *update, func(t *testing.T) func([]string) string {
		s := &story{t: t}
		return s.do
	})
}

type story struct {
	t      *testing.T
	script []string
	done   bool // the script was played: the next line begins another
}

func (s *story) do(words []string) string {
	verb, args := words[0], words[1:]
	switch verb {
	case "play": // play [RESOLVER] [KIND…]: what happens, of these kinds; of all but sent and shipped
		defer func() { s.done = true }()
		return s.play(args)
	case "clock-of": // clock-of LEADER TIME…: how far its wall clock is off
		defer func() { s.done = true }()
		return s.clockOf(args[0], args[1:])
	case "arrivals": // arrivals FROM>TO COUNT: of messages sent one a millisecond
		defer func() { s.done = true }()
		return s.arrivals(args[0], args[1])
	case "idle": // idle: what leaving out idle time saves, and whether it changes anything
		defer func() { s.done = true }()
		return s.idle()
	case "tear": // tear SYNCED WHOLE: a letter is a block; what may survive, for eight seeds
		return tears(args[0], args[1])
	}
	if s.done {
		s.script, s.done = nil, false
	}
	s.script = append(s.script, strings.Join(words, " "))
	return ""
}

// world is the script's, not yet played.
func (s *story) world(id resolve.ID, awake bool) *World {
	s.t.Helper()
	text := "-- scenario --\nname story\n" + strings.Join(s.script, "\n") + "\n"
	if !strings.Contains(text, "\nsettle ") {
		text += "settle 1s\n"
	}
	parsed, err := script.Parse("story", []byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	w, err := New(parsed, Config{Policy: resolve.Policy{Default: id}, Seed: 1, Awake: awake})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(w.Close)
	return w
}

func (s *story) play(args []string) string {
	id, kinds := resolve.LWW, args
	if len(args) > 0 {
		if named, err := resolve.ParseID(args[0]); err == nil {
			id, kinds = named, args[1:]
		}
	}
	w := s.world(id, false)
	if err := w.Run(); err != nil {
		return "it ends: " + err.Error()
	}
	var b strings.Builder
	for e := range w.Trace.All() {
		if kind := e.Kind.String(); len(kinds) > 0 && !slices.Contains(kinds, kind) || len(kinds) == 0 && (kind == "sent" || kind == "shipped") {
			continue
		}
		fmt.Fprintln(&b, tracetest.Line(e))
	}
	return b.String()
}

func (s *story) clockOf(leader string, times []string) string {
	w := s.world(resolve.LWW, false)
	var b strings.Builder
	for _, text := range times {
		at, err := time.ParseDuration(text)
		if err != nil {
			s.t.Fatal(err)
		}
		for w.next(at) {
		}
		w.now = at
		read := w.leaders[leader].clock.Read(w.instant())
		fmt.Fprintf(&b, "%s %s to %s\n", at, off(read.Earliest.Sub(w.instant())), off(read.Latest.Sub(w.instant())))
	}
	return b.String()
}

func off(d time.Duration) string {
	if d < 0 {
		return d.String()
	}
	return "+" + d.String()
}

func (s *story) arrivals(way, count string) string {
	from, to, _ := strings.Cut(way, ">")
	n, err := strconv.Atoi(count)
	if err != nil {
		s.t.Fatal(err)
	}
	w := s.world(resolve.LWW, false)
	l, total := w.link(path{from, to}), 0
	var b strings.Builder
	for i := range n {
		sent := time.Duration(i) * time.Millisecond
		at := l.arrivals(sent)
		total += len(at)
		if n <= 10 {
			fmt.Fprintf(&b, "%s %v\n", sent, at)
		}
	}
	fmt.Fprintf(&b, "%d of %d; lost %d, duplicated %d, overtaken %d\n", total, n, w.Fired["message lost"], w.Fired["message duplicated"], w.Fired["message overtaken"])
	return b.String()
}

func (s *story) idle() string {
	told := func(awake bool) (steps int, lines []string) {
		w := s.world(resolve.LWW, awake)
		for w.next(w.last + w.script.Settle) {
			steps++
		}
		w.now = w.last + w.script.Settle
		w.final()
		for e := range w.Trace.All() {
			if slices.Contains([]trace.Kind{trace.Accepted, trace.Acked, trace.Shown, trace.Final}, e.Kind) {
				lines = append(lines, tracetest.Line(e))
			}
		}
		slices.Sort(lines) // what happens at one instant has no order
		return steps, lines
	}
	asleep, one := told(false)
	awake, other := told(true)
	same := map[bool]string{true: "the same", false: "another thing"}[slices.Equal(one, other)]
	return fmt.Sprintf("less than a tenth of the steps: %v; clients are told %s", asleep < awake/10, same)
}

// tears is what may be on a disk that was torn: a letter is a block, a dot one of
// zeros.
func tears(synced, whole string) string {
	var all []string
	for seed := range uint64(8) {
		torn := medium.Mixed(blocks(synced), blocks(whole), rand.New(rand.NewPCG(seed, 0)))
		var b strings.Builder
		for i := 0; i < len(torn); i += medium.Block {
			b.WriteString(strings.ReplaceAll(string(torn[i:i+1]), "\x00", "."))
		}
		all = append(all, b.String())
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "\n")
}

// blocks is a file with one block for each letter; - is an empty one.
func blocks(letters string) (file []byte) {
	for _, c := range []byte(strings.Trim(letters, "-")) {
		file = append(file, slices.Repeat([]byte{c}, medium.Block)...)
	}
	return file
}
