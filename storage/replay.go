package storage

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/disk"
	"kvd/storage/internal/ahead"
	"kvd/storage/internal/rows"
	"kvd/storage/log"
)

// putPosition says that the database's objects reflect the log up to there, with this
// batch: the ops that the frontier covers. Rows that were written with later ones may be
// there, too.
func (b *Batch) putPosition(end log.Position, f logical.Frontier) {
	b.key = append(b.key[:0], rows.PositionKey()...)
	b.value = rows.AppendPosition(b.value[:0], uint64(end), f)
	b.set()
}

// position is how much of the log the database's objects reflect.
func (s reads) position() (at log.Position, f logical.Frontier, err error) {
	_, err = s.get(rows.PositionKey(), func(v []byte) (err error) {
		at, f, err = rows.DecodePosition[log.Position](v)
		return err
	})
	return at, f, wrap(err, "read how much of the log the database holds")
}

// replayBytes is how much of the log goes into the database with one batch.
const replayBytes = 8 << 20

// replay brings the database up to the end of the log: rows as they were written, and
// objects by folding the ops again. One that is only read is shown with that laid over
// it.
func (s *Store) replay() error {
	from, applied, err := s.position()
	if err != nil {
		return err
	}
	end := s.log.End()
	if from > end {
		return fmt.Errorf("%w: the database holds the log up to %x, and the log ends at %x", disk.ErrDamaged, uint64(from), uint64(end))
	}
	if from < s.log.Begin() {
		return fmt.Errorf("%w: the database holds the log up to %x, and the log begins at %x", disk.ErrDamaged, uint64(from), uint64(s.log.Begin()))
	}
	if from == end {
		return nil
	}
	r := &replaying{store: s, applied: applied}
	if err := r.begin(); err != nil {
		return err
	}
	err = s.log.Read(from, func(g log.Group) (bool, error) { return true, r.take(g) })
	if err == nil {
		err = r.fold()
	}
	if err = errors.Join(err, r.commit()); err != nil {
		return wrap(err, "bring the database up to the end of the log")
	}
	if s.readOnly && r.end != 0 {
		s.reads.from = r.over.from
	}
	return nil
}

// replaying is a replay under way, a batch at a time.
type replaying struct {
	store   *Store
	batch   *pebble.Batch
	over    reads // the database with the batch laid over it
	end     log.Position
	bytes   int
	ahead   []ahead.Group              // that were read and not folded
	objects map[string]*resolve.Object // of the batch's keys
	policy  resolve.Policy
	folder  resolve.Folder
	applied logical.Frontier // with the op that is being folded
	err     error            // the first of a read that folding asked for
}

// begin begins a batch.
func (r *replaying) begin() error {
	r.batch = r.store.db.NewIndexedBatch()
	r.over = reads{from: r.batch, log: r.store.log}
	r.bytes, r.objects = 0, map[string]*resolve.Object{}
	return r.judge()
}

// judge reads who judges from here on.
func (r *replaying) judge() error {
	j, err := r.over.Judged()
	r.policy = j.Policy
	return err
}

// take reads a group, and folds what was read when that is enough for a batch.
func (r *replaying) take(g log.Group) error {
	own, bytes, err := ahead.Take(g)
	r.ahead, r.bytes = append(r.ahead, own), r.bytes+bytes
	if err != nil || r.bytes < replayBytes {
		return err
	}
	r.bytes = 0
	if err := r.fold(); err != nil || r.store.readOnly {
		return err
	}
	return errors.Join(r.commit(), r.begin())
}

// fold takes in what was read.
func (r *replaying) fold() error {
	ahead.Fetch(r.ahead, r.objects, r.store.Object)
	for i := range r.ahead {
		if err := r.group(&r.ahead[i]); err != nil {
			return err
		}
	}
	r.ahead = nil
	return nil
}

// group takes a group in. Its rows come first: folding asks for them.
func (r *replaying) group(g *ahead.Group) error {
	for _, note := range g.Notes {
		if err := r.rows(note); err != nil {
			return fmt.Errorf("%w: a note of the log before %x: %w", disk.ErrDamaged, uint64(g.End), err)
		}
	}
	for _, op := range g.Ops {
		if err := r.op(op); err != nil {
			return fmt.Errorf("op %s: %w", op.Dot, err)
		}
	}
	r.end = g.End
	return nil
}

// rows takes the rows that were written with a group.
func (r *replaying) rows(note []byte) error {
	var b pebble.Batch
	if err := b.SetRepr(note); err != nil {
		return err
	}
	judged := false
	for at := b.Reader(); ; {
		kind, k, v, more, err := at.Next()
		if err != nil || !more {
			if judged {
				err = errors.Join(err, r.judge())
			}
			return err
		}
		switch kind {
		case pebble.InternalKeyKindSet:
			judged = judged || bytes.Equal(k, rows.JudgedKey())
			err = r.batch.Set(k, v, nil)
		case pebble.InternalKeyKindDelete:
			err = r.batch.Delete(k, nil)
		default:
			err = fmt.Errorf("a change of kind %s is not known to this version of the program", kind)
		}
		if err != nil {
			return err
		}
	}
}

// op folds an op.
func (r *replaying) op(op *resolve.Op) error {
	o := r.objects[op.Key]
	if o == nil {
		var err error
		if o, err = r.over.Object(op.Key); err != nil {
			return err
		}
		r.objects[op.Key] = o
	}
	r.applied.Advance(op.Dot)
	r.folder.Keep(r.policy.Panel(op.Key), o, op, r)
	return r.err
}

// Op is the op with dot d, if it is applied by now.
func (r *replaying) Op(d logical.Dot) (*resolve.Op, bool) {
	if !r.applied.Covers(d) {
		return nil, false
	}
	op, found, err := r.over.Op(d)
	r.err = errors.Join(r.err, err)
	return op, found && err == nil
}

// Duplicates is the dots of d's request that are applied by now.
func (r *replaying) Duplicates(d logical.Dot) []logical.Dot {
	dots, err := r.over.Duplicates(d)
	r.err = errors.Join(r.err, err)
	dots = slices.DeleteFunc(dots, func(other logical.Dot) bool { return !r.applied.Covers(other) })
	if len(dots) < 2 { // the others came later
		return nil
	}
	return dots
}

// Lost is not asked by who keeps without judging.
func (*replaying) Lost(string, logical.Dot) resolve.Mask { return 0 }

// commit puts what was taken in into the database. One that is only read keeps it aside.
func (r *replaying) commit() error {
	b := &Batch{store: r.store, b: r.batch}
	for _, o := range r.objects {
		b.PutObject(o)
	}
	if r.end != 0 {
		b.putPosition(r.end, r.applied)
	}
	if r.store.readOnly {
		for _, o := range b.objects {
			b.keepObject(o)
		}
		return b.err
	}
	r.store.disk.Admit(r.batch.Len() + b.objectsLen)
	return errors.Join(b.apply(), r.batch.Close())
}
