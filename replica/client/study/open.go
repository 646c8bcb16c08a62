package study

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/replay"
	"kvd/storage"
	"kvd/storage/history"
	"kvd/wallclock"
)

// Damaged is a history file that cannot be read to its end.
type Damaged = history.Damaged

// OpenFile opens an exported history. Errors call it by name. Of a damaged one, partial
// takes what can be read; else the error is a *Damaged. A prefix leaves out the ops of
// other keys.
func OpenFile(path, name, prefix string, partial bool) (Subject, error) {
	f, err := history.Open(history.Options{Path: path, Name: name, Partial: partial})
	if err != nil {
		return Subject{}, err
	}
	h := &f.Header
	s := Subject{Source: only{f, prefix}, Policy: h.Policy, Cluster: h.Cluster, Leader: h.Leader, At: h.At, Prefix: h.Prefix, UpTo: h.UpTo, Ops: f.Ops}
	if !f.Whole {
		s.Missing = fmt.Sprintf("the file is damaged after %d ops", f.Ops)
	}
	return s, nil
}

// Reaches reports whether the subject can have keys that begin with a prefix.
func (s *Subject) Reaches(prefix string) bool {
	return strings.HasPrefix(prefix, s.Prefix) || strings.HasPrefix(s.Prefix, prefix)
}

// only is a source without the ops of other keys.
type only struct {
	replay.Source
	prefix string
}

func (o only) All() iter.Seq[*resolve.Op] {
	return func(yield func(*resolve.Op) bool) {
		for op := range o.Source.All() {
			if strings.HasPrefix(op.Key, o.prefix) && !yield(op) {
				return
			}
		}
	}
}

// UnknownPolicy is a store that does not say who served it. Its text is the store's.
type UnknownPolicy struct{ Err error }

func (u *UnknownPolicy) Error() string { return u.Err.Error() }
func (u *UnknownPolicy) Unwrap() error { return u.Err }

// OpenStopped opens the data directory of a leader that does not run, or a copy of one,
// to be read only. The policy is who is taken to have served, unless told is false and
// the store says who did; the error is an *UnknownPolicy where it should say and cannot.
// The caller calls done.
func OpenStopped(path, prefix string, policy resolve.Policy, told bool) (s Subject, done func(), err error) {
	store, state, err := openStore(path)
	if err != nil {
		return s, nil, err
	}
	s = Subject{Prefix: prefix, Policy: policy, UpTo: state.Frontier, At: wallclock.Instant(state.HLC.Wall)}
	if !told {
		j, err := store.Judged()
		if err != nil {
			return s, nil, &UnknownPolicy{errors.Join(err, store.Close())}
		}
		if !j.Unknown {
			s.Policy = j.Policy
		}
	}
	s.Source = replay.Merge(store, state.Frontier, prefix)
	if prefix == "" { // how many of them have it is not known
		s.Ops = opsOf(state.Frontier)
	}
	return s, func() { _ = store.Close() }, nil // it was only read
}

// openStore opens a store to be read only: that of a data directory, or the directory
// itself.
func openStore(path string) (*storage.Store, storage.State, error) {
	if _, err := os.Stat(filepath.Join(path, "store")); err == nil {
		path = filepath.Join(path, "store")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, storage.State{}, err
	}
	if found, err := filepath.Glob(filepath.Join(path, "marker.manifest.*")); err != nil || len(found) == 0 {
		return nil, storage.State{}, errors.Join(errors.New("there is no store in it"), err) // opening would leave a lock behind
	}
	store, err := storage.Open(storage.Options{Dir: path, ReadOnly: true})
	if err != nil {
		return nil, storage.State{}, err
	}
	state, found, err := store.State()
	if err == nil && (!found || state.Frontier.Compare(logical.Frontier{}) == logical.Equal) {
		err = errors.New("no leader has written there yet")
	}
	if err != nil {
		return nil, state, errors.Join(err, store.Close())
	}
	return store, state, nil
}
