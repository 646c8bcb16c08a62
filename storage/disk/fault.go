package disk

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// ErrStopped is part of the error of every commit after the first failure.
var ErrStopped = errors.New("storage has stopped")

// ErrDamaged says that what was read is not what was written.
var ErrDamaged = errors.New("the store is damaged")

// fault keeps the first thing that went wrong beneath a store. After it nothing
// is committed any more: what the disk holds is no longer known, and only
// opening it again finds out. Damage to what is read stops nothing.
type fault struct {
	first   atomic.Pointer[error]
	failed  chan struct{} // closed with the first
	damage  atomic.Pointer[error]
	backlog backlog
}

// set keeps err if it is the first.
func (f *fault) set(err error) {
	if f.first.CompareAndSwap(nil, &err) {
		close(f.failed)
	}
	f.backlog.mu.Lock() // who is about to wait has not seen it
	defer f.backlog.mu.Unlock()
	f.backlog.wake.Broadcast()
}

// err is the first error, nil if there is none.
func (f *fault) err() error {
	if p := f.first.Load(); p != nil {
		return fmt.Errorf("%w: %w", ErrStopped, Advised(*p))
	}
	return nil
}

// background takes the errors of flushes and compactions. A compaction that was
// cancelled for another is none, and damage that one finds stops no commit.
func (f *fault) background(err error) {
	switch {
	case errors.Is(err, pebble.ErrCancelledCompaction):
	case pebble.IsCorruptionError(err):
		f.noteDamage(err)
	default:
		f.set(err)
	}
}

// noteDamage keeps the first damage that was found.
func (f *fault) noteDamage(err error) {
	err = plain{err}
	f.damage.CompareAndSwap(nil, &err)
}

// corrupted takes what pebble says of a file that is not as it was written.
func (f *fault) corrupted(i pebble.DataCorruptionInfo) {
	f.noteDamage(fmt.Errorf("%w: %s: %w", ErrDamaged, i.Path, i.Details))
}

// logger hands lines on, but takes fatal ones as faults: pebble would end the
// process, and a leader that cannot write must only stop. What comes after a
// fault says it again, and is dropped.
type logger struct {
	pebble.Logger
	fault *fault
}

// Errorf passes on what is said before the first fault.
func (l logger) Errorf(format string, args ...any) {
	if l.fault.first.Load() == nil && l.fault.damage.Load() == nil {
		l.Logger.Errorf(format, args...)
	}
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
}

// fatal is pebble's last words with the error among them, if there was one.
type fatal struct {
	says  string
	cause error
}

func (f fatal) Error() string { return f.says }
func (f fatal) Unwrap() error { return f.cause }

// Quiet is the logger that only speaks up about errors.
type Quiet struct{}

// Infof says nothing.
func (Quiet) Infof(string, ...any) {}

// Errorf says what failed.
func (Quiet) Errorf(format string, args ...any) { pebble.DefaultLogger.Errorf(format, args...) }

// Fatalf says what failed, and returns.
func (Quiet) Fatalf(format string, args ...any) { pebble.DefaultLogger.Errorf(format, args...) }
