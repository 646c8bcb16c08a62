package salvage

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/blob"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/sstable/colblk"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// values reads a file of separated values. A value may say what its row is ([Rows].KeyOf),
// so the row need not be found; what does not is passed over. A block that cannot be read costs what is in it.
func (r *reader) values(fs vfs.FS, path string) (err error) {
	defer recovered(&err)
	file, err := openValues(fs, path)
	if err != nil {
		return err
	}
	defer file.Close()
	blocks, err := blocksOf(file)
	for _, b := range blocks {
		err = errors.Join(err, r.block(file, b))
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

// block takes the rows of one block.
func (r *reader) block(file *blob.FileReader, at block.Handle) (err error) {
	defer recovered(&err)
	h, err := file.ReadValueBlock(context.Background(), block.NoReadEnv, nil, at)
	if err != nil {
		return err
	}
	defer h.Release()
	d := colblk.DecodeBlock(h.BlockData(), 0)
	column := d.RawBytes(0)
	for i := 0; i < d.Rows() && r.err == nil; i++ {
		v := column.At(i)
		if k := r.KeyOf(v); k != nil {
			r.take(k, v)
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
