package live_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/live"
	"kvd/scenarios/script"
)

// built is where the kvd program is that this package's tests have built; empty: they
// have not.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// binary is the kvd program that tests play against: the one that KVD_BINARY names, or
// one that the first of them builds.
var binary = sync.OnceValues(func() (program string, err error) {
	if program = os.Getenv("KVD_BINARY"); program != "" {
		return program, nil
	}
	if err := replicatest.DependsOnSources(); err != nil {
		return "", err
	}
	if built, err = os.MkdirTemp("", "kvd-live-test-"); err != nil {
		return "", err
	}
	return live.Build(context.Background(), built)
})

// program is binary, or the test fails.
func program(t *testing.T) string {
	t.Helper()
	p, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// long reports whether the whole library is played: KVD_LIVE=1.
func long() bool { return os.Getenv("KVD_LIVE") == "1" }

// TestFigure plays the figure under the resolver that loses its increment and
// under one that does not: once each, or ten times.
func TestFigure(t *testing.T) {
	times := 1
	if long() {
		times = 10
	}
	s := find(t, "ddia-8-3")
	for range times {
		for id, lost := range map[resolve.ID]int{resolve.LWW: 1, resolve.Siblings: 0} {
			if r := play(t, s, id); r.Lost != lost || r.Acked != 2 || !r.Live {
				t.Errorf("under %s: acked %d, lost %d, live %v", id, r.Acked, r.Lost, r.Live)
			}
		}
	}
}

// TestLibrary plays everything that can be, under every resolver, if asked to;
// otherwise it asks only what can.
func TestLibrary(t *testing.T) {
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	playable := 0
	for _, s := range all {
		p := live.PlanFor(s)
		if p.Only != "" {
			t.Logf("%-20s simulation only: %s", s.Name, p.Only)
			continue
		}
		playable++
		for _, id := range resolve.IDs() {
			if long() {
				play(t, s, id)
			}
		}
	}
	if playable < 12 {
		t.Errorf("only %d scenarios of the library can be played", playable)
	}
}

// TestStorm pauses, kills and cuts off leaders under load: afterwards all are
// equal, every acknowledged write is accounted for or named as lost, and the
// leaders' own ledgers agree with the oracle.
func TestStorm(t *testing.T) {
	text, err := os.ReadFile("testdata/storm.txtar")
	if err != nil {
		t.Fatal(err)
	}
	s, err := script.Parse("storm.txtar", text)
	if err != nil {
		t.Fatal(err)
	}
	ids := []resolve.ID{resolve.LWW}
	if long() {
		ids = resolve.IDs()
	}
	for _, id := range ids {
		if r := play(t, s, id); r.Acked < 500 {
			t.Errorf("under %s only %d writes were acknowledged", id, r.Acked)
		}
	}
}

// play holds a run to its expectation and promises.
func play(t *testing.T, s *script.Scenario, id resolve.ID) *scenarios.Result {
	t.Helper()
	began := time.Now()
	r, err := live.Run(context.Background(), s, live.Options{Resolver: id, Seed: 1, Binary: program(t), Dir: t.TempDir(), Logf: t.Logf})
	if err != nil {
		t.Error(err)
		return &scenarios.Result{}
	}
	t.Logf("%-20s %-9s %s, attempts %d, %.1fs: acked %d accounted %d lost %d inverted %d concurrent %d siblings %d",
		s.Name, id, r.Expectation, r.Attempts, time.Since(began).Seconds(), r.Acked, r.Accounted, r.Lost, r.Inverted, r.Concurrent, r.Siblings)
	if want := map[bool]string{true: scenarios.Held, false: scenarios.None}[len(s.Expect.Rows) > 0]; r.Expectation != want {
		t.Errorf("%s under %s: expectation %s: %v", s.Name, id, r.Expectation, r.Values)
	}
	for _, p := range r.Promises {
		if !p.Held {
			t.Errorf("%s under %s: %s: %s", s.Name, id, p.Check, p.Why)
		}
	}
	return r
}

func find(t *testing.T, name string) *script.Scenario {
	t.Helper()
	s, err := library.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSimulationOnlyIsRefused(t *testing.T) {
	_, err := live.Run(context.Background(), find(t, "equal-stamps"), live.Options{Resolver: resolve.LWW, Binary: program(t), Dir: t.TempDir()})
	if !errors.Is(err, live.ErrOnly) || !strings.Contains(err.Error(), "nanosecond") {
		t.Errorf("equal-stamps: %v", err)
	}
}

// TestNothingIsLeft ends a run early, and one whose processes cannot start.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	s := find(t, "clock-step-back")
	if _, err := live.Run(ctx, s, live.Options{Resolver: resolve.LWW, Binary: program(t), Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a run that was ended: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "kvd")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho no such luck >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := live.Run(context.Background(), s, live.Options{Resolver: resolve.LWW, Binary: broken, Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("a program that does not serve: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if p := processesOf(t, dir); len(p) > 0 {
		t.Errorf("processes left: %v", p)
	}
}

// processesOf lists command lines that name the folder.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), dir) {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}
