package storage

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// fault keeps the first thing that went wrong beneath a store. After it nothing
// is committed any more: what the disk holds is no longer known, and only
// opening anew finds out.
type fault struct {
	first atomic.Pointer[error]
}

// set keeps err if it is the first.
func (f *fault) set(err error) {
	f.first.CompareAndSwap(nil, &err)
}

// err is the first error, nil if there is none.
func (f *fault) err() error {
	if p := f.first.Load(); p != nil {
		return fmt.Errorf("storage has stopped: %w; mend the disk and open the store again", *p)
	}
	return nil
}

// background takes the errors of flushes and compactions. A compaction that was
// cancelled for another is none.
func (f *fault) background(err error) {
	if !errors.Is(err, pebble.ErrCancelledCompaction) {
		f.set(err)
	}
}

// logger hands lines on, but takes fatal ones as faults: pebble would end the
// process, and a leader that cannot write must only stop.
type logger struct {
	pebble.Logger
	fault *fault
}

// Fatalf records the fault and returns.
func (l logger) Fatalf(format string, args ...any) {
	f := fatal{says: fmt.Sprintf(format, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			f.cause = err
		}
	}
	l.fault.set(f)
	l.Errorf("%s", f.says)
}

// fatal is pebble's last words with the error among them, if there was one.
type fatal struct {
	says  string
	cause error
}

func (f fatal) Error() string { return f.says }
func (f fatal) Unwrap() error { return f.cause }
