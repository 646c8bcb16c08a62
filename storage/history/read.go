package history

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/resolve"
	"kvd/storage/codec"
)

// File is a history that can be gone through repeatedly.
type File struct {
	Options
	Header Header
	Ops    int   // how many can be read
	Whole  bool  // the end is there and fits; always, unless Partial was asked for
	begins int64 // where the ops do
	err    error
}

// Damaged says that a file is not whole, and how much of it is.
type Damaged struct {
	Path     string
	Readable int // ops before the damage
	Why      error
}

func (d *Damaged) Error() string {
	return fmt.Sprintf("history %s is not whole: %v; %d ops before that can be read", d.Path, d.Why, d.Readable)
}

func (d *Damaged) Unwrap() error { return d.Why }

// Open reads the header, and looks whether the file is whole: it goes through all
// of it once. A damaged one fails with a *Damaged unless Partial is set; without
// a header nothing can be read at all.
func Open(o Options) (*File, error) {
	f := &File{Options: o.withDefaults()}
	f.Name = cmp.Or(f.Name, f.Path)
	in, err := f.FS.Open(f.Path, vfs.SequentialReadsOption)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	defer in.Close() // it was only read
	digest := xxhash.New()
	r := &frames{r: io.TeeReader(bufio.NewReaderSize(in, bufferBytes), digest)}
	if err := f.readHeader(r); err != nil {
		return nil, fmt.Errorf("read history %s: %w", f.Name, err)
	}
	if err := f.count(r, digest); err != nil {
		if !o.Partial {
			return nil, &Damaged{f.Name, f.Ops, err}
		}
		return f, nil
	}
	f.Whole = true
	return f, nil
}

func (f *File) readHeader(r *frames) error {
	begin := make([]byte, len(magic))
	if _, err := io.ReadFull(r.r, begin); err != nil || string(begin[:len(magic)-1]) != magic[:len(magic)-1] {
		return errors.New("it does not begin like a history file; kv export writes them")
	}
	if string(begin) != magic {
		return fmt.Errorf("its layout has version %q, and this program reads %q", begin[len(magic)-1], magic[len(magic)-1])
	}
	k, body, err := r.next()
	if err == nil && k != headerKind {
		err = errors.New("it has no header")
	}
	if err != nil {
		return err
	}
	f.begins = int64(len(magic) + headBytes + len(body))
	f.Header, err = decodeHeader(body)
	return err
}

// count goes through the frames to the end.
func (f *File) count(r *frames, digest *xxhash.Digest) error {
	for {
		sum := digest.Sum64()
		k, body, err := r.next()
		switch {
		case err != nil:
			return err
		case k == opKind:
			f.Ops++
		case k != endKind || len(body) != endBytes:
			return errors.New("a frame stands where none of its kind may")
		case binary.BigEndian.Uint64(body) != uint64(f.Ops):
			return fmt.Errorf("it was written with %d ops", binary.BigEndian.Uint64(body))
		case binary.BigEndian.Uint64(body[8:]) != sum:
			return errors.New("its digest does not fit")
		default:
			return last(r.r)
		}
	}
}

// last fails if anything follows.
func last(r io.Reader) error {
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return errors.New("something follows its end")
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// Err is why the last All ended early; nil: it did not.
func (f *File) Err() error { return f.err }

// All yields the ops. Each is the caller's.
func (f *File) All() iter.Seq[*resolve.Op] {
	return func(yield func(*resolve.Op) bool) { f.err = f.each(yield) }
}

func (f *File) each(yield func(*resolve.Op) bool) error {
	in, err := f.FS.Open(f.Path, vfs.SequentialReadsOption)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	defer in.Close() // it was only read
	whole := bufio.NewReaderSize(in, bufferBytes)
	if _, err := io.CopyN(io.Discard, whole, f.begins); err != nil {
		return fmt.Errorf("read history %s: %w", f.Name, cut(err))
	}
	r := &frames{r: whole}
	for n := range f.Ops {
		k, body, err := r.next()
		var op *resolve.Op
		if err == nil && k != opKind {
			err = errors.New("it changed while it was read")
		}
		if err == nil {
			op, err = codec.DecodeOp(body)
		}
		if err != nil {
			return fmt.Errorf("read history %s, op %d: %w", f.Name, n+1, err)
		}
		if !yield(op) {
			return nil
		}
	}
	return nil
}
