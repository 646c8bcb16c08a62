package host_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/replica"
)

// failsReads fails the reads of a pump's steps while broken is set. Compactions go on: what
// they cannot read ends the store.
func failsReads(broken *bool) errorfs.Injector {
	return errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsRead && stepping() && *broken {
			return errorfs.ErrInjected
		}
		return nil
	})
}

// stepping reports whether a pump's step called this.
func stepping() bool {
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "host.(*Pump).Step") {
			return true
		}
		if !more {
			return false
		}
	}
}

// Of requests that are done all or not at all none is done where one of their keys cannot
// be read, and the leader goes on.
func TestFailedReadFailsAllTogether(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	p := open(t, s, 7, nil)
	for i := range 400 { // more than fits in memory
		step(t, p, set(fmt.Sprint("x", i), strings.Repeat("v", 2000)))
		commit(t, p)
	}
	s.Close()
	broken := false
	s = openStore(t, errorfs.Wrap(fs, failsReads(&broken)))
	defer s.Close()
	p = open(t, s, 8, nil)
	step(t, p, set("x399", "b"), set("x398", "b"))
	g := &replica.Together{}
	in := make([]replica.Input, 0, 3)
	for _, key := range []string{"x399", "x0", "x398"} {
		q := &replica.Request{Verb: replica.Update, Key: key, Together: g, Decide: func(replica.Present) (replica.Write, error) {
			return replica.Write{Verb: replica.Set, Value: []byte("c")}, nil
		}}
		g.Requests, in = append(g.Requests, q), append(in, q)
	}
	broken = true
	step(t, p, in...)
	broken = false
	step(t, p, set("x397", "b"))
	r := commit(t, p).Replies
	for i := range r {
		if failed := errors.Is(r[i].Err, errorfs.ErrInjected); failed != (i > 1 && i < 5) {
			t.Errorf("reply %d: %v", i, r[i].Err)
		}
	}
	if got := shows(p.Reader(), "x399") + shows(p.Reader(), "x398"); got != "[b][b]" || len(r) != 6 {
		t.Errorf("the others show %s after %d replies", got, len(r))
	}
}
