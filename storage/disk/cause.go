package disk

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// ErrInUse says that another process, or another store of this one, has the
// directory.
var ErrInUse = errors.New("the directory is in use")

// Cause is a kind of reason why a store does not work.
type Cause uint8

// The causes.
const (
	Unknown   Cause = iota
	InUse           // somebody else has the directory
	Full            // no space is left
	Unwritten       // the filesystem is mounted for reading only
	Denied          // the user may not
	Failing         // reading or writing fails beneath the filesystem
	Damaged         // what is there is not what was written
)

// CauseOf finds the cause of an error of this package.
func CauseOf(err error) Cause {
	is := func(all ...error) bool {
		for _, e := range all {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return Unknown
	case is(ErrInUse):
		return InUse
	case is(syscall.ENOSPC, syscall.EDQUOT):
		return Full
	case is(syscall.EROFS):
		return Unwritten
	case is(syscall.EACCES, syscall.EPERM):
		return Denied
	case is(syscall.EIO):
		return Failing
	case is(ErrDamaged, pebble.ErrDBNotPristine, fs.ErrNotExist), pebble.IsCorruptionError(err):
		return Damaged
	}
	return Unknown
}

// Advice says what to do about it; empty: nobody knows.
func (c Cause) Advice() string {
	switch c {
	case InUse:
		return "another process has it open: stop that one, or give this one a directory of its own"
	case Full:
		return "the disk is full: make room there, and start again what has ended"
	case Unwritten:
		return "the filesystem is mounted for reading only: mount it for writing, or name another directory"
	case Denied:
		return "this user may not write there: change the owner of the directory, or name another one"
	case Failing:
		return "the disk fails: look at the machine's log, replace the disk, and start again with the directory or without it"
	case Damaged:
		return "what is on disk is not what was written"
	}
	return ""
}

// plain is an error without what its library adds for its own eyes.
type plain struct{ error }

func (p plain) Error() string {
	return strings.ReplaceAll(p.error.Error(), "\n<corruption detail carrier>", "")
}
func (p plain) Unwrap() error { return p.error }

// Advised is err with what to do about it.
func Advised(err error) error {
	if err == nil {
		return nil
	}
	advice := CauseOf(err).Advice()
	if advice == "" {
		return plain{err}
	}
	return &advisedError{plain{err}, advice}
}

type advisedError struct {
	error
	advice string
}

func (e *advisedError) Error() string { return e.error.Error() + "; " + e.advice }
func (e *advisedError) Unwrap() error { return e.error }

// heldByAnother reports whether a lock was not had because somebody has it.
// Opening the file of a lock fails with a path, and locking it without one.
func heldByAnother(err error) bool {
	var path *fs.PathError
	if errors.As(err, &path) {
		return false
	}
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "lock held by current process")
}
