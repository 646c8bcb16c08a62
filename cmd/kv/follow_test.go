package main

import (
	"bufio"
	"bytes"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"kvd/cmd/internal/cliutil"
)

// follows lets the actor take subscribers, to whom the test speaks.
func (a *actor) follows() *actor {
	return a.does("SUBSCRIBE", func(args []string) string { return string(several(word("subscribe"), word(args[1]), number(1))) })
}

// says lets every subscriber of it hear an event.
func (a *actor) says(json string) {
	a.say <- string(several(word("message"), word("kvd:losses"), word(json)))
}

func lostEvent(leader, event, loser string) string {
	return `{"event":"` + event + `","leader":"` + leader + `","resolver":"lww","serving":true,"relation":"inverted","key":"x","loser":"` + loser +
		`","winner":"` + dotB + `","at":2000000000,"accepted_by":"n3","value":"v"}`
}

// following is a kv losses --follow on its way.
type following struct {
	t    *testing.T
	out  *bufio.Reader
	pipe *io.PipeReader
	errs *safeBuffer
	code int
	done sync.WaitGroup
}

// safeBuffer is written by the program while the test reads.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func startFollowing(t *testing.T, actors []*actor, args ...string) *following {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	r, w := io.Pipe()
	f := &following{t: t, out: bufio.NewReader(r), pipe: r, errs: &safeBuffer{}}
	line := append([]string{"kv", "losses", "--follow", "-n", addrs(actors)}, args...)
	t.Cleanup(func() { _ = r.Close() }) // what still prints, ends
	f.done.Go(func() {
		f.code = run(line, strings.NewReader(""), w, f.errs)
		_ = w.Close()
	})
	return f
}

// sees holds the next lines to what they must contain.
func (f *following) sees(wants ...string) {
	f.t.Helper()
	for _, want := range wants {
		line, err := f.out.ReadString('\n')
		if err != nil || !strings.Contains(line, want) {
			f.t.Fatalf("prints %q, %v; want %q; it said %s", line, err, want, f.errs)
		}
	}
}

// ends waits for the end.
func (f *following) ends(code int, said ...string) {
	f.t.Helper()
	f.done.Wait()
	if f.code != code {
		f.t.Errorf("exit code %d, want %d: %s", f.code, code, f.errs)
	}
	for _, want := range said {
		if !strings.Contains(f.errs.String(), want) {
			f.t.Errorf("said %s without %q", f.errs, want)
		}
	}
}

func TestFollowPrintsEachLossOnce(t *testing.T) {
	all := trio(t)[:2]
	for _, a := range all {
		a.follows().loses(much, lossRow("x", dotN(1), dotB, "inverted", 1e9))
	}
	f := startFollowing(t, all)
	f.sees("1970-01-01T00:00:01.000Z  x: v\x00 " + dotN(1) + ", accepted by n9, lost to " + dotB + ", inverted under lww; so says n1")
	all[0].says(lostEvent("n1", "lost", dotN(1))) // it has been printed
	all[0].says(lostEvent("n1", "lost", dotN(2)))
	f.sees("1970-01-01T00:00:02.000Z  x: v " + dotN(2) + ", accepted by n3, lost to " + dotB + ", inverted under lww; so says n1")
	all[1].says(lostEvent("n2", "lost", dotN(2))) // n1 said it
	all[1].says(lostEvent("n2", "retracted", dotN(2)))
	f.sees(dotN(2) + ", accepted by n3, is not lost after all under lww: a survivor had seen it; so says n2")
	all[0].says(lostEvent("n1", "retracted", dotN(2))) // n2 said it
	all[0].says(lostEvent("n1", "lost", dotN(2)))      // once more, and that is new
	f.sees(dotN(2) + ", accepted by n3, lost to")
	all[0].says(`{"event":"missed","count":7}`)
	f.sees("missed 7: kv was too slow for n1")
	all[0].says(lostEvent("n1", "lost", dotN(3)))
	f.sees(dotN(3))
	interrupt(t)
	f.ends(codeOK)
	if got := all[0].asked("KVD.LOSSES"); len(got) != 2 || !strings.HasPrefix(got[1], "SINCE ") {
		t.Errorf("asked %q: once at first, and once for what was missed", got)
	}
}

func TestFollowComesBackAndAsksForWhatItMissed(t *testing.T) {
	a := newActor(t, "n1").follows().loses(much)
	f := startFollowing(t, []*actor{a, gone(t)}, "-o", "jsonl")
	a.says(lostEvent("n1", "lost", dotN(1)))
	f.sees(`{"event":"lost","leader":"n1","resolver":"lww","serving":true,"relation":"inverted","key":"x","value":{"value":"v","enc":"utf8"},"loser":"` + dotN(1) + `"`)
	a.loses(much, lossRow("x", dotN(1), dotB, "inverted", 1e9), lossRow("x", dotN(2), dotB, "inverted", 1e9))
	a.say <- "" // it hangs up
	f.sees(`"loser":"` + dotN(2) + `"`)
	a.says(lostEvent("n1", "lost", dotN(3)))
	f.sees(`"loser":"` + dotN(3) + `"`)
	interrupt(t)
	f.ends(codeOK, "; still trying", a.addr+" is back", "connection refused")
}

func TestFollowEndsWhenNobodyReads(t *testing.T) {
	a := newActor(t, "n1").follows().loses(much)
	f := startFollowing(t, []*actor{a})
	a.says(lostEvent("n1", "lost", dotN(1)))
	f.sees(dotN(1))
	_ = f.pipe.Close()
	a.says(lostEvent("n1", "lost", dotN(2)))
	f.ends(codeOK)
}

// TestFollowPrintsATableAsItGrows: the rows of a table are not held back.
func TestFollowPrintsATableAsItGrows(t *testing.T) {
	a := newActor(t, "n1").follows().loses(much)
	f := startFollowing(t, []*actor{a}, "-o", "table")
	a.says(lostEvent("n1", "lost", dotN(1)))
	f.sees("at ", dotN(1))
	interrupt(t)
	f.ends(codeOK)
}

func TestFollowAsksForWhatIsWanted(t *testing.T) {
	a := newActor(t, "n1").follows().loses(much)
	f := startFollowing(t, []*actor{a}, "--resolver", "lww", "--prefix", "x", "-o", "raw")
	a.says(strings.Replace(lostEvent("n1", "lost", dotN(1)), `"lww"`, `"hlc"`, 1))
	a.says(strings.Replace(lostEvent("n1", "lost", dotN(2)), `"key":"x"`, `"key":"y"`, 1))
	a.says(strings.Replace(lostEvent("n1", "lost", dotN(3)), `"key":"x"`, `"key_base64":"eP8="`, 1))
	f.sees(dotN(3))
	interrupt(t)
	f.ends(codeOK)
	if got := a.asked("SUBSCRIBE"); len(got) != 1 || got[0] != "kvd:losses:all" {
		t.Errorf("listens at %q", got)
	}
}

func TestFollowWhereThereIsNothingToFollow(t *testing.T) {
	old := newActor(t, "old").loses(much)
	f := startFollowing(t, []*actor{old})
	f.ends(cliutil.Failed, "this server has no SUBSCRIBE")
	f = startFollowing(t, []*actor{gone(t)})
	f.ends(codeGone, "connection refused")
	f = startFollowing(t, []*actor{newActor(t, "n1").loses(much).on("SUBSCRIBE", "-NOPERM not you\r\n")})
	f.ends(cliutil.Denied, "NOPERM")

	a := newActor(t, "n1").follows().loses(much)
	f = startFollowing(t, []*actor{a, old})
	a.says(lostEvent("n1", "lost", dotN(1)))
	f.sees(dotN(1))
	interrupt(t)
	f.ends(codeOK, "does not have the command; a newer one may; its losses are not followed")
}

// TestFollowNoticesALeaderThatHangs: it neither speaks nor answers a ping. The
// first greeting must be within --timeout too, on a machine that is busy.
func TestFollowNoticesALeaderThatHangs(t *testing.T) {
	a := newActor(t, "n1").follows().loses(much)
	f := startFollowing(t, []*actor{a}, "--timeout", "500ms", "-o", "raw")
	for len(a.asked("KVD.LOSSES")) == 0 { // until it listens
		runtime.Gosched()
	}
	a.loses(much, lossRow("x", dotN(1), dotB, "inverted", 1e9)) // found only by asking again
	f.sees(dotN(1))
	interrupt(t)
	f.ends(codeOK)
}

// paused takes connections and answers nothing, as the kernel does for a process
// that is stopped.
func paused(t *testing.T) *actor {
	l := listen(t)
	t.Cleanup(func() { _ = l.Close() })
	return &actor{name: "paused", addr: l.Addr().String()}
}

// TestFollowGoesOnBesideAPausedLeader: it waits for its first word no longer than
// for anybody's.
func TestFollowGoesOnBesideAPausedLeader(t *testing.T) {
	a := newActor(t, "n1").follows().loses(much, lossRow("x", dotN(1), dotB, "inverted", 1e9))
	f := startFollowing(t, []*actor{a, paused(t)}, "--timeout", "1s")
	f.sees(dotN(1))
	a.says(lostEvent("n1", "lost", dotN(2)))
	f.sees(dotN(2))
	interrupt(t)
	f.ends(codeOK, "it did not answer in time; still trying")
}

// TestFollowEndsWhileALeaderIsGreeted: the user does not wait for it.
func TestFollowEndsWhileALeaderIsGreeted(t *testing.T) {
	a := newActor(t, "n1").follows().loses(much)
	f := startFollowing(t, []*actor{a, paused(t)}, "--timeout", "1h")
	for len(a.asked("KVD.LOSSES")) == 0 {
		runtime.Gosched()
	}
	interrupt(t)
	f.ends(codeOK)
}
