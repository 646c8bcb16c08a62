package storage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"

	"kvd/logical"
	"kvd/storage/codec"
)

// Salvaged is what was found in the files of a damaged store.
type Salvaged struct {
	Ops      int64            // of the log
	Claimed  logical.Frontier // how far the store had come, by what is left of it
	Lives    []logical.Origin // the leader's own, ascending
	Unread   []string         // files, and why they could not be read to their end
	Examined int              // files
}

// Salvage reads every file of the damaged store in dir, whether pebble still knows
// of it or not, and puts the log's ops into to, where they wait to be applied
// again ([Store.Waiting]). A dot has one content for ever, so it does not matter
// which of several files an op is taken from. Everything else a store holds
// follows from the log, but for what other leaders have under its dots, which is kept
// as it was ([Batch.PutConflict]). Dir stays as it is; a store that is open elsewhere is
// refused with ErrInUse.
func Salvage(fs vfs.FS, dir string, to *Store) (*Salvaged, error) {
	lock, err := newDisk(fs, newFault()).Lock(fs.PathJoin(dir, "LOCK"))
	if err != nil {
		return nil, fmt.Errorf("salvage %s: %w", dir, advised(err))
	}
	defer lock.Close()
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("salvage %s: %w", dir, advised(err))
	}
	slices.Sort(names)
	s := salvage{to: to.NewBatch(), found: &Salvaged{}}
	defer s.to.Close()
	for _, name := range names {
		read := s.table
		switch {
		case strings.HasSuffix(name, ".blob"):
			read = s.values
		case !strings.HasSuffix(name, ".sst"):
			continue
		}
		s.found.Examined++
		if err := read(fs, fs.PathJoin(dir, name)); err != nil {
			s.unread(name, err)
		}
	}
	if err := s.logs(fs, dir); err != nil {
		s.unread("the logs", err)
	}
	if s.err != nil {
		return nil, fmt.Errorf("salvage %s: %w", dir, s.err)
	}
	s.to.PutIncarnations(s.found.Lives)
	return s.found, s.to.commit(pebble.Sync)
}

type salvage struct {
	to    *Batch
	found *Salvaged
	err   error // of the store that is written
}

// readableOf opens a file of pebble's, and says how the database would read it.
func readableOf(fs vfs.FS, path string) (objstorage.Readable, sstable.ReaderOptions, error) {
	var p pebble.Options
	p.EnsureDefaults()
	o := p.MakeReaderOptions()
	f, err := fs.Open(path)
	if err != nil {
		return nil, o, err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return nil, o, errors.Join(err, f.Close())
	}
	return readable, o, nil
}

// table reads a table of pebble's.
func (s *salvage) table(fs vfs.FS, path string) (err error) {
	defer recovered(&err)
	readable, o, err := readableOf(fs, path)
	if err != nil {
		return err
	}
	r, err := sstable.NewReader(context.Background(), readable, o)
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	defer r.Close()
	var errs []error
	for _, letter := range []byte{inLog, inMeta, inSalvaged, inConflicts, inSettled} {
		errs = append(errs, s.rows(r, []byte{letter}, []byte{letter + 1}))
	}
	return errors.Join(errs...)
}

// rows reads a table's rows from lower to upper, upwards, and where not even the
// first can be read, downwards.
func (s *salvage) rows(r *sstable.Reader, lower, upper []byte) error {
	p := pass{salvage: s, r: r, lower: lower, upper: upper, up: true}
	err := p.all()
	if err != nil && p.last == nil {
		p.up = false
		_ = p.all() // it ends where the other did, or before
	}
	return err
}

// pass reads the rows of a table in one direction. Where a block cannot be read, it
// looks ahead for the next that can, by ever longer steps in the log of the origin
// that it was reading, and from there back for what it passed over.
type pass struct {
	*salvage
	r            *sstable.Reader
	lower, upper []byte // of what is not read yet
	up           bool
	last         []byte // row that was read; nil: none was
}

// all reads what can be read, and gives the first error.
func (p *pass) all() (err error) {
	at, step := []byte(nil), logical.Seq(1)
	for p.err == nil {
		last, failed := p.run(at, p.up)
		if at != nil && (last != nil || failed == nil) {
			_, _ = p.run(at, !p.up) // it ends at the block that failed before
		}
		if failed == nil {
			return err
		}
		err = cmp.Or(err, failed)
		if last != nil {
			p.read(last)
			at, step = last, 1
		}
		if at = p.beyond(at, step); at == nil {
			return err
		}
		step *= 2
	}
	return err
}

// read notes how far has been read.
func (p *pass) read(last []byte) {
	if p.last = last; p.up {
		p.lower = append(slices.Clone(last), 0)
	} else {
		p.upper = last
	}
}

// beyond is the key of the op that is so many further; nil: nobody knows of one.
func (p *pass) beyond(at []byte, step logical.Seq) []byte {
	if len(at) < logKeyBytes || step > 1<<40 {
		return nil
	}
	d := dotOf(at)
	switch {
	case p.up:
		d.Seq += step
	case d.Seq == 0:
		return nil
	default:
		d.Seq -= min(step, d.Seq)
	}
	return appendDotKey(nil, at[0], d)
}

// run reads rows from a key on, or from the end of what is not read yet, until one
// cannot be read, and gives the key of the last that could; nil: not even the first.
func (p *pass) run(at []byte, up bool) (last []byte, err error) {
	lower, upper := p.lower, p.upper
	if at != nil && up {
		lower = at
	} else if at != nil {
		upper = at
	}
	it, err := p.r.NewIter(sstable.NoTransforms, lower, upper, withoutValues())
	if err != nil {
		return nil, err
	}
	kv, next := it.SeekGE(lower, 0), it.Next
	if !up {
		kv, next = it.SeekLT(upper, 0), it.Prev
	}
	for ; kv != nil && p.err == nil; kv = next() {
		v, _, err := kv.Value(nil)
		if err != nil {
			return last, errors.Join(err, it.Close())
		}
		if kv.Kind() == pebble.InternalKeyKindSet || kv.Kind() == pebble.InternalKeyKindSetWithDelete {
			p.take(kv.K.UserKey, v)
		}
		last = append(last[:0], kv.K.UserKey...)
	}
	return last, cmp.Or(it.Error(), it.Close())
}

// logs reads pebble's write-ahead logs, each as far as it goes.
func (s *salvage) logs(fs vfs.FS, dir string) error {
	all, err := wal.Scan(wal.Dir{FS: fs, Dirname: dir})
	if err != nil {
		return err
	}
	for _, l := range all {
		s.found.Examined++
		if err := s.log(l.OpenForRead()); err != nil {
			s.unread(fmt.Sprintf("%s.log", l.Num), err)
		}
	}
	return nil
}

func (s *salvage) log(r wal.Reader) (err error) {
	defer r.Close()
	defer recovered(&err)
	for s.err == nil {
		next, _, err := r.NextRecord()
		var repr []byte
		if err == nil {
			repr, err = io.ReadAll(next)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, record.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
		if err := s.record(repr); err != nil {
			return err
		}
	}
	return nil
}

// record reads a batch as the log has it.
func (s *salvage) record(repr []byte) error {
	if len(repr) < batchrepr.HeaderLen {
		return ErrDamaged
	}
	for b := batchrepr.Read(repr); ; {
		kind, k, v, ok, err := b.Next()
		if err != nil || !ok {
			return err
		}
		if kind == pebble.InternalKeyKindSet {
			s.take(k, v)
		}
	}
}

func (s *salvage) unread(name string, err error) {
	s.found.Unread = append(s.found.Unread, fmt.Sprintf("%s: %v", name, err))
}

// recovered takes a panic of a reader for damage.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, r)
	}
}

// take takes a row of the log, or what says how far the log went.
func (s *salvage) take(k, v []byte) {
	switch {
	case len(k) == logKeyBytes && (k[0] == inLog || k[0] == inSalvaged):
		s.found.Claimed = join(s.found.Claimed, dotOf(k)) // its value may be in another file, or nowhere any more
		op, err := codec.DecodeOp(v)
		if err != nil || !bytes.Equal(appendLogKey(nil, op.Dot)[1:], k[1:]) {
			return
		}
		s.found.Ops++
		s.to.key = append(append(s.to.key[:0], inSalvaged), k[1:]...)
		s.to.value = append(s.to.value[:0], v...)
		s.to.set()
		s.err = s.to.relieve()
	case len(k) > 0 && (k[0] == inConflicts || k[0] == inSettled):
		s.takeConflict(k, v)
		s.err = s.to.relieve()
	case bytes.Equal(k, appendStateKey(nil)):
		if st, err := decodeState(v); err == nil {
			s.found.Claimed = s.found.Claimed.Join(st.Frontier)
		}
	case bytes.Equal(k, appendIncarnationsKey(nil)):
		if lives, err := decodeIncarnations(v); err == nil {
			s.found.Lives = slices.Compact(sorted(append(s.found.Lives, lives...)))
		}
	}
}

func sorted(lives []logical.Origin) []logical.Origin {
	slices.Sort(lives)
	return lives
}

// join is f with d covered.
func join(f logical.Frontier, d logical.Dot) logical.Frontier {
	if !f.Covers(d) {
		f.Advance(d)
	}
	return f
}

// dotOf is the dot in a key of the log.
func dotOf(k []byte) logical.Dot {
	return logical.Dot{Origin: logical.Origin(binary.BigEndian.Uint64(k[1:])), Seq: logical.Seq(binary.BigEndian.Uint64(k[9:]))}
}
