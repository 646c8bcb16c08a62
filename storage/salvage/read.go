package salvage

import (
	"cmp"
	"context"
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
	"github.com/cockroachdb/pebble/v2/sstable/blob"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"

	"kvd/storage/disk"
)

// Rows says which rows are wanted, and takes them.
type Rows struct {
	// Letters are what the keys of wanted rows begin with. Logs are read whole.
	Letters []byte
	// Take gets a row that was found, perhaps several times and in any order. The bytes
	// are lent. An error ends the reading.
	Take func(key, value []byte) error
	// KeyOf is the key of a row that is known by its separated value alone; nil: the
	// value does not say.
	KeyOf func(value []byte) []byte
	// Skip is a key so many rows behind the one at hand, or before it; nil: nobody knows
	// of one.
	Skip func(at []byte, rows uint64, up bool) []byte
}

// Report is what became of the files.
type Report struct {
	Examined int
	Unread   []string // files, and why they could not be read to their end
}

// Read reads every file of the damaged store in dir, whether pebble still knows of it or
// not. Dir stays as it is; a store that is open elsewhere is refused with
// [disk.ErrInUse].
func Read(fs vfs.FS, dir string, rows Rows) (*Report, error) {
	lock, err := disk.LockDir(fs, dir)
	if err != nil {
		return nil, disk.Advised(err)
	}
	defer lock.Close()
	names, err := fs.List(dir)
	if err != nil {
		return nil, disk.Advised(err)
	}
	slices.Sort(names)
	r := reader{Rows: rows}
	for _, name := range names {
		read := r.table
		switch {
		case strings.HasSuffix(name, ".blob"):
			read = r.values
		case !strings.HasSuffix(name, ".sst"):
			continue
		}
		r.report.Examined++
		if err := read(fs, fs.PathJoin(dir, name)); err != nil {
			r.unread(name, err)
		}
	}
	if err := r.logs(fs, dir); err != nil {
		r.unread("the logs", err)
	}
	return &r.report, r.err
}

type reader struct {
	Rows
	report Report
	err    error // of Take
}

// take hands a row on.
func (r *reader) take(k, v []byte) {
	if r.err == nil {
		r.err = r.Take(k, v)
	}
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

// openTable opens a table.
func openTable(fs vfs.FS, path string) (*sstable.Reader, error) {
	readable, o, err := readableOf(fs, path)
	if err != nil {
		return nil, err
	}
	t, err := sstable.NewReader(context.Background(), readable, o)
	if err != nil {
		return nil, errors.Join(err, readable.Close())
	}
	return t, nil
}

// openValues opens a file of separated values.
func openValues(fs vfs.FS, path string) (*blob.FileReader, error) {
	readable, o, err := readableOf(fs, path)
	if err != nil {
		return nil, err
	}
	f, err := blob.NewFileReader(context.Background(), readable, blob.FileReaderOptions{ReaderOptions: o.ReaderOptions})
	if err != nil {
		return nil, errors.Join(err, readable.Close())
	}
	return f, nil
}

// table reads a table of pebble's.
func (r *reader) table(fs vfs.FS, path string) (err error) {
	defer recovered(&err)
	t, err := openTable(fs, path)
	if err != nil {
		return err
	}
	defer t.Close()
	var errs []error
	for _, letter := range r.Letters {
		errs = append(errs, r.rows(t, []byte{letter}, []byte{letter + 1}))
	}
	return errors.Join(errs...)
}

// rows reads a table's rows from lower to upper, upwards, and where not even the
// first can be read, downwards.
func (r *reader) rows(table *sstable.Reader, lower, upper []byte) error {
	p := pass{reader: r, table: table, lower: lower, upper: upper, up: true}
	err := p.all()
	if err != nil && p.last == nil {
		p.up = false
		_ = p.all() // it ends where the other did, or before
	}
	return err
}

// pass reads the rows of a table in one direction. Where a block cannot be read, it
// looks ahead for the next that can, by ever longer steps ([Rows].Skip), and from there
// back for what it passed over.
type pass struct {
	*reader
	table        *sstable.Reader
	lower, upper []byte // of what is not read yet
	up           bool
	last         []byte // row that was read; nil: none was
}

// all reads what can be read, and gives the first error.
func (p *pass) all() (err error) {
	at, step := []byte(nil), uint64(1)
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
		if at = p.Skip(at, step, p.up); at == nil {
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

// run reads rows from a key on, or from the end of what is not read yet, until one
// cannot be read, and gives the key of the last that could; nil: not even the first.
func (p *pass) run(at []byte, up bool) (last []byte, err error) {
	lower, upper := p.lower, p.upper
	if at != nil && up {
		lower = at
	} else if at != nil {
		upper = at
	}
	it, err := p.table.NewIter(sstable.NoTransforms, lower, upper, withoutValues())
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
func (r *reader) logs(fs vfs.FS, dir string) error {
	all, err := wal.Scan(wal.Dir{FS: fs, Dirname: dir})
	if err != nil {
		return err
	}
	for _, l := range all {
		r.report.Examined++
		if err := r.log(l.OpenForRead()); err != nil {
			r.unread(fmt.Sprintf("%s.log", l.Num), err)
		}
	}
	return nil
}

func (r *reader) log(records wal.Reader) (err error) {
	defer records.Close()
	defer recovered(&err)
	for r.err == nil {
		next, _, err := records.NextRecord()
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
		if err := r.record(repr); err != nil {
			return err
		}
	}
	return nil
}

// record reads a batch as the log has it.
func (r *reader) record(repr []byte) error {
	if len(repr) < batchrepr.HeaderLen {
		return disk.ErrDamaged
	}
	for b := batchrepr.Read(repr); ; {
		kind, k, v, ok, err := b.Next()
		if err != nil || !ok {
			return err
		}
		if kind == pebble.InternalKeyKindSet {
			r.take(k, v)
		}
	}
}

func (r *reader) unread(name string, err error) {
	r.report.Unread = append(r.report.Unread, fmt.Sprintf("%s: %v", name, err))
}

// recovered takes a panic of a reader for damage.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", disk.ErrDamaged, p)
	}
}
