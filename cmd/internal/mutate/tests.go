package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type test struct {
	name  string
	took  time.Duration // alone, without a mutant
	sites map[int]bool  // what it reached, and what it would have seen changed
}

// maxMemory is what a run may take, in kilobytes of address space: a mutant may fill
// memory without end.
const maxMemory = 6 << 20

// survey runs each test of the suite alone and records what it reaches. A package
// without tests has no binary.
func (s *suite) survey(scratch string, jobs int) error {
	if _, err := os.Stat(s.binary); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	out, err := s.run(time.Minute, nil, "-test.list", ".")
	if err != nil {
		return fmt.Errorf("list the tests of %s: %w\n%s", s.pkg, err, out)
	}
	for _, name := range strings.Fields(out) {
		if !strings.HasPrefix(name, "Benchmark") {
			s.tests = append(s.tests, &test{name: name, sites: map[int]bool{}})
		}
	}
	errs := make([]error, len(s.tests))
	inParallel(jobs, len(s.tests), func(i int) {
		t := s.tests[i]
		hits := filepath.Join(scratch, "hits-"+strings.ReplaceAll(s.pkg, "/", "-")+"-"+t.name)
		begun := time.Now()
		if out, err := s.run(10*time.Minute, []string{"MUTATE_HITS=" + hits}, s.only(t)...); err != nil {
			errs[i] = fmt.Errorf("%s of %s fails without a mutant: %w\n%s", t.name, s.pkg, err, out)
			return
		}
		t.took = time.Since(begun)
		errs[i] = t.read(hits)
	})
	slices.SortStableFunc(s.tests, func(a, b *test) int { return int(a.took - b.took) })
	return errors.Join(errs...)
}

func (t *test) read(hits string) error {
	text, err := os.ReadFile(hits)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it reached nothing
	}
	if err != nil {
		return err
	}
	for _, word := range strings.Fields(string(text)) {
		id, err := strconv.Atoi(word)
		if err != nil {
			return fmt.Errorf("read what %s reached: %w", t.name, err)
		}
		t.sites[id] = true
	}
	return os.Remove(hits)
}

// only is the arguments that run some tests, and chance the same every time.
func (s *suite) only(tests ...*test) []string {
	var names []string
	for _, t := range tests {
		names = append(names, t.name)
	}
	args := []string{"-test.short", "-test.failfast", "-test.run", "^(" + strings.Join(names, "|") + ")$"}
	if s.rapid {
		args = append(args, "-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s")
	}
	return args
}

// run runs the binary. What it leaves behind goes with its temporary folder.
func (s *suite) run(timeout time.Duration, env []string, args ...string) (string, error) {
	tmp, err := os.MkdirTemp(filepath.Dir(s.binary), "run-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	limited := []string{"-c", fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, maxMemory), s.binary}
	cmd := exec.CommandContext(ctx, "/bin/sh", append(limited, args...)...)
	cmd.Dir, cmd.Env = s.dir, append(append(os.Environ(), "TMPDIR="+tmp), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	return out.String(), err
}

// kills reports whether a test fails under the mutant. Only the tests that could notice
// it run, the quick ones together before the slow.
func (s *suite) kills(m *mutant) bool {
	batches := [][]*test{nil}
	for _, t := range s.tests { // the quick first
		switch {
		case !t.sites[m.id]:
		case t.took < 200*time.Millisecond:
			batches[0] = append(batches[0], t)
		default:
			batches = append(batches, []*test{t})
		}
	}
	for _, b := range batches {
		if len(b) == 0 {
			continue
		}
		timeout := 2 * time.Second
		for _, t := range b {
			timeout += 5 * t.took
		}
		if _, err := s.run(timeout, []string{fmt.Sprintf("MUTATE_ACTIVE=%d", m.id)}, s.only(b...)...); err != nil {
			return true
		}
	}
	return false
}

// inParallel calls do for 0 to n-1, jobs at a time.
func inParallel(jobs, n int, do func(i int)) {
	var all sync.WaitGroup
	free := make(chan struct{}, jobs)
	for i := range n {
		free <- struct{}{}
		all.Go(func() {
			do(i)
			<-free
		})
	}
	all.Wait()
}
