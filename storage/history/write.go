package history

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/resolve"
	"kvd/storage/codec"
)

// Options is where a file is and what may be done there.
type Options struct {
	FS      vfs.FS // nil: this machine's
	Path    string
	Name    string // reading: what errors call the file; "": its path
	Force   bool   // writing: a file that is there may be replaced
	Partial bool   // reading: a damaged file is read as far as it goes
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	return o
}

// Writer writes one file, or a stream. Whoever created it calls Finish or Abort.
type Writer struct {
	Options
	temp   string   // what the file is called until it is whole; empty: a stream
	file   vfs.File // nil: closed, or a stream
	buffer *bufio.Writer
	digest *xxhash.Digest
	ops    uint64
	bytes  int64
	framed []byte // scratch
	body   []byte // scratch
}

// Create begins a file under another name. It fails where there is one of the
// final name, unless Force allows it to be replaced; and where what is there is no
// regular file, which a file must not take the place of. A link of that name would
// be replaced: follow it before.
func Create(o Options, h Header) (*Writer, error) {
	o = o.withDefaults()
	if err := o.free(); err != nil {
		return nil, err
	}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	w := &Writer{Options: o, temp: fmt.Sprintf("%s.%d.part", o.Path, os.Getpid())}
	var err error
	if w.file, err = o.FS.Create(w.temp, vfs.WriteCategoryUnspecified); err != nil {
		return nil, fmt.Errorf("write history: %w", err)
	}
	if err := w.begin(w.file, h); err != nil {
		return nil, err
	}
	return w, nil
}

// Stream begins a history that goes to out as it is written. One that is not
// finished is not whole, and whoever reads it sees that. Out stays the caller's.
func Stream(out io.Writer, h Header) (*Writer, error) {
	if err := h.Validate(); err != nil {
		return nil, err
	}
	w := &Writer{}
	if err := w.begin(out, h); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Writer) begin(out io.Writer, h Header) error {
	w.digest, w.buffer = xxhash.New(), bufio.NewWriterSize(out, bufferBytes)
	err := w.write([]byte(magic))
	if err == nil {
		err = w.frame(headerKind, h.encode())
	}
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	return nil
}

// free fails if the name is taken and may not be.
func (o Options) free() error {
	info, err := o.FS.Stat(o.Path)
	switch {
	case err != nil:
		return nil
	case !info.Mode().IsRegular():
		return fmt.Errorf("write history: %s is no regular file", o.Path)
	case !o.Force:
		return fmt.Errorf("write history: %s is there already: %w", o.Path, os.ErrExist)
	}
	return nil
}

// Put adds an op, which must come after what it depends on. The op stays the
// caller's.
func (w *Writer) Put(op *resolve.Op) error {
	if err := codec.CheckOp(op); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	w.body = codec.AppendOp(w.body[:0], op)
	w.ops++
	return w.frame(opKind, w.body)
}

// Ops is how many were put, and Bytes what they took so far.
func (w *Writer) Ops() int     { return int(w.ops) }
func (w *Writer) Bytes() int64 { return w.bytes }

func (w *Writer) frame(k kind, body []byte) error {
	w.framed = appendFrame(w.framed[:0], k, body)
	return w.write(w.framed)
}

func (w *Writer) write(b []byte) error {
	_, _ = w.digest.Write(b) // a hash takes everything
	w.bytes += int64(len(b))
	if _, err := w.buffer.Write(b); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// Finish ends the file, syncs it and gives it its name; of a stream, everything has
// been written then. When it fails, no file is left behind.
func (w *Writer) Finish() error {
	var end [endBytes]byte
	binary.BigEndian.PutUint64(end[:], w.ops)
	binary.BigEndian.PutUint64(end[8:], w.digest.Sum64())
	err := w.frame(endKind, end[:])
	steps := []func() error{w.buffer.Flush}
	if w.temp != "" {
		steps = append(steps, w.file.Sync, w.close, w.free, w.rename)
	}
	for _, step := range steps {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		return errors.Join(fmt.Errorf("finish history: %w", err), w.Abort())
	}
	w.temp = ""
	return nil
}

func (w *Writer) close() error {
	f := w.file
	if w.file = nil; f == nil {
		return nil
	}
	return f.Close()
}

// rename makes the file appear, for good.
func (w *Writer) rename() error {
	if err := w.FS.Rename(w.temp, w.Path); err != nil {
		return err
	}
	dir, err := w.FS.OpenDir(w.FS.PathDir(w.Path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Abort takes back what was written to a file. After Finish, or another Abort, it does
// nothing.
func (w *Writer) Abort() error {
	if w.temp == "" {
		return nil
	}
	err := w.close()
	if gone := w.FS.Remove(w.temp); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	w.temp = ""
	return err
}
