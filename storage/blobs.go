package storage

import (
	"context"
	"errors"

	"kvd/storage/codec"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/blob"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/sstable/colblk"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// values reads a file of separated values. An op names its dot, so its row need not be
// found; what is no op is passed over. A block that cannot be read costs what is in it.
func (s *salvage) values(fs vfs.FS, path string) (err error) {
	defer recovered(&err)
	readable, o, err := readableOf(fs, path)
	if err != nil {
		return err
	}
	r, err := blob.NewFileReader(context.Background(), readable, blob.FileReaderOptions{ReaderOptions: o.ReaderOptions})
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	defer r.Close()
	blocks, err := blocksOf(r)
	for _, b := range blocks {
		err = errors.Join(err, s.block(r, b))
	}
	return err
}

// blocksOf is where the blocks of values are, as package blob writes them down: an
// array of where each begins, and the last one ends.
func blocksOf(r *blob.FileReader) (all []block.Handle, err error) {
	h, err := r.ReadIndexBlock(context.Background(), block.NoReadEnv, nil)
	if err != nil {
		return nil, err
	}
	defer h.Release()
	const header, offsets = 4, 1
	d := colblk.DecodeBlock(h.BlockData(), header)
	at := colblk.DecodeColumn(&d, offsets, d.Rows()+1, colblk.DataTypeUint, colblk.DecodeUnsafeUints)
	for i := range d.Rows() {
		all = append(all, block.Handle{Offset: at.At(i), Length: at.At(i+1) - at.At(i) - block.TrailerLen})
	}
	return all, nil
}

// block takes the ops of one block.
func (s *salvage) block(r *blob.FileReader, at block.Handle) (err error) {
	defer recovered(&err)
	h, err := r.ReadValueBlock(context.Background(), block.NoReadEnv, nil, at)
	if err != nil {
		return err
	}
	defer h.Release()
	d := colblk.DecodeBlock(h.BlockData(), 0)
	column := d.RawBytes(0)
	for i := 0; i < d.Rows() && s.err == nil; i++ {
		v := column.At(i)
		if op, err := codec.DecodeOp(v); err == nil {
			s.take(appendLogKey(nil, op.Dot), v)
		}
	}
	return nil
}

// separated stands for the value of a row whose value is separated.
func separated[V any](blob.InlineHandlePreface, []byte) (v V) { return v }

// withoutValues reads a table and none of the values that are separated from it.
func withoutValues() (c sstable.TableBlobContext) {
	c.BlobHandleFn = separated
	return c
}
