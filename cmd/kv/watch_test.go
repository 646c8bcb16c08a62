package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
)

// lines is the standard output of a command that runs on.
type lines struct {
	t  *testing.T
	in *bufio.Reader
}

// next is the next line's values.
func (l lines) next() []string {
	l.t.Helper()
	line, err := l.in.ReadString('\n')
	if err != nil {
		l.t.Fatalf("after %q: %v", line, err)
	}
	var c struct {
		Key    string
		Values []show.Blob
	}
	if err := json.Unmarshal([]byte(line), &c); err != nil || c.Key != "x" {
		l.t.Fatalf("%s: %v", line, err)
	}
	var values []string
	for _, v := range c.Values {
		values = append(values, v.Value)
	}
	return values
}

func interrupt(t *testing.T) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(os.Interrupt)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestWatchPrintsChangesUntilInterrupted runs in this process, so that each
// change is made when the one before was printed.
func TestWatchPrintsChangesUntilInterrupted(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	f := serve(t, nil)
	defer f.stop()
	out, in := io.Pipe()
	var errs bytes.Buffer
	var code int
	var wg sync.WaitGroup
	wg.Go(func() {
		code = run(strings.Fields("kv watch x -o jsonl --every 1ms -n "+f.addr), strings.NewReader(""), in, &errs)
		_ = in.Close()
	})
	l := lines{t, bufio.NewReader(out)}
	if got := l.next(); len(got) != 0 {
		t.Errorf("at first %q", got)
	}
	for _, values := range [][]string{{"1"}, {"2"}, {"2", "3"}} {
		f.Siblings("x", values...)
		if got := l.next(); strings.Join(got, " ") != strings.Join(values, " ") {
			t.Errorf("saw %q, want %q", got, values)
		}
	}
	interrupt(t)
	wg.Wait()
	if code != codeOK || errs.String() != "" { // that is how it is meant to end
		t.Errorf("exit %d, %s", code, errs.String())
	}
}

// TestAnInterruptEndsACommandThatWaits: the leader never answers.
func TestAnInterruptEndsACommandThatWaits(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, line := range []string{"kv get x --timeout 1h -n ", "kv bench --timeout 1h --ops set --clients 2 -n "} {
		f := serve(t, nil)
		release := f.Hold()
		var out, errs bytes.Buffer
		var code int
		var wg sync.WaitGroup
		wg.Go(func() { code = run(strings.Fields(line+f.addr), strings.NewReader(""), &out, &errs) })
		for len(f.Batches()) == 0 { // until it has asked
			runtime.Gosched()
		}
		interrupt(t)
		wg.Wait()
		release()
		f.stop()
		if code != cliutil.Interrupted {
			t.Errorf("%s: exit %d, %s", line, code, errs.String())
		}
	}
}
