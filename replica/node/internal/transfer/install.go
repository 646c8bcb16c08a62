package transfer

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"kvd/logical"
	"kvd/replica/node/internal/recovery"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/file"
)

// Where a state is, beside the store.
const (
	storeDir    = "store"
	fetchingDir = "store.fetching" // is being fetched
	fetchedDir  = "store.fetched"  // is whole
	replacedDir = "store.replaced" // the old store, which everything was carried over from
	rebuiltDir  = "store.rebuilt"  // of package recovery: the store is not where it belongs
)

// Install puts a state that was fetched in the place of the store in the data directory, once
// it has what only the store had. It reports whether it did. A state that cannot be installed
// is removed, and why is logged: the store is as it was. The error says that a leader cannot
// be started now.
func Install(dir, leader string, logger *slog.Logger) (installed bool, err error) {
	in := installing{dir: dir, leader: leader, logger: logger}
	return in.run()
}

type installing struct {
	dir, leader string
	logger      *slog.Logger
	carried     int // ops

	step func(name string) // is told before each step, for tests; nil: nobody is
}

func (in *installing) run() (installed bool, err error) {
	switch {
	case !in.has(fetchedDir):
		if in.has(replacedDir) && in.has(storeDir) {
			err = in.remove(replacedDir)
		}
		return false, err
	case in.has(replacedDir) && !in.has(storeDir): // it ended between the two
		return true, in.place()
	case in.has(rebuiltDir) && !in.has(storeDir):
		return false, nil // the next start finds a store
	}
	if err := in.remove(replacedDir); err != nil {
		return false, err
	}
	if err := in.carryOver(); err != nil {
		in.logger.Error("the state that was fetched is not installed, and the store stays as it was", "leader", in.leader, "why", err.Error())
		return false, errors.Join(noteFailure(in.dir, err), in.remove(fetchedDir))
	}
	in.logger.Info("installs the state that was fetched", "leader", in.leader, "carried", in.carried)
	if err := recovery.ExpectReplaced(in.dir); err != nil {
		return false, err
	}
	if in.has(storeDir) {
		if err := in.rename(storeDir, replacedDir); err != nil {
			return false, err
		}
	}
	return true, in.place()
}

func (in *installing) path(name string) string { return filepath.Join(in.dir, name) }

func (in *installing) has(name string) bool {
	_, err := os.Lstat(in.path(name))
	return !errors.Is(err, fs.ErrNotExist)
}

func (in *installing) at(step string) {
	if in.step != nil {
		in.step(step)
	}
}

func (in *installing) rename(from, to string) error {
	in.at("rename " + from)
	if err := cmp.Or(os.Rename(in.path(from), in.path(to)), file.SyncDir(in.dir)); err != nil {
		return fmt.Errorf("install the state that was fetched: %w; start again", err)
	}
	return nil
}

func (in *installing) remove(name string) error {
	in.at("remove " + name)
	if err := os.RemoveAll(in.path(name)); err != nil {
		return fmt.Errorf("remove what is left of a state that was fetched: %w", err)
	}
	return nil
}

// place is the second half, once the old store is out of the way.
func (in *installing) place() error {
	err := in.rename(fetchedDir, storeDir)
	if err == nil {
		err = in.remove(replacedDir)
	}
	if err == nil {
		err = forgetFailures(in.dir)
	}
	return err
}

// carryOver puts into the state what only the old store has.
func (in *installing) carryOver() (err error) {
	in.at("carry over")
	to, err := storage.Open(storage.Options{Dir: in.path(fetchedDir), Sync: storage.SyncNever, Cache: 8 << 20})
	if err != nil {
		return err
	}
	if in.has(storeDir) {
		var from *storage.Store
		if from, err = storage.Open(storage.Options{Dir: in.path(storeDir), ReadOnly: true, Cache: 8 << 20}); err == nil {
			err = errors.Join(in.carry(from, to), from.Close())
		}
	} else {
		err = in.carry(nil, to)
	}
	return errors.Join(err, to.Close())
}

// carry carries over from one store to another. From is nil where there was none.
func (in *installing) carry(from, to *storage.Store) error {
	state, found, err := to.State()
	if err != nil {
		return err
	}
	if !found {
		return errors.New("it holds nothing")
	}
	own, origins := storage.State{}, []logical.Origin(nil)
	b := to.NewBatch()
	defer b.Close()
	if from != nil {
		if own, _, err = from.State(); err == nil {
			origins, err = from.Incarnations()
		}
		if err == nil && !state.Frontier.Includes(from.Log().Removed()) {
			err = errors.New("the store here is ahead of it, and its log does not keep all ops that the state lacks")
		}
		if err == nil {
			err = errors.Join(in.ops(from, b, own.Frontier, state.Frontier), in.waiting(from, b, state.Frontier), in.contested(from, to, b, state.Frontier))
		}
		if err != nil {
			return err
		}
	}
	if own.Origin != 0 && own.Frontier.At(own.Origin) > 0 && !slices.Contains(origins, own.Origin) {
		origins = append(origins, own.Origin)
	}
	slices.Sort(origins)
	b.PutIncarnations(origins)
	state.Origin, state.Lamport = own.Origin, max(state.Lamport, own.Lamport)
	if state.HLC.Compare(own.HLC) < 0 {
		state.HLC = own.HLC
	}
	state.Floor = max(state.Floor, own.Floor) // leaders count on what this one promised, and on what anybody did before it came
	b.PutState(state)
	in.at("commit")
	return b.Commit()
}

// batchBytes is how much is committed at once.
const batchBytes = 1 << 20

// ops carries over what is in the log and not in the state.
func (in *installing) ops(from *storage.Store, b *storage.Batch, have, state logical.Frontier) error {
	for d := range have.All() {
		err := from.LogEntries(d.Origin, state.At(d.Origin)+1, func(seq logical.Seq, encoded []byte) (bool, error) {
			in.carried++
			b.PutWaiting(logical.Dot{Origin: d.Origin, Seq: seq}, encoded)
			return true, in.commitLarge(b)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// waiting carries over what waits in the old store to be applied again.
func (in *installing) waiting(from *storage.Store, b *storage.Batch, state logical.Frontier) error {
	waiting, err := from.Waiting()
	if err != nil {
		return err
	}
	for d := range waiting.All() {
		for next := state.At(d.Origin) + 1; next <= d.Seq; {
			ops, err := from.WaitingOps(d.Origin, next, 1024, batchBytes)
			if err != nil {
				return err
			}
			for _, op := range ops {
				in.carried++
				b.PutWaiting(op.Dot, codec.AppendOp(nil, op))
				next = op.Dot.Seq + 1
			}
			if err := in.commitLarge(b); err != nil || len(ops) == 0 {
				return err
			}
		}
	}
	return nil
}

// contested carries over what is known of dots that were given twice: what others have under
// them, and what the log here has, if the state does not know of it.
func (in *installing) contested(from, to *storage.Store, b *storage.Batch, state logical.Frontier) (err error) {
	last, known := logical.Dot{}, false
	failed := from.Conflicts(logical.Dot{}, func(op *resolve.Op) bool {
		if d := op.Dot; d != last {
			var there []*resolve.Op
			if there, err = to.ConflictsOf(d); err != nil {
				return false
			}
			last, known = d, len(there) > 0
			ours, found, failed := from.Op(d)
			if err = failed; err != nil {
				return false
			}
			if found && !known && state.Covers(d) {
				b.PutConflict(ours)
			}
		}
		b.PutConflict(op)
		return true
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	return from.Settled(func(d, by logical.Dot) bool {
		b.PutSettled(d, by)
		return true
	})
}

func (in *installing) commitLarge(b *storage.Batch) error {
	if b.Size() < batchBytes {
		return nil
	}
	in.at("commit")
	return b.Commit()
}
