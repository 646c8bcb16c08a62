package identity

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"kvd/logical"
)

// Run is what the next start must know of an incarnation.
type Run struct {
	Origin logical.Origin `json:"origin"`
	Seq    logical.Seq    `json:"seq"` // the log of the origin reached at least as far
	// Statuses is how many numbers were given to statuses under the origin. An incarnation
	// that did not stop in order has not said; what [Keeper.Recall] gives is more.
	Statuses uint64 `json:"statuses"`
	Clean    bool   `json:"clean"`  // it stopped in order: Seq is where the log ends
	Synced   bool   `json:"synced"` // what was acknowledged was on disk before
	Boot     string `json:"boot"`   // of the machine; filled in by [Keeper.Begin]
}

// unsaidStatuses is more statuses than one incarnation numbers.
const unsaidStatuses = 1 << 40

// ErrNone says that no leader ever ran on the directory, or that its last origin was
// given up.
var ErrNone = errors.New("the data directory has no mark of a former incarnation")

// Ends is why a log that ends there is not the one that the run left; nil: it is.
func (r *Run) Ends(at logical.Seq) error {
	switch {
	case at < r.Seq:
		return fmt.Errorf("the log of origin %s was known to reach %d, and ends at %d: it is an older one, or lost its end", r.Origin, r.Seq, at)
	case r.Clean && at > r.Seq:
		return fmt.Errorf("the log of origin %s was closed at %d, and ends at %d: somebody else wrote to it", r.Origin, r.Seq, at)
	}
	return nil
}

// whole is why the log may lack what was acknowledged; nil: it has it.
func (r *Run) whole() error {
	if r.Clean || r.Synced || r.Boot != "" && r.Boot == boot() {
		return nil
	}
	return errors.New("the machine was restarted under a leader that acknowledges before it syncs: the log may lack what others have")
}

// Keeper keeps the mark and the attestation of one data directory. All methods may be
// called from several goroutines.
type Keeper struct {
	mu   sync.Mutex
	a    attester
	said *attestation // the last one, if it agrees with the mark; nil: nothing is attested
}

// NewKeeper is for the data directory dir. An empty stateDir keeps the attestation in it.
func NewKeeper(dir, stateDir string) *Keeper { return &Keeper{a: attester{dir: dir, state: stateDir}} }

// Recall is how the last incarnation was run, if this is the very directory that it ran
// on and nothing on this machine says that the log is not whole. Otherwise it says why
// its origin must not be resumed. Nothing is changed by it.
func (k *Keeper) Recall() (Run, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m, err := readMark(k.a.dir)
	if err == nil && m == nil {
		err = ErrNone
	}
	if err != nil {
		return Run{}, err
	}
	said, err := k.a.read(m)
	if err == nil {
		err = said.Run.whole()
	}
	if err != nil {
		return Run{}, err
	}
	k.said = said
	run := said.Run
	if !run.Clean {
		run.Statuses += unsaidStatuses
	}
	return run, nil
}

// Begin must return before anything is accepted under the run's origin. It announces a
// new mark, writes it, and attests it, so that whatever ends that before its end leaves
// what can be believed. unattested is why the next start will begin a new origin; the
// error, that it might believe what does not hold any more: then nobody may begin.
func (k *Keeper) Begin(run Run) (unattested, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	token := rand.Text()
	run.Clean, run.Boot = false, boot()
	if k.said != nil && k.said.Run.Origin == run.Origin {
		announced := *k.said
		announced.Next = token
		unattested = k.a.write(&announced)
	}
	k.said = nil
	unwritten, err := writeMark(k.a.dir, mark{run.Origin, token})
	if unattested = errors.Join(unattested, unwritten); unattested != nil || err != nil {
		return unattested, err
	}
	dir, err := filepath.Abs(k.a.dir)
	if err != nil {
		return err, nil
	}
	said := &attestation{Token: token, Dir: dir, Machine: machine(), Run: run}
	if said.inode, err = k.a.present(); err == nil {
		err = k.a.write(said)
	}
	if err != nil {
		return err, nil
	}
	k.said = said
	k.a.forgetOldest()
	return nil, nil
}

// Witness says that the log of the origin has come so far.
func (k *Keeper) Witness(seq logical.Seq) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.said == nil || seq <= k.said.Run.Seq {
		return nil
	}
	k.said.Run.Seq = seq
	return k.a.write(k.said)
}

// End says that the leader stopped in order, that the log of the origin ends at seq, and
// how many statuses it numbered. Nothing may be written to the store afterwards. Where it
// fails the stop counts as a crash.
func (k *Keeper) End(seq logical.Seq, statuses uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.said == nil {
		return nil
	}
	k.said.Run.Clean, k.said.Run.Seq, k.said.Run.Statuses = true, seq, statuses
	return k.a.write(k.said)
}

// Drop gives the origin up: the next start begins another. The mark or the attestation is
// gone afterwards; they may lie on different disks, one of which may have failed.
func (k *Keeper) Drop() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.said = nil
	if k.a.remove() == nil {
		_ = removeMark(k.a.dir) // without an attestation it says nothing
		return nil
	}
	return removeMark(k.a.dir)
}
